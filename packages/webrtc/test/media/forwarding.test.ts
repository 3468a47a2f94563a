import { headerExtensionUris as uris, RtpPacket, type RtcpPacket } from '@kaon/rtp'
import type { EncodedFrame } from '@kaon/rtp/formats'
import { describe, expect, it } from 'vitest'
import type { MediaSender } from '../../src/media/media-sender.ts'
import { MediaStreamTrack, trackCore } from '../../src/media/media-stream-track.ts'
import { madeUp } from './support/frames.ts'
import { hex, local, numbers, receive, type Sink } from './support/receive.ts'
import {
  codec,
  connect,
  H264,
  OPUS,
  receiving,
  sending,
  VP8,
  without,
  World,
  type LinkOptions,
  type Node,
} from './support/world.ts'

const RIDS = ['q', 'h', 'f']

const LAYERS = RIDS.map((rid, i) => ({ ssrc: 100 + i * 10, rtxSsrc: 101 + i * 10, rid }))

interface Simulcast {
  readonly world: World
  readonly a: Node
  readonly b: Node
  readonly sender: MediaSender
  readonly track: MediaStreamTrack
  readonly sink: Sink
  /** Layers of which a key frame is wanted; taken by `write`. */
  readonly wanted: Set<string>
  /** The next frame of each layer. */
  write(): Promise<void>
}

/** Three layers from a to b, told by their rid alone. */
function simulcast(link: LinkOptions = {}, seed = 1): Simulcast {
  const world = new World(seed)
  const [a, b] = world.pair(link)
  connect(a, b)
  const sink = receive(b, [VP8], { rids: RIDS })
  const sender = a.transport.addSender('0', sending([VP8], { encodings: LAYERS }))
  const track = local('video/VP8')
  const wanted = new Set(RIDS)
  track.onkeyframerequest = ({ rid }) => {
    for (const each of rid === null ? RIDS : [rid]) wanted.add(each)
  }
  sender.setTrack(track)
  let index = 0
  const write = async (): Promise<void> => {
    for (const [i, rid] of RIDS.entries()) {
      const frame = madeUp('video/VP8', index, { keyFrame: wanted.delete(rid), length: 500 + i * 1000 })
      track.writeFrame({ ...frame, rid })
    }
    index++
    world.run(33)
    await Promise.resolve()
  }
  return { world, a, b, sender, track, sink, wanted, write }
}

