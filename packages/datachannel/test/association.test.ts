import { describe, expect, test } from 'vitest'
import type { Channel, ChannelOptions } from '../src/index.ts'
import { Pair, seeded, type End } from './pair.ts'

const lossy = { delay: 20, jitter: 15, loss: 0.15, duplicate: 0.05 }

/** Opens a channel and waits until both sides have it. */
function open(pair: Pair, from: End, options: ChannelOptions & { label: string }): [Channel, Channel] {
  const to = from === pair.client ? pair.server : pair.client
  const channel = from.manager.open(options, pair.now)
  expect(pair.run(() => to.channel(options.label) !== undefined)).toBe(true)
  return [channel, to.channel(options.label)!]
}

describe('every reliability × order, seen from the other side, over a lossy wire', () => {
  const kinds: readonly ChannelOptions[] = [
    {},
    { ordered: false },
    { maxRetransmits: 0 },
    { maxRetransmits: 0, ordered: false },
    { maxRetransmits: 3 },
    { maxRetransmits: 3, ordered: false },
    { maxPacketLifeTime: 100 },
    { maxPacketLifeTime: 100, ordered: false },
  ]
  const cases = kinds.flatMap((kind) =>
    [false, true].flatMap((negotiated) => (['client', 'server'] as const).map((role) => ({ kind, negotiated, role }))),
  )

  test.each(cases)('$kind, negotiated $negotiated, from the DTLS $role', ({ kind, negotiated, role }) => {
    const pair = new Pair({ seed: 1, link: lossy })
    const [from, to] = role === 'client' ? [pair.client, pair.server] : [pair.server, pair.client]
    const options = { ...kind, label: 'c', protocol: 'p', ...(negotiated ? { negotiated, id: 7 } : {}) }
    const channel = from.manager.open(options, 0)
    if (negotiated) to.manager.open(options, 0)
    const count = 400
    let next = 0
    from.onevent = (event) => {
      if (event.type !== 'open') return
      // From the very first moment on, long before the ACK.
      for (; next < 20; next++) channel.send(`${next}`, pair.now)
    }
    expect(pair.run(() => next === 20)).toBe(true)
    while (next < count) {
      for (let i = 0; i < 4; i++, next++) channel.send(`${next}`, pair.now)
      pair.run(undefined, 10)
    }
    pair.run(() => channel.bufferedAmount === 0 && from.association.bytesInFlight === 0)
    pair.run(undefined, 500)

    const received = to.channel('c')!
    expect(received).toMatchObject({
      label: 'c',
      protocol: 'p',
      id: negotiated ? 7 : role === 'client' ? 0 : 1,
      negotiated,
      ordered: kind.ordered ?? true,
      maxRetransmits: kind.maxRetransmits,
      maxPacketLifeTime: kind.maxPacketLifeTime,
    })
    const numbers = to.received('c').map(Number)
    expect(new Set(numbers).size).toBe(numbers.length)
    if (kind.ordered !== false) expect(numbers).toEqual([...numbers].sort((x, y) => x - y))
    const reliable = kind.maxRetransmits === undefined && kind.maxPacketLifeTime === undefined
    if (reliable) expect(numbers).toHaveLength(count)
    else {
      expect(numbers.length).toBeGreaterThan(count / 2)
      if (kind.maxRetransmits === 0) expect(numbers.length).toBeLessThan(count)
    }
    expect(channel.bufferedAmount).toBe(0)
  })

  test('unordered messages do overtake each other once the peer was heard', () => {
    const pair = new Pair({ seed: 2, link: lossy })
    const [channel] = open(pair, pair.client, { label: 'u', ordered: false })
    pair.run(undefined, 1000)
    for (let i = 0; i < 200; i++) {
      channel.send(new Uint8Array(600).fill(i), pair.now)
      pair.run(undefined, 2)
    }
    pair.run(() => pair.server.received('u').length === 200)
    const order = pair.server.received('u').map((m) => (m as Uint8Array)[0]!)
    expect(order).toHaveLength(200)
    expect(order).not.toEqual([...order].sort((x, y) => x - y))
  })
})

