import type { RtcpPacket } from '@kaon/rtp'
import type { EncodedFrame } from '@kaon/rtp/formats'
import type { SrtpProfile } from '@kaon/srtp'
import { describe, expect, it } from 'vitest'
import { MediaStreamTrack, trackCore } from '../../src/media/media-stream-track.ts'
import { madeUp } from './support/frames.ts'
import { hex, local, numbers, receive } from './support/receive.ts'
import { codec, connect, connectOne, H264, OPUS, receiving, sending, VP8, World, type Node } from './support/world.ts'

describe('frames of a local track reach a remote track', () => {
  const codecs = [
    VP8,
    codec(98, 'video/VP9', { rtx: 99 }),
    H264,
    codec(100, 'video/H265', { rtx: 101 }),
    codec(102, 'video/AV1', { rtx: 103 }),
    OPUS,
    codec(0, 'audio/PCMU'),
    codec(9, 'audio/G722'),
  ]
  it.each(codecs)('$mimeType', (used) => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const sink = receive(b, [used])
    const sender = a.transport.addSender('0', sending([used]))
    const track = local(used.mimeType)
    sender.setTrack(track)
    const frames = numbers(40).map((i) => madeUp(used.mimeType, i))
    const isVideo = used.mimeType.startsWith('video/')
    world.every(isVideo ? 33 : 20, frames.length, (i) => track.writeFrame(frames[i]!))
    world.run(3000)
    expect(hex(sink.frames)).toEqual(hex(frames))
    expect(sink.frames.map(({ keyFrame }) => keyFrame)).toEqual(frames.map(({ keyFrame }) => keyFrame))
    expect(sink.frames[0]!.mimeType).toBe(used.mimeType)
    expect(sink.track.muted).toBe(false)
    const [sent] = sender.stats()
    const [received] = sink.receiver.stats()
    expect(sent!.stats.framesSent).toBe(40)
    expect(received!.stats.framesReceived).toBe(40)
    expect(received!.codec?.payloadType).toBe(used.payloadType)
    // Reports went both ways.
    if (isVideo) {
      expect(sent!.stats.remote.roundTripTime).toBeCloseTo(0.02, 2)
      expect(received!.stats.remote.packetsSent).toBeGreaterThan(0)
    }
    expect(sum(a.transport.stats.dropped)).toBe(0)
    expect(sum(b.transport.stats.dropped)).toBe(0)
  })

  it.each<SrtpProfile>([
    'SRTP_AES128_CM_HMAC_SHA1_80',
    'SRTP_AES128_CM_HMAC_SHA1_32',
    'SRTP_AEAD_AES_128_GCM',
    'SRTP_AEAD_AES_256_GCM',
  ])('under %s', (profile) => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b, profile)
    const sink = receive(b, [OPUS])
    const track = local('audio/opus')
    a.transport.addSender('0', sending([OPUS])).setTrack(track)
    world.every(20, 10, (i) => track.writeFrame(madeUp('audio/opus', i)))
    world.run(500)
    expect(sink.frames).toHaveLength(10)
  })
})

function sum(counters: object): number {
  return Object.values(counters as Record<string, number>).reduce((a, b) => a + b, 0)
}

