import { beforeAll, afterAll, describe, expect, it } from 'vitest'
import type { RTCDataChannel, RTCDataChannelEvent, RTCDataChannelInit, RTCError } from '../src/index.ts'
import { closeAll, connect, messages, once, opened, thrown, type Connected } from './support/peers.ts'

// Two peers of this process over loopback, one connection for most tests.

let pair: Connected
beforeAll(async () => {
  pair = await connect()
})
afterAll(closeAll)

/** A channel opened by `a`, and the other end of it. */
async function channel(
  init: RTCDataChannelInit = {},
  label = 'channel',
  { a, b } = pair,
): Promise<[RTCDataChannel, RTCDataChannel]> {
  const incoming = once<Event & RTCDataChannelEvent>(b, 'datachannel')
  const own = a.createDataChannel(label, init)
  const remote = (await incoming).channel
  await Promise.all([opened(own), opened(remote)])
  return [own, remote]
}

describe('what the other side sees', () => {
  const limits: RTCDataChannelInit[] = [
    {},
    { maxRetransmits: 0 },
    { maxRetransmits: 65535 },
    { maxPacketLifeTime: 0 },
    { maxPacketLifeTime: 1500 },
  ]
  const kinds = [true, false].flatMap((ordered) => limits.map((limit) => ({ ordered, ...limit })))
  it.each(kinds)('of a channel with %j', async (init) => {
    const [own, remote] = await channel({ ...init, protocol: 'ünï/1' }, 'grüße 👋')
    const expected = { maxRetransmits: null, maxPacketLifeTime: null, ...init }
    const common = { label: 'grüße 👋', protocol: 'ünï/1', negotiated: false, readyState: 'open', ...expected }
    expect(own).toMatchObject(common)
    expect(remote).toMatchObject({ ...common, id: own.id })
    if (init.maxPacketLifeTime === 0) return own.close() // given up as soon as it is sent
    const arrived = messages(remote, 1)
    own.send('there')
    expect(await arrived).toEqual(['there'])
    const back = messages(own, 1)
    remote.send('back')
    expect(await back).toEqual(['back'])
    own.close()
  })

  it('priority', async () => {
    const [own, remote] = await channel({ priority: 'high' })
    expect([own.priority, remote.priority]).toEqual(['high', 'high'])
    own.close()
  })

  it('ids by DTLS role: the answerer, which is the client, has the even ones', async () => {
    const [own] = await channel()
    expect(own.id! % 2).toBe(1)
    const incoming = once<Event & RTCDataChannelEvent>(pair.a, 'datachannel')
    const other = pair.b.createDataChannel('from b')
    expect(other.id! % 2).toBe(0)
    expect((await incoming).channel.id).toBe(other.id)
    own.close()
    other.close()
  })

  it('datachannel, then open, then messages, with a task for each', async () => {
    const order: string[] = []
    const incoming = new Promise<RTCDataChannel>((resolve) => {
      pair.b.ondatachannel = (event) => {
        order.push(`datachannel ${event.channel.readyState}`)
        resolve(event.channel)
      }
    })
    const own = pair.a.createDataChannel('eager')
    own.onopen = () => {
      own.send('1')
      own.send('2')
    }
    const remote = await incoming
    pair.b.ondatachannel = null
    // Listeners that come in a microtask of the event miss nothing.
    remote.onopen = () => order.push('open')
    const two = new Promise<void>((resolve) => {
      remote.onmessage = (event) => {
        order.push(event.data as string)
        if (event.data === '2') resolve()
      }
    })
    await two
    expect(order).toEqual(['datachannel open', 'open', '1', '2'])
    own.close()
  })
})