describe('messages', () => {
  test('empty, large and Unicode, both ways, in order', () => {
    const pair = new Pair({ seed: 3, link: lossy })
    const label = 'Käse 🧀 \u0000 日本語'
    const [near, far] = open(pair, pair.server, { label, protocol: 'ünï' })
    expect(far.protocol).toBe('ünï')
    const random = seeded(7)
    const large = Uint8Array.from({ length: 262144 }, () => random() * 256)
    const messages = ['', 'x', new Uint8Array(0), large, '🎈'.repeat(50_000), '', new Uint8Array(1)]
    for (const message of messages) {
      near.send(typeof message === 'string' ? message : message.slice(), pair.now)
      far.send(typeof message === 'string' ? message : message.slice(), pair.now)
    }
    const done = (end: End): boolean => end.received(label).length === messages.length
    expect(pair.run(() => done(pair.client) && done(pair.server))).toBe(true)
    for (const end of [pair.client, pair.server]) {
      const received = end.received(label)
      messages.forEach((message, i) => expect(Buffer.compare(Buffer.from(received[i]!), Buffer.from(message))).toBe(0))
      expect(received.map((m) => typeof m)).toEqual(messages.map((m) => typeof m))
    }
    expect([near.bufferedAmount, far.bufferedAmount]).toEqual([0, 0])
  })

  test('labels and protocols of 65535 bytes', () => {
    const pair = new Pair({ seed: 4, link: { loss: 0.05 } })
    const label = 'é'.repeat(32767) + 'x'
    const [, far] = open(pair, pair.client, { label, protocol: 'p'.repeat(65535) })
    expect([far.label === label, far.protocol.length]).toEqual([true, 65535])
  })

  test('bufferedAmount never shows anything but the application, and falls as data leaves', () => {
    const pair = new Pair({ seed: 5, link: { delay: 20 } })
    const [channel] = open(pair, pair.client, { label: 'a longer label than the data' })
    pair.run(undefined, 500)
    pair.client.words()
    channel.bufferedAmountLowThreshold = 10_000
    for (let i = 0; i < 40; i++) {
      channel.send(new Uint8Array(2500), pair.now)
      channel.send('', pair.now)
    }
    expect(channel.bufferedAmount).toBe(100_000)
    const amounts: number[] = []
    let low = -1
    pair.client.onevent = (event) => {
      if (event.type === 'buffered-amount-low') low = channel.bufferedAmount
    }
    pair.run(() => {
      amounts.push(channel.bufferedAmount)
      return pair.server.received(channel.label).length === 80
    })
    expect(amounts).toEqual([...amounts].sort((x, y) => y - x))
    expect(new Set(amounts).size).toBeGreaterThan(2)
    expect(amounts.at(-1)).toBe(0)
    expect(low).toBeGreaterThanOrEqual(0)
    expect(low).toBeLessThanOrEqual(10_000)
    expect(pair.client.words().filter((w) => w.startsWith('buffered-amount-low'))).toHaveLength(1)
  })

  test('many channels at once keep their messages apart', () => {
    const pair = new Pair({ seed: 6, link: lossy })
    const channels = Array.from({ length: 60 }, (_, i) =>
      (i % 2 ? pair.client : pair.server).manager.open({ label: `c${i}`, ordered: i % 3 !== 0 }, 0),
    )
    pair.run(() => channels.every((c) => c.state === 'open'))
    for (let round = 0; round < 5; round++) for (const c of channels) c.send(`${c.label} ${round}`, pair.now)
    const count = (end: End): number => end.events.filter((e) => e.type === 'message').length
    expect(pair.run(() => count(pair.client) + count(pair.server) === 300)).toBe(true)
    for (const [i, channel] of channels.entries()) {
      const got = (i % 2 ? pair.server : pair.client).received(channel.label)
      expect([...got].sort()).toEqual([0, 1, 2, 3, 4].map((round) => `c${i} ${round}`))
    }
  })
})