describe('loss', () => {
  it.each([
    { loss: 0.05, jitter: 0 },
    { loss: 0.05, jitter: 30 },
    { loss: 0.1, jitter: 5 },
  ])('$loss with $jitter ms of jitter is made good by retransmissions', ({ loss, jitter }) => {
    const world = new World(7)
    const [a, b] = world.pair({ delay: 20, loss, jitter })
    connect(a, b)
    const sink = receive(b, [VP8], { sources: [{ ssrc: 1000, rtxSsrc: 1001 }] })
    const sender = a.transport.addSender('0', sending([VP8]))
    const track = local('video/VP8')
    const requests: string[] = []
    track.onkeyframerequest = () => requests.push('')
    sender.setTrack(track)
    const frames = numbers(150).map((i) => madeUp('video/VP8', i, { interval: 1000 }))
    world.every(33, frames.length, (i) => track.writeFrame(frames[i]!))
    world.run(7000)
    expect(sink.frames.length).toBeGreaterThan(140)
    const [received] = sink.receiver.stats()
    expect(received!.stats.retransmittedPacketsReceived).toBeGreaterThan(10)
    const shown = hex(sink.frames)
    expect(hex(frames).filter((frame) => shown.includes(frame))).toEqual(shown)
  })

  it('works without RTX: what is sent again is the same to the last bit', () => {
    const world = new World(3)
    const [a, b] = world.pair({ delay: 20, loss: 0.05 })
    connect(a, b)
    const plain = codec(96, 'video/VP8')
    const sink = receive(b, [plain])
    const sender = a.transport.addSender('0', sending([plain], { encodings: [{ ssrc: 1000 }] }))
    const track = local('video/VP8')
    sender.setTrack(track)
    const frames = numbers(100).map((i) => madeUp('video/VP8', i, { interval: 1000 }))
    world.every(33, frames.length, (i) => track.writeFrame(frames[i]!))
    world.run(5000)
    expect(sender.stats()[0]!.stats.retransmittedPacketsSent).toBeGreaterThan(5)
    expect(a.transport.stats.dropped.protect).toBe(0)
    expect(sink.frames.length).toBeGreaterThan(90)
    const bySequence = new Map<number, string>()
    for (const datagram of a.sent) {
      if (datagram[1]! >= 192 && datagram[1]! <= 223) continue
      const text = Buffer.from(datagram).toString('hex')
      const sequence = (datagram[2]! << 8) | datagram[3]!
      expect(bySequence.get(sequence) ?? text).toBe(text)
      bySequence.set(sequence, text)
    }
  })

  it('a lost key frame is asked for again, and the application is told', async () => {
    const world = new World()
    let lossy = false
    const [a, b] = world.pair({ drop: () => lossy })
    connect(a, b)
    const sink = receive(b, [VP8])
    const sender = a.transport.addSender('0', sending([VP8]))
    const track = local('video/VP8')
    let wanted = true
    track.onkeyframerequest = () => (wanted = true)
    sender.setTrack(track)
    await Promise.resolve()
    const written: EncodedFrame[] = []
    const write = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const frame = madeUp('video/VP8', written.length, { keyFrame: wanted })
        written.push(frame)
        wanted = false
        track.writeFrame(frame)
        world.run(33)
        await Promise.resolve()
      }
    }
    await write(5)
    lossy = true
    await write(40)
    lossy = false
    await write(60)
    world.run(100)
    expect(sender.stats()[0]!.stats.pliCount).toBeGreaterThan(0)
    const [seen, sent] = [hex(sink.frames), hex(written)]
    expect(seen.slice(0, 5)).toEqual(sent.slice(0, 5))
    const resumed = sink.frames[5]!
    expect(resumed.keyFrame).toBe(true)
    expect(resumed.discontinuity).toBe(true)
    // Nothing is missing from the key frame on that was asked for.
    expect(seen.slice(5)).toEqual(sent.slice(sent.indexOf(seen[5]!)))
    expect(seen.length).toBeGreaterThan(45)
  })
})