describe('messages', () => {
  it('of every type arrive as they are', async () => {
    const [own, remote] = await channel()
    const bytes = Uint8Array.of(9, 1, 2, 3, 9)
    const arrived = messages(remote, 9)
    own.send('ÿ∀𝄞')
    own.send('')
    own.send('a\ud800')
    own.send(bytes)
    own.send(bytes.buffer)
    own.send(new DataView(bytes.buffer, 1, 3))
    own.send(new Uint16Array([0x0102]))
    own.send(new Uint8Array(0))
    own.send(5 as never)
    const got = (await arrived).map((data) =>
      typeof data === 'string' ? data : [...new Uint8Array(data as ArrayBuffer)],
    )
    expect(got).toEqual(['ÿ∀𝄞', '', 'a\ufffd', [9, 1, 2, 3, 9], [9, 1, 2, 3, 9], [1, 2, 3], [2, 1], [], '5'])
    own.close()
  })

  it('are ArrayBuffers of their own, or blobs', async () => {
    const [own, remote] = await channel()
    const first = messages(remote, 1)
    own.send(Uint8Array.of(1, 2))
    const [buffer] = await first
    expect(buffer).toBeInstanceOf(ArrayBuffer)
    expect((buffer as ArrayBuffer).byteLength).toBe(2)
    remote.binaryType = 'blob'
    const second = messages(remote, 2)
    own.send(Uint8Array.of(3, 4))
    own.send('text')
    const [blob, text] = await second
    expect(blob).toBeInstanceOf(Blob)
    expect([...new Uint8Array(await (blob as Blob).arrayBuffer())]).toEqual([3, 4])
    expect(text).toBe('text')
    own.close()
  })

  it('are MessageEvents of the platform', async () => {
    const [own, remote] = await channel()
    const event = once<MessageEvent>(remote, 'message')
    own.send('x')
    expect(await event).toBeInstanceOf(MessageEvent)
    expect((await event).origin).toBe('')
    own.close()
  })

  it('keep their order around blobs, and what was sent before close arrives', async () => {
    const [own, remote] = await channel()
    const arrived = messages(remote, 4)
    own.send('before')
    own.send(new Blob([Uint8Array.of(1), 'x']))
    own.send(new Blob([]))
    own.send('after')
    expect(own.bufferedAmount).toBe(6 + 2 + 0 + 5)
    own.close()
    const [before, blob, empty, after] = await arrived
    expect([before, after]).toEqual(['before', 'after'])
    expect([...new Uint8Array(blob as ArrayBuffer)]).toEqual([1, 120])
    expect((empty as ArrayBuffer).byteLength).toBe(0)
    await once(remote, 'close')
  })

  it('belong to the channel once sent', async () => {
    const [own, remote] = await channel()
    const arrived = messages(remote, 1)
    const bytes = new Uint8Array(100_000).fill(1)
    own.send(bytes)
    bytes.fill(2)
    expect(new Uint8Array((await arrived)[0] as ArrayBuffer).every((byte) => byte === 1)).toBe(true)
    own.close()
  })

  it('may have maxMessageSize bytes and not one more', async () => {
    const [own, remote] = await channel()
    const { maxMessageSize } = pair.a.sctp!
    expect(maxMessageSize).toBe(262_144)
    const arrived = messages(remote, 1)
    own.send(new Uint8Array(262_144))
    expect(thrown(() => own.send(new Uint8Array(262_145)))).toBe('TypeError')
    expect(thrown(() => own.send('ü'.repeat(131_073)))).toBe('TypeError')
    expect(thrown(() => own.send(new Blob([new Uint8Array(262_145)])))).toBe('TypeError')
    expect(((await arrived)[0] as ArrayBuffer).byteLength).toBe(262_144)
    own.close()
  })

  it.each([[null], [undefined], [{}], [() => {}], [Symbol('x')]])('%o is none', async (value) => {
    const { channel: own } = pair
    expect(thrown(() => own.send(value as never))).toBe('TypeError')
  })
})