describe('simulcast', () => {
  it('is sent and received in layers, under loss', async () => {
    const { sink, sender, write, world } = simulcast({ loss: 0.05, delay: 15 }, 4)
    for (let i = 0; i < 100; i++) await write()
    world.run(1000)
    const streams = sink.receiver.stats()
    expect(streams.map(({ rid }) => rid).toSorted()).toEqual(RIDS.toSorted())
    for (const { rid, stats, rtxSsrc } of streams) {
      expect(rtxSsrc).toBe(LAYERS.find((layer) => layer.rid === rid)!.rtxSsrc)
      expect(stats.framesReceived).toBeGreaterThan(80)
      expect(sink.frames.filter((frame) => frame.rid === rid)).toHaveLength(stats.framesReceived)
    }
    expect(sender.stats().map(({ rid }) => rid)).toEqual(RIDS)
  })

  it('takes frames without a rid for the first layer, and drops those of others', () => {
    const { sender, track, sink, world } = simulcast()
    track.writeFrame(madeUp('video/VP8', 0))
    track.writeFrame({ ...madeUp('video/VP8', 0), rid: 'x' })
    world.run(100)
    expect(sink.frames.map(({ rid }) => rid)).toEqual(['q'])
    expect(sender.dropped.rid).toBe(1)
  })

  it('sends one layer to a peer that wants no simulcast, the one that is selected', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const sink = receive(b, [VP8])
    const sender = a.transport.addSender('0', sending([VP8]))
    const track = local('video/VP8')
    sender.setTrack(track)
    const write = (index: number, keyFrame: boolean): void => {
      for (const [i, rid] of RIDS.entries()) {
        track.writeFrame({ ...madeUp('video/VP8', index, { keyFrame, length: 100 * (i + 1) }), rid })
      }
      world.run(33)
    }
    for (let i = 0; i < 5; i++) write(i, i === 0)
    sender.selectLayer('f')
    for (let i = 5; i < 10; i++) write(i, i === 8)
    world.run(100)
    const sizes = sink.frames.map(({ payload }) => (payload.length > 250 ? 'f' : 'q'))
    expect(sizes.join('')).toBe('qqqqqqqqqff')
    const times = sink.frames.map(({ rtpTimestamp }) => rtpTimestamp)
    expect(new Set(times).size).toBe(times.length)
  })

  it('stops and starts a layer', async () => {
    const { sender, sink, write, wanted } = simulcast()
    await write()
    const encodings = LAYERS.map((layer) => ({ ...layer, active: layer.rid !== 'f' }))
    sender.update(sending([VP8], { encodings }))
    for (let i = 0; i < 5; i++) await write()
    expect(sink.frames.filter(({ rid }) => rid === 'f')).toHaveLength(1)
    sender.update(sending([VP8], { encodings: LAYERS }))
    await Promise.resolve()
    expect([...wanted]).toContain('f')
    await write()
    await write()
    expect(sink.frames.filter(({ rid, keyFrame }) => rid === 'f' && keyFrame)).toHaveLength(2)
  })

  it('a key frame is asked for of one layer or of all', async () => {
    const { sink, wanted, write, world } = simulcast()
    for (let i = 0; i < 20; i++) await write()
    expect(wanted.size).toBe(0)
    sink.track.requestKeyFrame('h')
    world.run(100)
    await Promise.resolve()
    expect([...wanted]).toEqual(['h'])
    for (let i = 0; i < 30; i++) await write()
    sink.track.requestKeyFrame()
    world.run(100)
    await Promise.resolve()
    expect([...wanted].toSorted()).toEqual(RIDS.toSorted())
  })
})

/** The peers to whom a track goes on. */
function forward(world: World, track: MediaStreamTrack, count: number, link: LinkOptions = {}) {
  return numbers(count).map((i) => {
    const [near, far] = world.pair(link, [`near ${i}`, `far ${i}`])
    connect(near, far)
    const sink = receive(far, [VP8])
    const sender = near.transport.addSender('0', sending([VP8], { encodings: [{ ssrc: 500 + i, rtxSsrc: 600 + i }] }))
    sender.setTrack(track)
    return { near, far, sink, sender }
  })
}

