import { SctpError } from '@kaon/sctp'
import { describe, expect, test } from 'vitest'
import { encodeOpen, PPID } from '../src/index.ts'
import { fakePair, Side } from './fake-association.ts'

describe('closing', () => {
  test('what is queued is sent first, then both sides are closed', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ label: 'c' }, 0)
    run()
    b.poll()
    run()
    a.poll()
    channel.send('last words', 0)
    channel.close()
    expect(channel.state).toBe('closing')
    expect(() => channel.send('x', 0)).toThrow('closing')
    expect(a.words()).toEqual([])
    run()
    expect(b.words()).toEqual(['message c "last words"', 'closing c'])
    expect(a.words()).toEqual(['buffered-amount-low c'])
    run()
    expect(b.words()).toEqual(['closed c'])
    expect(a.words()).toEqual(['closed c'])
    expect([channel.state, channel.id]).toEqual(['closed', 0])
    expect([a.manager.channels, b.manager.channels]).toEqual([[], []])
    expect(a.manager.stats.channelsClosed).toBe(1)
    channel.close()
    expect(a.words()).toEqual([])
  })

  test('the other side sends what it has queued before it answers the reset', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ label: 'c' }, 0)
    run()
    b.poll()
    const other = b.manager.channels[0]!
    channel.close()
    a.association.transmit()
    other.send('before I noticed', 0)
    expect(b.words()).toEqual(['closing c'])
    expect(other.bufferedAmount).toBe(16)
    b.association.transmit(8 + 1)
    b.poll()
    expect(other.bufferedAmount).toBe(8)
    expect(b.association.resets).toEqual([0])
    run()
    // W3C WebRTC §6.2: what comes in while closing is discarded.
    expect(a.words()).toEqual(['open c', 'closed c'])
    expect(a.manager.stats.dropped.closing).toBe(1)
    expect(b.words()).toEqual(['buffered-amount-low c', 'closed c'])
  })

  test('both at once', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ label: 'c' }, 0)
    run()
    b.poll()
    channel.close()
    b.manager.channels[0]!.close()
    run()
    expect(a.words()).toEqual(['open c', 'closed c'])
    expect(b.words()).toEqual(['closed c'])
    expect(a.association.resets).toEqual([0])
    expect(b.association.resets).toEqual([0])
  })

  test('before the peer has answered', () => {
    const { a, b, run } = fakePair()
    a.manager.open({ label: 'c' }, 0).close()
    run()
    expect(b.words()).toEqual(['channel c', 'closing c'])
    run()
    expect(a.words()).toEqual(['open c', 'closed c'])
    expect(b.words()).toEqual(['closed c'])
  })

  test('a reset of all streams closes all channels', () => {
    const side = new Side().connect()
    side.manager.open({ label: 'x', negotiated: true, id: 0 }, 0)
    side.manager.open({ label: 'y', negotiated: true, id: 1 }, 0)
    side.poll()
    side.association.events.push({ type: 'incoming-reset', streamIds: [], all: true })
    expect(side.words()).toEqual(['closing x', 'closing y'])
    side.association.transmit()
    expect(side.words()).toEqual(['closed x', 'closed y'])
  })

  test('a peer that cannot reset streams: closed here, and the id is not used again', () => {
    const side = new Side()
    side.association.negotiated = { outboundStreams: 10, inboundStreams: 10, streamReset: false }
    side.connect()
    side.manager.open({ label: 'x' }, 0).close()
    expect(side.words()).toEqual(['open x', 'closed x'])
    expect(side.association.resets).toEqual([])
    expect(side.manager.open({}, 0).id).toBe(2)
    side.association.deliver(0, PPID.STRING, [1])
    side.poll()
    expect(side.manager.stats.dropped.closing).toBe(1)
  })

  test('a peer that refuses the reset: likewise', () => {
    const side = new Side().connect()
    side.association.resetsPass = false
    side.manager.open({ label: 'x' }, 0).close()
    side.association.events.push({ type: 'outgoing-reset', streamIds: [0], ok: false })
    expect(side.words()).toEqual(['open x', 'closed x'])
    expect(side.manager.open({}, 0).id).toBe(2)
    side.association.events.push({ type: 'incoming-reset', streamIds: [0], all: false })
    side.association.deliver(0, PPID.STRING, [1])
    expect(side.words()).toEqual(['open '])
  })
})