describe('bufferedAmount', () => {
  it('counts bytes exactly and falls in tasks only', async () => {
    const [own, remote] = await channel()
    const arrived = messages(remote, 3)
    own.send('ü')
    expect(own.bufferedAmount).toBe(2)
    own.send(new Uint8Array(1000))
    expect(own.bufferedAmount).toBe(1002)
    own.send('')
    expect(own.bufferedAmount).toBe(1002)
    await Promise.resolve()
    expect(own.bufferedAmount).toBe(1002)
    await arrived
    expect(own.bufferedAmount).toBe(0)
    own.close()
  })

  it('fires bufferedamountlow when it falls from above the threshold to it or below', async () => {
    const [own, remote] = await channel()
    let fired = 0
    own.onbufferedamountlow = () => fired++
    own.bufferedAmountLowThreshold = 500
    const first = messages(remote, 1)
    own.send(new Uint8Array(500))
    await first
    expect(fired).toBe(0)
    const low = once(own, 'bufferedamountlow')
    own.send(new Uint8Array(501))
    await low
    expect(fired).toBe(1)
    expect(own.bufferedAmount).toBeLessThanOrEqual(500)
    own.close()
  })

  it('has a limit, beyond which send throws OperationError', async () => {
    const limited = await connect({ sctp: { sendBufferSize: 300_000 } })
    const { channel: own } = limited
    own.send(new Uint8Array(200_000))
    expect(thrown(() => own.send(new Uint8Array(200_000)))).toBe('OperationError')
    expect(own.bufferedAmount).toBe(200_000)
    own.send(new Uint8Array(100_000))
    limited.a.close()
    limited.b.close()
  })

  it('stays as it is when the connection closes', async () => {
    const other = await connect()
    other.channel.send(new Uint8Array(1000))
    other.a.close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(other.channel.bufferedAmount).toBe(1000)
    other.b.close()
  })
})

describe('closing', () => {
  it('by one side tells the other: closing, then close', async () => {
    const [own, remote] = await channel()
    const order: string[] = []
    remote.onclosing = () => order.push(`closing ${remote.readyState}`)
    remote.onclose = () => order.push(`close ${remote.readyState}`)
    remote.onerror = () => order.push('error')
    own.onclosing = () => order.push('own closing')
    const both = Promise.all([once(own, 'close'), once(remote, 'close')])
    own.close()
    expect(own.readyState).toBe('closing')
    expect(thrown(() => own.send('x'))).toBe('InvalidStateError')
    await both
    expect([own.readyState, remote.readyState]).toEqual(['closed', 'closed'])
    expect(order).toEqual(['closing closing', 'close closed'])
  })

  it('by both sides at once', async () => {
    const [own, remote] = await channel()
    const both = Promise.all([once(own, 'close'), once(remote, 'close')])
    own.close()
    remote.close()
    await both
  })

  it('frees the id of a negotiated channel', async () => {
    const init = { negotiated: true, id: 100 }
    for (let round = 0; round < 3; round++) {
      const [one, two] = [pair.a, pair.b].map((pc) => pc.createDataChannel(`round ${round}`, init)) as [
        RTCDataChannel,
        RTCDataChannel,
      ]
      expect(thrown(() => pair.a.createDataChannel('x', init))).toBe('OperationError')
      await Promise.all([opened(one), opened(two)])
      const arrived = messages(two, 1)
      one.send('x')
      await arrived
      const both = Promise.all([once(one, 'close'), once(two, 'close')])
      one.close()
      await both
    }
  })

  it('of the connection closes the other side’s channels, with the error that browsers have there', async () => {
    const other = await connect()
    const events: string[] = []
    let error: RTCError | undefined
    other.remote.onerror = (event) => {
      events.push(`error ${other.remote.readyState}`)
      error = event.error
    }
    other.remote.onclosing = () => events.push('closing')
    other.remote.onclose = () => events.push('close')
    const closed = once(other.remote, 'close')
    const sctp = once(other.b.sctp!, 'statechange')
    other.a.close()
    await closed
    await sctp
    expect(other.remote.readyState).toBe('closed')
    expect(other.b.sctp!.state).toBe('closed')
    expect(events).toEqual(['error closed', 'close'])
    expect(error).toMatchObject({ name: 'OperationError', errorDetail: 'sctp-failure', sctpCauseCode: 12 })
    if (other.b.sctp!.transport.state !== 'closed') await once(other.b.sctp!.transport, 'statechange')
    expect(other.b.sctp!.transport.state).toBe('closed')
    expect(other.b.sctp!.transport.iceTransport.state).not.toBe('closed')
    other.b.close()
  })
})