/** Without the picture ids of a payload descriptor, frames are what they were. */
describe('a remote track in other senders', () => {
  it.each([
    { loss: 0, jitter: 0 },
    { loss: 0.03, jitter: 15 },
  ])('is forwarded to three peers with $loss loss on every hop', async ({ loss, jitter }) => {
    const world = new World(11)
    const link = { loss, jitter, delay: 15 }
    const [a, b] = world.pair(link)
    connect(a, b)
    const source = receive(b, [VP8])
    const peers = forward(world, source.track, 3, link)
    const track = local('video/VP8')
    let isWanted = true
    track.onkeyframerequest = () => (isWanted = true)
    a.transport.addSender('0', sending([VP8])).setTrack(track)
    const frames: EncodedFrame[] = []
    for (let i = 0; i < 150; i++) {
      const frame = madeUp('video/VP8', i, { keyFrame: isWanted })
      isWanted = false
      frames.push(frame)
      track.writeFrame(frame)
      world.run(33)
      await Promise.resolve()
    }
    world.run(1500)
    const sent = hex(frames)
    for (const { sink, sender } of peers) {
      const got = hex(sink.frames)
      expect(sent.filter((frame) => got.includes(frame))).toEqual(got)
      expect(got.length).toBeGreaterThan(loss === 0 ? 145 : 120)
      expect(sender.stats()[0]!.stats.packetsSent).toBeGreaterThan(300)
      expect(sink.frames[0]!.ssrc).toBe(sender.stats()[0]!.ssrc)
      const steps = sink.frames.slice(1).map(({ rtpTimestamp }, i) => rtpTimestamp - sink.frames[i]!.rtpTimestamp)
      if (loss === 0) expect(Math.max(...steps.map((step) => (step >>> 0) % 3000))).toBe(0)
    }
  })

  it('shares one payload among all receivers', async () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const source = receive(b, [H264])
    const track = local('video/H264')
    a.transport.addSender('0', sending([H264])).setTrack(track)
    const seen: Uint8Array[] = []
    trackCore(source.track).subscribe({ packet: ({ payload }) => void seen.push(payload.slice()) })
    const kept: RtpPacket[] = []
    trackCore(source.track).subscribe({ packet: (packet) => void kept.push(packet) })
    for (let i = 0; i < 3; i++) {
      const [near, far] = world.pair()
      connect(near, far)
      receive(far, [H264])
      near.transport.addSender('0', sending([H264])).setTrack(source.track)
    }
    world.every(33, 10, (i) => track.writeFrame(madeUp('video/H264', i)))
    world.run(500)
    // Nobody wrote to what they share, however often it was encrypted.
    expect(kept.map(({ payload }) => Buffer.compare(payload, seen.shift()!))).toEqual(kept.map(() => 0))
    expect(kept[0]!.ssrc).toBe(1000)
  })

  it('asks once for the key frame that many want', async () => {
    const received: RtcpPacket[] = []
    const world = new World()
    const [a, b] = world.pair({}, ['a', 'b'], {
      trace: ({ layer, name, data }) => {
        if (layer === 'rtcp' && name === 'sent') received.push(...(data as RtcpPacket[]))
      },
    })
    connect(a, b)
    const source = receive(b, [VP8])
    const track = local('video/VP8')
    a.transport.addSender('0', sending([VP8])).setTrack(track)
    world.every(33, 30, (i) => track.writeFrame(madeUp('video/VP8', i)))
    world.run(1000)
    received.length = 0
    const peers = forward(world, source.track, 8)
    world.run(20)
    expect(received.filter(({ type }) => type === 'PLI')).toHaveLength(1)
    track.writeFrame(madeUp('video/VP8', 30, { keyFrame: true }))
    world.run(60)
    for (const { sink } of peers) expect(sink.frames).toHaveLength(1)
  })

  it('gives the receiver its payload type and its ids of header extensions', () => {
    const world = new World()
    const [near, far] = world.pair()
    connect(near, far)
    const orientation = { id: 9, uri: uris.videoOrientation }
    const headerExtensions = [...without(uris.videoOrientation), orientation]
    const other = { ...VP8, payloadType: 120 }
    const sink = receive(far, [other], { headerExtensions })
    const packets: RtpPacket[] = []
    trackCore(sink.track).subscribe({ packet: (packet) => void packets.push(packet) })
    const track = new MediaStreamTrack({
      kind: 'video',
      codec: {
        mimeType: 'video/VP8',
        payloadType: 96,
        extensions: new Map([
          [2, uris.videoOrientation],
          [4, uris.mid],
          [7, 'urn:unknown'],
        ]),
      },
    })
    const parameters = sending([other], { headerExtensions, encodings: [{ ssrc: 5 }] })
    near.transport.addSender('0', parameters).setTrack(track)
    track.writeRtp(
      new RtpPacket({
        payloadType: 96,
        sequenceNumber: 5,
        timestamp: 9,
        ssrc: 77,
        marker: true,
        payload: new Uint8Array([0x10, 0x10, 0x01, 0x00, 0x9d, 0x01, 0x2a, 64, 0, 48, 0, 1, 2, 3, 4, 5, 6]),
        extensions: [
          { id: 2, data: new Uint8Array([3]) },
          { id: 4, data: new Uint8Array([65]) },
          { id: 7, data: new Uint8Array([66]) },
        ],
      }),
    )
    world.run(100)
    expect(packets).toHaveLength(1)
    const [packet] = packets
    expect(packet!.payloadType).toBe(120)
    expect(packet!.ssrc).toBe(5)
    expect(packet!.extension(9)).toEqual(new Uint8Array([3]))
    expect(Buffer.from(packet!.extension(1)!).toString()).toBe('0')
    expect(packet!.extensions.map(({ id }) => id).toSorted((x, y) => x - y)).toEqual([1, 4, 5, 9])
  })

  it('sends nothing where its codec was not negotiated', () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const source = receive(b, [H264])
    const track = local('video/H264')
    a.transport.addSender('0', sending([H264])).setTrack(track)
    const [peer] = forward(world, source.track, 1)
    world.every(33, 5, (i) => track.writeFrame(madeUp('video/H264', i)))
    world.run(300)
    expect(source.frames).toHaveLength(5)
    expect(peer!.sender.dropped.codec).toBeGreaterThan(0)
    expect(peer!.sender.stats()[0]!.stats.packetsSent).toBe(0)
  })

  it('carries telephone events beside audio', () => {
    const world = new World()
    const event = codec(101, 'audio/telephone-event')
    const [a, b] = world.pair()
    connect(a, b)
    const relayed = receive(b, [OPUS, { ...event, clockRate: 48_000 }])
    const track = new MediaStreamTrack({
      kind: 'audio',
      codec: [
        { mimeType: 'audio/opus', payloadType: 111 },
        { mimeType: 'audio/telephone-event', payloadType: 101, clockRate: 48_000 },
      ],
    })
    const theirs = [
      { ...OPUS, payloadType: 96 },
      { ...event, payloadType: 97, clockRate: 48_000 },
    ]
    a.transport.addSender('0', sending([OPUS, { ...event, clockRate: 48_000 }])).setTrack(track)
    const [c, d] = world.pair()
    connect(c, d)
    const sink = receive(d, theirs)
    c.transport.addSender('0', sending(theirs)).setTrack(relayed.track)
    const types: number[] = []
    trackCore(sink.track).subscribe({ packet: ({ payloadType }) => void types.push(payloadType) })
    const write = (payloadType: number, sequenceNumber: number): void => {
      const payload = new Uint8Array([1, 2, 3, 4])
      track.writeRtp(new RtpPacket({ payloadType, sequenceNumber, timestamp: sequenceNumber * 960, ssrc: 1, payload }))
    }
    write(111, 1)
    write(101, 2)
    write(111, 3)
    world.run(100)
    expect(types).toEqual([96, 97, 96])
  })
})