describe('what comes early', () => {
  it('waits for the keys', () => {
    const world = new World()
    const [a, b] = world.pair()
    connectOne(a, 'client')
    const sink = receive(b, [OPUS])
    const track = local('audio/opus')
    a.transport.addSender('0', sending([OPUS])).setTrack(track)
    world.every(20, 10, (i) => track.writeFrame(madeUp('audio/opus', i)))
    world.run(250)
    expect(sink.frames).toHaveLength(0)
    connectOne(b, 'server')
    world.run(250)
    expect(sink.frames).toHaveLength(10)
  })

  it('waits for the keys within a bound', () => {
    const world = new World()
    const [a, b] = world.pair()
    connectOne(a, 'client')
    const track = local('audio/opus')
    a.transport.addSender('0', sending([OPUS])).setTrack(track)
    world.every(1, 400, (i) => track.writeFrame(madeUp('audio/opus', i)))
    world.run(500)
    expect(b.transport.stats.held).toBe(256)
    expect(b.transport.stats.dropped.early).toBeGreaterThan(140)
  })

  it('waits for the description, from the first packet on', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const track = local('video/VP8')
    a.transport.addSender('0', sending([VP8])).setTrack(track)
    const frames = numbers(20).map((i) => madeUp('video/VP8', i, { length: 2000 }))
    world.every(33, frames.length, (i) => track.writeFrame(frames[i]!))
    world.run(1000)
    expect(b.transport.stats.held).toBeGreaterThan(30)
    const sink = receive(b, [VP8])
    world.run(100)
    expect(hex(sink.frames)).toEqual(hex(frames))
  })

  it('new keys go on where the old ones ended', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const plain = codec(96, 'video/VP8')
    const sink = receive(b, [plain])
    const sender = a.transport.addSender('0', sending([plain], { encodings: [{ ssrc: 1000 }] }))
    const track = local('video/VP8')
    sender.setTrack(track)
    const frames = numbers(20).map((i) => madeUp('video/VP8', i))
    for (const [i, frame] of frames.entries()) {
      track.writeFrame(frame)
      world.run(33)
      if (i === 9) connect(a, b, 'SRTP_AES128_CM_HMAC_SHA1_80')
    }
    world.run(300)
    expect(hex(sink.frames)).toEqual(hex(frames))
    expect(sink.receiver.stats()[0]!.stats.packetsLost).toBe(0)
  })

  it('a sender without keys sends nothing, and asks for a key frame when it has them', async () => {
    const world = new World()
    const [a, b] = world.pair()
    const sink = receive(b, [VP8])
    const track = local('video/VP8')
    let requests = 0
    track.onkeyframerequest = () => requests++
    const sender = a.transport.addSender('0', sending([VP8]))
    sender.setTrack(track)
    track.writeFrame(madeUp('video/VP8', 0))
    track.writeFrame(madeUp('video/VP8', 1))
    await Promise.resolve()
    expect(requests).toBe(0)
    expect(sender.dropped.notConnected).toBe(2)
    connect(a, b)
    await Promise.resolve()
    expect(requests).toBe(1)
    track.writeFrame(madeUp('video/VP8', 2))
    expect(sender.dropped.keyFrame).toBe(1)
    track.writeFrame(madeUp('video/VP8', 3, { keyFrame: true }))
    world.run(100)
    expect(sink.frames).toHaveLength(1)
  })
})