describe('ids are used again', () => {
  test('only when both directions are reset', () => {
    const { a, b } = fakePair()
    const first = a.manager.open({ label: 'first' }, 0)
    a.association.transmit()
    b.poll()
    first.close()
    a.association.transmit()
    b.poll()
    b.association.resetsPass = false
    b.association.transmit()
    a.poll()
    expect(first.state).toBe('closing')
    expect(a.manager.open({ label: 'second' }, 0).id).toBe(2)
    b.association.resetsPass = true
    b.association.transmit()
    a.poll()
    expect(first.state).toBe('closed')
    expect(a.manager.open({ label: 'third' }, 0).id).toBe(0)
  })

  test('in loops, without growing', () => {
    const { a, b, run } = fakePair()
    for (let round = 0; round < 200; round++) {
      const label = `round ${round}`
      const opener = round % 3 === 0 ? b : a
      const channels = [opener.manager.open({ label }, 0), opener.manager.open({ label }, 0)]
      expect(channels.every((c) => c.id! < 4)).toBe(true)
      run()
      a.poll()
      b.poll()
      expect(b.manager.channels.map((c) => c.label)).toEqual([label, label])
      for (const channel of round % 2 ? channels : (opener === a ? b : a).manager.channels) channel.close()
      for (let i = 0; i < 3; i++) {
        run()
        a.poll()
        b.poll()
      }
      expect(channels.map((c) => c.state)).toEqual(['closed', 'closed'])
      expect([a.manager.channels, b.manager.channels]).toEqual([[], []])
    }
    expect(a.manager.stats).toMatchObject({ channelsOpened: 400, channelsClosed: 400 })
    expect(b.manager.stats.refused).toEqual({ malformed: 0, parity: 0, limit: 0, stream: 0, idInUse: 0 })
  })

  test('by a peer that has seen the answer to its reset before we saw the answer to ours', () => {
    const side = new Side().connect()
    const open = encodeOpen({
      ordered: true,
      maxRetransmits: undefined,
      maxPacketLifeTime: undefined,
      priority: 256,
      label: 'again',
      protocol: '',
    })
    side.association.resetsPass = false
    side.association.deliver(1, PPID.DCEP, open)
    side.association.events.push({ type: 'incoming-reset', streamIds: [1], all: false })
    expect(side.words()).toEqual(['channel again', 'closing again'])
    side.association.deliver(1, PPID.DCEP, open)
    side.association.deliver(1, PPID.STRING, [0x78])
    expect(side.words()).toEqual([])
    side.association.resetsPass = true
    side.association.transmit()
    expect(side.words()).toEqual(['closed again', 'channel again', 'message again "x"'])
    expect(side.manager.stats.refused.idInUse).toBe(0)
  })
})