describe('several channels', () => {
  it('ten opened at once by both sides, before and after the connection', async () => {
    const own = Array.from({ length: 10 }, (_, i) => [pair.a, pair.b][i % 2]!.createDataChannel(`many ${i}`))
    await Promise.all(own.map(opened))
    expect(new Set(own.map((each) => each.id)).size).toBe(10)
    for (const each of own) each.close()
    await Promise.all(own.map((each) => (each.readyState === 'closed' ? undefined : once(each, 'close'))))
  })

  it('carry megabytes side by side', async () => {
    const [[one, two], [three, four]] = await Promise.all([channel({}, 'one'), channel({ ordered: false }, 'two')])
    const size = 60_000
    const [first, second] = [messages(two, 40), messages(four, 40)]
    for (let i = 0; i < 40; i++) {
      one.send(new Uint8Array(size).fill(i))
      three.send(new Uint8Array(size).fill(i))
    }
    const bytes = (all: unknown[]): number[] => all.map((data) => new Uint8Array(data as ArrayBuffer)[size - 1]!)
    expect(bytes(await first)).toEqual(Array.from({ length: 40 }, (_, i) => i))
    expect(bytes(await second).sort((x, y) => x - y)).toEqual(Array.from({ length: 40 }, (_, i) => i))
    one.close()
    three.close()
  })
})