describe('a sender', () => {
  const setUp = (): { world: World; a: Node; b: Node } => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    return { world, a, b }
  }

  it('chooses the codec that the track is made of, or the first', () => {
    const { world, a, b } = setUp()
    const sink = receive(b, [VP8, H264])
    const sender = a.transport.addSender('0', sending([VP8, H264]))
    const track = local('video/H264')
    sender.setTrack(track)
    track.writeFrame(madeUp('video/H264', 0))
    world.run(100)
    sender.setTrack(new MediaStreamTrack({ kind: 'video' }))
    sender.track!.writeFrame(madeUp('video/VP8', 0))
    world.run(100)
    expect(sink.frames.map(({ mimeType }) => mimeType)).toEqual(['video/H264', 'video/VP8'])
  })

  it('sends nothing of a codec that was not negotiated, and says so', () => {
    const events: string[] = []
    const world = new World()
    const [a, b] = world.pair({}, ['a', 'b'], { trace: ({ name }) => void events.push(name) })
    connect(a, b)
    const sink = receive(b, [VP8])
    const sender = a.transport.addSender('0', sending([VP8]))
    const track = local('video/VP9')
    sender.setTrack(track)
    track.writeFrame(madeUp('video/VP9', 0))
    world.run(100)
    expect(sink.frames).toHaveLength(0)
    expect(sender.dropped.codec).toBe(1)
    expect(events).toContain('codec-mismatch')
  })

  it('goes on in sequence and time when its track is replaced', () => {
    const { world, a, b } = setUp()
    const sink = receive(b, [OPUS])
    const sender = a.transport.addSender('0', sending([OPUS]))
    const [first, second] = [local('audio/opus'), local('audio/opus')]
    sender.setTrack(first)
    world.every(20, 50, (i) => {
      const frame = madeUp('audio/opus', i)
      if (i === 25) sender.setTrack(second)
      if (i < 25) first.writeFrame(frame)
      else second.writeFrame({ ...frame, timestamp: frame.timestamp + 7e9 })
    })
    world.run(1500)
    expect(sink.frames).toHaveLength(50)
    const steps = sink.frames.slice(1).map(({ timestamp }, i) => timestamp - sink.frames[i]!.timestamp)
    expect(new Set(steps)).toEqual(new Set([20_000]))
    expect(sink.receiver.stats()[0]!.stats.packetsLost).toBe(0)
  })

  it('takes RTP packets of a local track', () => {
    const { world, a, b } = setUp()
    const source = receive(b, [VP8])
    const sender = a.transport.addSender('0', sending([VP8]))
    const track = local('video/VP8')
    sender.setTrack(track)
    // What one transport receives is written to a track of another one, packet by packet.
    const [c, d] = world.pair()
    connect(c, d)
    const sink = receive(d, [VP8], {}, 'x')
    const relay = new MediaStreamTrack({ kind: 'video', codec: { mimeType: 'video/VP8', payloadType: 96 } })
    c.transport
      .addSender('x', sending([{ ...VP8, payloadType: 120 }, VP8], { encodings: [{ ssrc: 5 }] }))
      .setTrack(relay)
    trackCore(source.track).subscribe({ packet: (packet) => relay.writeRtp(packet) })
    const frames = numbers(20).map((i) => madeUp('video/VP8', i))
    world.every(33, 20, (i) => track.writeFrame(frames[i]!))
    world.run(1000)
    expect(sink.frames).toHaveLength(0)
    expect(d.transport.stats.dropped.payloadType).toBeGreaterThan(0)
    sink.receiver.update(receiving([{ ...VP8, payloadType: 120 }]))
    world.every(33, 10, (i) => track.writeFrame(madeUp('video/VP8', 30 + i)))
    world.run(1000)
    expect(sink.frames).toHaveLength(10)
    expect(sink.frames[0]!.payloadType).toBe(120)
  })

  it('pauses and resumes', async () => {
    const { world, a, b } = setUp()
    const sink = receive(b, [VP8])
    const sender = a.transport.addSender('0', sending([VP8]))
    const track = local('video/VP8')
    let requests = 0
    track.onkeyframerequest = () => requests++
    sender.setTrack(track)
    track.writeFrame(madeUp('video/VP8', 0))
    sender.update(sending([VP8], { active: false }))
    track.writeFrame(madeUp('video/VP8', 1))
    expect(sender.dropped.inactive).toBe(1)
    await Promise.resolve()
    requests = 0
    sender.update(sending([VP8]))
    world.run(50)
    await Promise.resolve()
    expect(requests).toBeGreaterThan(0)
    track.writeFrame(madeUp('video/VP8', 2))
    track.writeFrame(madeUp('video/VP8', 3, { keyFrame: true }))
    world.run(100)
    expect(sink.frames).toHaveLength(1)
  })

  it('leaves with a BYE, and its SSRC may come back', () => {
    const { world, a, b } = setUp()
    const sink = receive(b, [OPUS])
    const track = local('audio/opus')
    const sender = a.transport.addSender('0', sending([OPUS]))
    sender.setTrack(track)
    track.writeFrame(madeUp('audio/opus', 0))
    world.run(100)
    expect(sink.track.muted).toBe(false)
    sender.remove()
    sender.remove()
    world.run(100)
    expect(sink.track.muted).toBe(true)
    expect(sink.receiver.stats()).toEqual([])
    const again = a.transport.addSender('0', sending([OPUS]))
    again.setTrack(track)
    track.writeFrame(madeUp('audio/opus', 1))
    world.run(100)
    expect(a.transport.stats.dropped.protect).toBe(0)
    expect(sink.frames).toHaveLength(2)
    expect(sink.track.muted).toBe(false)
  })

  it('comes back under its SSRC after any number of others', () => {
    const { world, a, b } = setUp()
    receive(b, [OPUS])
    const track = local('audio/opus')
    for (let i = 0; i < 100; i++) {
      const sender = a.transport.addSender('0', sending([OPUS], { encodings: [{ ssrc: 1 + (i % 50) }] }))
      sender.setTrack(track)
      track.writeFrame(madeUp('audio/opus', i))
      world.run(20)
      sender.remove()
      world.run(20)
    }
    expect(a.transport.stats.dropped.protect).toBe(0)
    expect(b.transport.stats.dropped.srtp).toBe(0)
    expect(a.transport.encodings.size).toBe(0)
  })

  it('is alone in its section and with its SSRC', () => {
    const { a } = setUp()
    a.transport.addSender('0', sending([OPUS]))
    expect(() => a.transport.addSender('0', sending([OPUS]))).toThrow('has a sender')
    expect(() => a.transport.addSender('1', sending([OPUS]))).toThrow('in use')
    receive(a, [OPUS])
    expect(() => receive(a, [OPUS])).toThrow('has a receiver')
  })
})