describe('closing', () => {
  test('with unsent data: all of it arrives, then both are closed', () => {
    const pair = new Pair({ seed: 8, link: lossy })
    const [near, far] = open(pair, pair.client, { label: 'c' })
    for (let i = 0; i < 50; i++) near.send(new Uint8Array(10_000).fill(i), pair.now)
    near.close()
    expect(near.bufferedAmount).toBe(500_000)
    expect(pair.run(() => near.state === 'closed' && far.state === 'closed')).toBe(true)
    expect(pair.server.received('c').map((m) => (m as Uint8Array)[0])).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(near.bufferedAmount).toBe(0)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('at any moment, from any side (seed %i)', (seed) => {
    const pair = new Pair({ seed, link: lossy })
    const random = seeded(seed * 77)
    const made: Channel[] = []
    for (const end of [pair.client, pair.server]) {
      end.onevent = (event) => {
        if (event.type === 'channel') {
          made.push(event.channel)
          if (random() < 0.2) event.channel.close()
          else event.channel.send('hello', pair.now)
        }
      }
    }
    for (let i = 0; i < 120; i++) {
      if (random() < 0.5) {
        const end = random() < 0.5 ? pair.client : pair.server
        const channel = end.manager.open({ label: `${i}`, ordered: random() < 0.5 }, pair.now)
        if (channel.state === 'open' && random() < 0.5) channel.send(`from ${i}`, pair.now)
        made.push(channel)
      } else {
        const channel = made[Math.floor(random() * made.length)]
        channel?.close()
        if (channel !== undefined && random() < 0.5) {
          for (const end of [pair.client, pair.server]) end.channel(channel.label)?.close()
        }
      }
      pair.run(undefined, random() * 30)
    }
    for (const channel of made) channel.close()
    pair.run(() => pair.client.manager.channels.length + pair.server.manager.channels.length === 0)
    pair.run(undefined, 3000)
    for (const end of [pair.client, pair.server]) {
      expect(end.manager.channels.map((c) => `${c.label} ${c.state}`)).toEqual([])
      expect(end.manager.stats.refused).toEqual({ malformed: 0, parity: 0, limit: 0, stream: 0, idInUse: 0 })
      expect(end.manager.stats.channelsClosed).toBe(end.manager.stats.channelsOpened)
      const closed = end.events.filter((e) => e.type === 'closed').map((e) => e.channel)
      expect(new Set(closed).size).toBe(closed.length)
      // Nobody was left with a channel that the other side does not know.
      expect(end.events.filter((e) => e.type === 'closed' && e.error !== undefined)).toEqual([])
    }
    expect(made.every((c) => c.state === 'closed')).toBe(true)
    // Every id is free again.
    expect(Math.max(...made.map((c) => c.id ?? 0))).toBeLessThan(60)
    expect(pair.client.manager.open({ label: 'at last' }, pair.now).id).toBeLessThan(60)
    expect(pair.run(() => pair.server.channel('at last') !== undefined)).toBe(true)
  })

  test('the same id fifty times over a lossy wire', () => {
    const pair = new Pair({ seed: 9, link: lossy })
    for (let round = 0; round < 50; round++) {
      const label = `round ${round}`
      const [near, far] = open(pair, round % 2 ? pair.client : pair.server, { label, ordered: round % 3 === 0 })
      expect(near.id).toBe(round % 2 ? 0 : 1)
      near.send('there', pair.now)
      far.send('and back', pair.now)
      const all = (): boolean => pair.client.received(label).length === 1 && pair.server.received(label).length === 1
      expect(pair.run(all)).toBe(true)
      if (round % 4 < 2) near.close()
      else far.close()
      expect(pair.run(() => near.state === 'closed' && far.state === 'closed')).toBe(true)
    }
  })

  test('a negotiated channel that only one side has: the other answers its closing', () => {
    const pair = new Pair({ seed: 10 })
    const alone = pair.client.manager.open({ label: 'alone', negotiated: true, id: 12 }, 0)
    pair.run(() => alone.state === 'open')
    alone.send('anybody?', pair.now)
    alone.close()
    expect(pair.run(() => alone.state === 'closed')).toBe(true)
    expect(pair.server.words()).toEqual(['connected'])
    // And again, now that both have reset the streams.
    const [near] = open(pair, pair.server, { label: 'next' })
    expect(near.state).toBe('open')
  })

  test('an abort closes every channel of both sides with an error', () => {
    const pair = new Pair({ seed: 11 })
    open(pair, pair.client, { label: 'one' })
    open(pair, pair.server, { label: 'two' })
    pair.client.association.abort('enough')
    pair.run(() => pair.server.events.some((e) => e.type === 'ended'))
    for (const end of [pair.client, pair.server]) {
      const words = end.words()
      expect(words).toContain('closed one ERR_DATACHANNEL_ASSOCIATION')
      expect(words).toContain('closed two ERR_DATACHANNEL_ASSOCIATION')
      expect(words.at(-1)).toBe('ended ERR_DATACHANNEL_ASSOCIATION')
      expect(() => end.manager.open({}, pair.now)).toThrow(expect.objectContaining({ code: 'ERR_DATACHANNEL_STATE' }))
    }
  })

  test('a shutdown closes them without one', () => {
    const pair = new Pair({ seed: 12 })
    const [near] = open(pair, pair.client, { label: 'one' })
    near.send('last', pair.now)
    pair.client.association.shutdown()
    pair.run(() => pair.server.events.some((e) => e.type === 'ended'))
    pair.run(undefined, 1000)
    expect(pair.server.words().slice(-3)).toEqual(['message one "last"', 'closed one', 'ended'])
    expect(pair.client.words().slice(-2)).toEqual(['closed one', 'ended'])
  })
})

describe('features that the peer has not got', () => {
  test('fewer streams: the channel fails, others work', () => {
    const pair = new Pair({ seed: 13, sctp: { inboundStreams: 4, outboundStreams: 4 } })
    const channels = ['a', 'b', 'c'].map((label) => pair.client.manager.open({ label }, 0))
    pair.run(() => pair.server.manager.channels.length === 2)
    expect(channels.map((c) => c.state)).toEqual(['open', 'open', 'closed'])
    expect(pair.client.manager.maxChannels).toBe(4)
  })

  test('no interleaving, no partial reliability: everything is delivered', () => {
    const pair = new Pair({ seed: 14, link: lossy, sctp: { interleaving: false, partialReliability: false } })
    const [near] = open(pair, pair.client, { label: 'x', maxRetransmits: 0 })
    for (let i = 0; i < 100; i++) near.send(`${i}`, pair.now)
    expect(pair.run(() => pair.server.received('x').length === 100)).toBe(true)
  })
})