describe('a simulcast track in a sender of one stream', () => {
  it('is switched between layers without a hole', async () => {
    const { world, sink, write, wanted } = simulcast()
    const [peer] = forward(world, sink.track, 1)
    const { sender, sink: far } = peer!
    sender.selectLayer('q')
    for (let i = 0; i < 10; i++) await write()
    expect(new Set(far.frames.map(({ payload }) => payload.length > 1000))).toEqual(new Set([false]))
    const before = far.frames.length
    expect(before).toBeGreaterThan(7)
    for (const rid of ['f', 'h', 'q', 'f']) {
      sender.selectLayer(rid)
      expect(sender.layer).toBe(rid)
      world.run(20)
      for (let i = 0; i < 40; i++) await write()
      expect(wanted.size).toBe(0)
      expect(sender.encodings[0]!.layer).toBe(rid)
    }
    world.run(300)
    // Every picture is there once: the old layer goes on until the new one's key frame.
    expect(far.frames.length).toBeGreaterThanOrEqual(before + 155)
    const { stats } = far.receiver.stats()[0]!
    expect(stats.packetsLost).toBe(0)
    expect(stats.framesDropped).toBe(0)
    expect(stats.nackCount).toBe(0)
    expect(stats.pliCount).toBeLessThanOrEqual(1)
    expect(far.frames.slice(1).some(({ discontinuity }) => discontinuity)).toBe(false)
    const last = far.frames.at(-1)!
    expect(last.payload.length).toBeGreaterThan(2000)
    const steps = far.frames.slice(1).map(({ timestamp }, i) => timestamp - far.frames[i]!.timestamp)
    expect(Math.min(...steps)).toBeGreaterThan(0)
    expect(Math.max(...steps)).toBeLessThan(100_000)
  })

  it('forwards the layer that came first when none is chosen', async () => {
    const { world, sink, write } = simulcast()
    const [peer] = forward(world, sink.track, 1)
    for (let i = 0; i < 30; i++) await write()
    const sizes = new Set(peer!.sink.frames.map(({ payload }) => Math.round(payload.length / 500)))
    expect(sizes.size).toBe(1)
    expect(peer!.sender.encodings[0]!.layer).toBe('q')
  })

  it('goes into layers of the same names', async () => {
    const { world, sink, write } = simulcast()
    const [near, far] = world.pair()
    connect(near, far)
    const end = receive(far, [VP8], { rids: RIDS })
    const sender = near.transport.addSender('0', sending([VP8], { encodings: LAYERS }))
    sender.setTrack(sink.track)
    for (let i = 0; i < 40; i++) await write()
    world.run(200)
    for (const rid of RIDS) expect(end.frames.filter((frame) => frame.rid === rid).length).toBeGreaterThan(30)
  })
})