describe('extensions', () => {
  it('for await brings the messages in order, until the channel closes', async () => {
    const [own, remote] = await channel()
    const got: unknown[] = []
    const all = (async () => {
      for await (const message of remote) got.push(message)
    })()
    for (const text of ['1', '2', '3']) own.send(text)
    own.close()
    await all
    expect(got).toEqual(['1', '2', '3'])
  })

  it('ready() waits until there is room', async () => {
    const [own, remote] = await channel()
    own.bufferedAmountLowThreshold = 100_000
    const arrived = messages(remote, 20)
    for (let i = 0; i < 20; i++) {
      await own.ready()
      expect(own.bufferedAmount).toBeLessThanOrEqual(100_000)
      own.send(new Uint8Array(80_000))
    }
    await arrived
    own.close()
    await expect(own.ready()).rejects.toMatchObject({ name: 'InvalidStateError' })
  })

  it('ready() obeys its signal', async () => {
    const [own] = await channel()
    own.bufferedAmountLowThreshold = 1
    own.send(new Uint8Array(200_000))
    const controller = new AbortController()
    const waiting = own.ready({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    own.close()
  })

  it('whoever waits is woken by the connection’s close', async () => {
    const other = await connect()
    const loop = (async () => {
      for await (const _message of other.channel);
      return 'ended'
    })()
    other.channel.bufferedAmountLowThreshold = 1
    other.channel.send(new Uint8Array(200_000))
    const waiting = other.channel.ready()
    other.a.close()
    await expect(waiting).rejects.toMatchObject({ name: 'InvalidStateError' })
    expect(await loop).toBe('ended')
    other.b.close()
  })

  it('Web streams: what is piped in comes out, with the end', async () => {
    const [own, remote] = await channel()
    const got: unknown[] = []
    const reading = remote.readable.pipeTo(new WritableStream({ write: (message) => void got.push(message) }))
    const source = new ReadableStream<string>({
      start(controller) {
        for (let i = 0; i < 50; i++) controller.enqueue(`${i} ${'x'.repeat(10_000)}`)
        controller.close()
      },
    })
    await source.pipeTo(own.writable)
    await reading
    expect(got.map((message) => Number((message as string).split(' ')[0]))).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    )
    expect([own.readyState, remote.readyState]).toEqual(['closed', 'closed'])
  })

  it('asyncDispose closes and waits', async () => {
    const [own, remote] = await channel()
    await own[Symbol.asyncDispose]()
    expect(own.readyState).toBe('closed')
    if (remote.readyState !== 'closed') await once(remote, 'close')
  })
})

describe('transports', () => {
  it('show what they are', () => {
    const { sctp } = pair.a
    expect(sctp).toMatchObject({ state: 'connected', maxMessageSize: 262_144, maxChannels: 65535 })
    const dtls = sctp!.transport
    expect(dtls.state).toBe('connected')
    expect(dtls.getRemoteCertificates()).toHaveLength(1)
    expect(dtls.getRemoteCertificates()[0]).toBeInstanceOf(ArrayBuffer)
    const ice = dtls.iceTransport
    expect(ice).toMatchObject({ role: 'controlling', component: 'rtp', gatheringState: 'complete' })
    expect(ice.state).toMatch(/^(connected|completed)$/)
    expect(pair.b.sctp!.transport.iceTransport.role).toBe('controlled')
    const { local, remote } = ice.getSelectedCandidatePair()!
    expect(ice.getSelectedCandidatePair()).toBe(ice.getSelectedCandidatePair())
    expect(local.usernameFragment).toBe(ice.getLocalParameters()!.usernameFragment)
    expect(remote.port).toBe(pair.b.sctp!.transport.iceTransport.getSelectedCandidatePair()!.local.port)
    expect(ice.getLocalCandidates().length).toBeGreaterThan(0)
    expect(ice.getRemoteCandidates().length).toBeGreaterThan(0)
    expect(ice.getRemoteParameters()).toEqual(pair.b.sctp!.transport.iceTransport.getLocalParameters())
  })

  it('have statistics', async () => {
    const report = await pair.a.getStats()
    const of = (type: string): Record<string, unknown>[] => [...report.values()].filter((entry) => entry.type === type)
    const [transport] = of('transport')
    expect(transport).toMatchObject({
      dtlsState: 'connected',
      iceRole: 'controlling',
      tlsVersion: 'FEFD',
      dtlsRole: 'server',
    })
    expect(transport!.dtlsCipher).toMatch(/^TLS_ECDHE_/)
    const selected = report.get(transport!.selectedCandidatePairId as string)!
    expect(selected).toMatchObject({ type: 'candidate-pair', state: 'succeeded', nominated: true })
    expect(selected.currentRoundTripTime).toBeGreaterThan(0)
    expect(selected.currentRoundTripTime).toBeLessThan(10)
    expect(report.get(selected.localCandidateId as string)).toMatchObject({
      type: 'local-candidate',
      candidateType: 'host',
      protocol: 'udp',
    })
    expect(report.get(selected.remoteCandidateId as string)!.type).toBe('remote-candidate')
    const certificate = report.get(transport!.remoteCertificateId as string)!
    expect(certificate.fingerprint).toBe(/a=fingerprint:sha-256 (\S+)/.exec(pair.a.remoteDescription!.sdp)![1])
    expect(of('peer-connection')[0]!.dataChannelsOpened).toBeGreaterThan(0)
    const main = of('data-channel').find((entry) => entry.label === 'main')!
    expect(main).toMatchObject({ state: 'open', dataChannelIdentifier: pair.channel.id, messagesReceived: 0 })
    const again = await pair.a.getStats()
    expect([...again.keys()]).toContain(main.id)
    expect(again.get(transport!.id as string)!.bytesSent).toBeGreaterThanOrEqual(transport!.bytesSent as number)
  })
})