describe('a receiver', () => {
  it('is silent while its direction is inactive', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const sink = receive(b, [OPUS], { active: false })
    const track = local('audio/opus')
    a.transport.addSender('0', sending([OPUS])).setTrack(track)
    world.every(20, 10, (i) => track.writeFrame(madeUp('audio/opus', i)))
    world.run(100)
    expect(sink.track.muted).toBe(true)
    sink.receiver.update(receiving([OPUS]))
    world.run(300)
    expect(sink.track.muted).toBe(false)
    expect(sink.frames.length).toBeLessThan(10)
    sink.receiver.remove()
    expect(sink.track.muted).toBe(true)
    expect(sink.track.readyState).toBe('live')
  })

  it('takes a payload type that was negotiated anew', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const sink = receive(b, [OPUS])
    const track = local('audio/opus')
    const sender = a.transport.addSender('0', sending([OPUS]))
    sender.setTrack(track)
    track.writeFrame(madeUp('audio/opus', 0))
    world.run(50)
    const other = { ...OPUS, payloadType: 112 }
    sink.receiver.update(receiving([other]))
    sender.update(sending([other]))
    track.writeFrame(madeUp('audio/opus', 1))
    world.run(300)
    expect(sink.frames.map(({ payloadType }) => payloadType)).toEqual([111, 112])
  })
})