describe('replaced tracks', () => {
  it('a forwarded track gives way to a local one and comes back', async () => {
    const world = new World()
    const [a, b] = world.pair()
    connect(a, b)
    const source = receive(b, [VP8])
    const camera = local('video/VP8')
    let isWanted = true
    camera.onkeyframerequest = () => (isWanted = true)
    a.transport.addSender('0', sending([VP8])).setTrack(camera)
    const [peer] = forward(world, source.track, 1)
    const file = local('video/VP8')
    let index = 0
    const play = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        camera.writeFrame(madeUp('video/VP8', index, { keyFrame: isWanted }))
        isWanted = false
        file.writeFrame(madeUp('video/VP8', index, { interval: 5, length: 100 }))
        index++
        world.run(33)
        await Promise.resolve()
      }
    }
    await play(20)
    peer!.sender.setTrack(file)
    await play(20)
    peer!.sender.setTrack(source.track)
    await play(20)
    peer!.sender.setTrack(null)
    await play(5)
    world.run(200)
    const { frames, receiver } = peer!.sink
    expect(frames.length).toBeGreaterThan(50)
    expect(receiver.stats()[0]!.stats.packetsLost).toBe(0)
    expect(receiver.stats()[0]!.stats.framesDropped).toBe(0)
    const kinds = frames.map(({ payload }) => (payload.length > 1000 ? 'camera' : 'file'))
    expect(kinds.filter((kind, i) => kind !== kinds[i - 1])).toEqual(['camera', 'file', 'camera'])
    const steps = frames.slice(1).map(({ timestamp }, i) => timestamp - frames[i]!.timestamp)
    expect(Math.min(...steps)).toBeGreaterThan(0)
    expect(Math.max(...steps)).toBeLessThan(300_000)
  })
})

it('an echo: what is received goes back by the same transport', () => {
  const world = new World()
  const [a, b] = world.pair()
  connect(a, b)
  const there = receive(b, [OPUS])
  b.transport.addSender('0', sending([OPUS], { encodings: [{ ssrc: 7 }] })).setTrack(there.track)
  const back = receive(a, [OPUS])
  const track = local('audio/opus')
  a.transport.addSender('0', sending([OPUS])).setTrack(track)
  world.every(20, 20, (i) => track.writeFrame(madeUp('audio/opus', i)))
  world.run(600)
  expect(back.frames).toHaveLength(20)
  there.receiver.update(receiving([OPUS], { active: false }))
  track.writeFrame(madeUp('audio/opus', 21))
  world.run(100)
  expect(back.frames).toHaveLength(20)
})

it('an echo of video asks the sender for the key frame that its receiver wants, who is the same', () => {
  const world = new World()
  const [a, b] = world.pair()
  connect(a, b)
  const there = receive(b, [VP8])
  const track = local('video/VP8')
  const sender = a.transport.addSender('0', sending([VP8]))
  sender.setTrack(track)
  world.every(33, 30, (i) => track.writeFrame(madeUp('video/VP8', i)))
  world.run(1000)
  b.transport.addSender('0', sending([VP8], { encodings: [{ ssrc: 7, rtxSsrc: 8 }] })).setTrack(there.track)
  const back = receive(a, [VP8])
  const { stats } = sender.stats()[0]!
  world.run(50)
  expect(stats.pliCount).toBe(1)
  track.writeFrame(madeUp('video/VP8', 30))
  world.run(50)
  expect(back.frames).toHaveLength(1)
  back.track.requestKeyFrame()
  world.run(600)
  expect(stats.pliCount).toBeGreaterThan(1)
})