describe('by a peer that is far ahead of us', () => {
  const open = encodeOpen({
    ordered: true,
    maxRetransmits: undefined,
    maxPacketLifeTime: undefined,
    priority: 256,
    label: 'next',
    protocol: '',
  })

  /** The peer has closed a channel on stream 1, and we wait for the answer to our own reset. */
  function ahead(maxHeldBytes = 10_000): Side {
    const side = new Side({ role: 'client', maxHeldBytes }).connect()
    side.association.resetsPass = false
    side.manager.open({ label: 'last', negotiated: true, id: 1 }, 0)
    side.association.events.push({ type: 'incoming-reset', streamIds: [1], all: false })
    expect(side.words()).toEqual(['open last', 'closing last'])
    return side
  }

  test('the next channel on the id was opened, used and closed', () => {
    const side = ahead()
    side.association.deliver(1, PPID.DCEP, open)
    side.association.deliver(1, PPID.STRING, [0x78])
    side.association.events.push({ type: 'incoming-reset', streamIds: [1], all: false })
    side.association.deliver(1, PPID.STRING, [0x79]) // nobody does that
    expect(side.words()).toEqual([])
    side.association.resetsPass = true
    side.association.transmit()
    expect(side.words()).toEqual(['closed last', 'channel next', 'message next "x"', 'closing next'])
    side.association.transmit()
    expect(side.words()).toEqual(['closed next'])
    expect(side.association.resets).toEqual([1, 1])
  })

  test('a negotiated channel that only the peer has was closed', () => {
    const side = ahead()
    side.association.events.push({ type: 'incoming-reset', streamIds: [1], all: false })
    side.association.resetsPass = true
    side.association.transmit()
    expect(side.words()).toEqual(['closed last'])
    side.association.transmit()
    expect(side.words()).toEqual([])
    expect(side.association.resets).toEqual([1, 1])
    expect(side.manager.open({ negotiated: true, id: 1 }, 0).state).toBe('open')
  })

  test('and what it sent has no room: its channel is refused', () => {
    const side = ahead(100)
    side.association.deliver(1, PPID.DCEP, open)
    side.association.deliver(1, PPID.STRING, [0x78])
    side.association.deliver(1, PPID.STRING, [0x79])
    side.association.resetsPass = true
    side.poll()
    side.association.transmit()
    expect(side.words()).toEqual(['closed last'])
    side.association.transmit()
    expect(side.association.resets).toEqual([1, 1])
    expect(side.manager.stats.dropped).toMatchObject({ noChannel: 1, closing: 1 })
  })
})

describe('the association ends', () => {
  function connected(): Side {
    const side = new Side().connect()
    side.manager.open({ label: 'open' }, 0)
    side.manager.open({ label: 'closing' }, 0).close()
    side.poll()
    return side
  }

  test('aborted: every channel is closed with an error', () => {
    const side = connected()
    const waiting = new Side({})
    waiting.manager.open({ label: 'waiting' }, 0)
    const error = new SctpError('ERR_SCTP_TIMEOUT', 'silence')
    for (const s of [side, waiting]) s.association.events.push({ type: 'aborted', error })
    const events = side.poll()
    expect(events).toMatchObject([
      {
        type: 'closed',
        channel: { label: 'open', state: 'closed' },
        error: { code: 'ERR_DATACHANNEL_ASSOCIATION', cause: error },
      },
      {
        type: 'closed',
        channel: { label: 'closing', state: 'closed' },
        error: { code: 'ERR_DATACHANNEL_ASSOCIATION' },
      },
      { type: 'ended', error: { code: 'ERR_DATACHANNEL_ASSOCIATION' } },
    ])
    expect(waiting.words()).toEqual(['closed waiting ERR_DATACHANNEL_ASSOCIATION', 'ended ERR_DATACHANNEL_ASSOCIATION'])
    expect(() => side.manager.open({}, 0)).toThrow(expect.objectContaining({ code: 'ERR_DATACHANNEL_STATE' }))
    expect(side.manager.channels).toEqual([])
  })

  test('shut down: without one', () => {
    const side = connected()
    side.association.events.push({ type: 'closed' })
    expect(side.words()).toEqual(['closed open', 'closed closing', 'ended'])
  })

  test('right behind a reset of the peer, which can no longer be answered, or while a channel is closed here', () => {
    const side = new Side().connect()
    side.manager.open({ label: 'theirs' }, 0)
    const ours = side.manager.open({ label: 'ours' }, 0)
    side.poll()
    side.association.events.push({ type: 'incoming-reset', streamIds: [0], all: false }, { type: 'closed' })
    side.association.ended = true
    ours.close()
    expect(side.words()).toEqual(['closing theirs', 'closed theirs', 'closed ours', 'ended'])
  })

  test('restarted: its channels are lost, new ones may be made', () => {
    const side = connected()
    side.association.events.push({ type: 'restarted' })
    expect(side.words()).toEqual([
      'closed open ERR_DATACHANNEL_ASSOCIATION',
      'closed closing ERR_DATACHANNEL_ASSOCIATION',
    ])
    expect(side.manager.open({}, 0)).toMatchObject({ state: 'open' })
  })
})