describe('RTCP', () => {
  const traffic = (reducedSize: boolean): { datagrams: RtcpPacket[][]; a: Node; b: Node; world: World } => {
    const datagrams: RtcpPacket[][] = []
    const trace = (event: { layer: string; name: string; data?: unknown }): void => {
      if (event.layer === 'rtcp' && event.name === 'sent') datagrams.push(event.data as RtcpPacket[])
    }
    const world = new World(5)
    const [a, b] = world.pair({ loss: 0.1 }, ['a', 'b'], { trace })
    connect(a, b)
    for (const [mid, ssrc] of [
      ['0', 10],
      ['1', 20],
      ['2', 30],
    ] as const) {
      receive(b, [VP8], { rtcpReducedSize: reducedSize }, mid)
      const encodings = [{ ssrc, rtxSsrc: ssrc + 1 }]
      const sender = a.transport.addSender(mid, sending([VP8], { encodings, rtcpReducedSize: reducedSize }))
      const track = local('video/VP8')
      sender.setTrack(track)
      world.every(33, 60, (i) => track.writeFrame(madeUp('video/VP8', i)))
    }
    world.run(3000)
    return { datagrams, a, b, world }
  }

  it('is compound, with a report and a CNAME, unless reduced size was negotiated', () => {
    const { datagrams } = traffic(false)
    expect(datagrams.length).toBeGreaterThan(10)
    for (const [first, second] of datagrams) {
      expect(['SR', 'RR']).toContain(first!.type)
      expect(second!.type).toBe('SDES')
    }
  })

  it('of reduced size has feedback alone, and transport-wide feedback', () => {
    const { datagrams } = traffic(true)
    const types = datagrams.map((packets) => packets.map(({ type }) => type).join(' '))
    expect(types).toContain('TWCC')
    expect(types).toContain('NACK')
    expect(types.some((type) => type.startsWith('SR SDES'))).toBe(true)
  })

  it('of several streams shares a datagram, and says each CNAME once', () => {
    const { datagrams } = traffic(false)
    const shared = datagrams.find((packets) => packets.filter(({ type }) => type === 'SR').length > 1)
    const reports = datagrams.find((packets) => packets.filter(({ type }) => type === 'RR').length > 1)
    expect(shared ?? reports).toBeDefined()
    for (const packets of datagrams) {
      const named = packets.flatMap((packet) => (packet.type === 'SDES' ? packet.chunks.map(({ ssrc }) => ssrc) : []))
      expect(new Set(named).size).toBe(named.length)
    }
  })

  it('has feedback by RFC 8888 where that was negotiated', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const used = codec(96, 'video/VP8', { feedback: ['nack', 'nack pli', 'ack ccfb'] })
    receive(b, [used])
    const track = local('video/VP8')
    a.transport.addSender('0', sending([used])).setTrack(track)
    const feedback: RtcpPacket[] = []
    a.transport.onTransportFeedback = (packet) => void feedback.push(packet)
    world.every(33, 10, (i) => track.writeFrame(madeUp('video/VP8', i)))
    world.run(1000)
    expect(new Set(feedback.map(({ type }) => type))).toEqual(new Set(['CCFB']))
  })

  it('tells whoever estimates bandwidth', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    receive(b, [VP8])
    const track = local('video/VP8')
    a.transport.addSender('0', sending([VP8])).setTrack(track)
    const sent: number[] = []
    const feedback: RtcpPacket[] = []
    a.transport.onSent = (sequence) => void sent.push(sequence)
    a.transport.onTransportFeedback = (packet) => void feedback.push(packet)
    world.every(33, 10, (i) => track.writeFrame(madeUp('video/VP8', i)))
    world.run(1000)
    expect(sent).toEqual(numbers(sent.length))
    const told = feedback.flatMap((packet) =>
      packet.type === 'TWCC' ? packet.deltas.filter((d) => d !== undefined) : [],
    )
    expect(told).toHaveLength(sent.length)
  })
})

it('costs nothing when idle', () => {
  const world = new World()
  const [a, b] = world.pair()
  expect(a.transport.deadline).toBe(Infinity)
  connect(a, b)
  receive(b, [VP8])
  a.transport.addSender('0', sending([VP8]))
  world.run(10_000)
  expect(a.transport.deadline).toBe(Infinity)
  expect(b.transport.deadline).toBe(Infinity)
  expect(a.sent).toHaveLength(0)
})

it('closes with a BYE, once, and takes nothing in any more', () => {
  const world = new World()
  const [a, b] = world.pair()
  connect(a, b)
  const sink = receive(b, [OPUS])
  const track = local('audio/opus')
  a.transport.addSender('0', sending([OPUS])).setTrack(track)
  track.writeFrame(madeUp('audio/opus', 0))
  world.run(100)
  const before = a.sent.length
  a.transport.close()
  a.transport.close()
  track.writeFrame(madeUp('audio/opus', 1))
  world.run(100)
  expect(a.sent.length).toBe(before + 1)
  expect(sink.track.muted).toBe(true)
  expect(a.transport.deadline).toBe(Infinity)
  b.transport.close()
  b.transport.receive(a.sent[0]!, world.time)
  expect(b.transport.stats.held).toBe(0)
})
