import { expect, test } from 'vitest'
import { av1, h264, opus, payloadFormat, pcmu, vp8 } from '../../src/formats/index.ts'
import type { PayloadFormat, ReceivedFrame } from '../../src/formats/index.ts'
import { RtpPacket } from '../../src/index.ts'
import { FrameAssembler, JitterBuffer } from '../../src/stream/index.ts'
import { assemblyWait } from '../../src/stream/assembly-wait.ts'
import { FrameClock } from '../../src/stream/frame-clock.ts'
import { MediaTime } from '../../src/stream/media-time.ts'
import { opusFrame, seeded, vp8Frame } from './pair.ts'

const FRAME_TICKS = 3000

/** Packets of a stream of VP8, three to a frame. */
function vp8Packets(count: number, first = 100, keyFrames: number[] = [0], firstTimestamp = 0): RtpPacket[] {
  const packetizer = vp8.createPacketizer()
  const packets: RtpPacket[] = []
  for (let i = 0; i < count; i++) {
    const frame = vp8Frame(i, 250, keyFrames.includes(i), 0)
    const payloads = packetizer.packetize(frame, 100)
    payloads.forEach((payload, k) => {
      packets.push(
        new RtpPacket({
          payloadType: 96,
          sequenceNumber: (first + packets.length) & 0xffff,
          timestamp: (firstTimestamp + i * FRAME_TICKS) >>> 0,
          ssrc: 1,
          marker: k === payloads.length - 1,
          payload,
        }),
      )
    })
  }
  return packets
}

function assembler(format: PayloadFormat = vp8, wait?: number): FrameAssembler {
  return new FrameAssembler({
    ssrc: 1,
    kind: format.kind,
    codecs: [{ payloadType: 96, mimeType: format.mimeType, clockRate: format.clockRate, format }],
    ...(wait === undefined ? {} : { wait }),
  })
}

function drain(machine: FrameAssembler): ReceivedFrame[] {
  const frames: ReceivedFrame[] = []
  for (let frame = machine.poll(); frame !== undefined; frame = machine.poll()) frames.push(frame)
  return frames
}

test('frames come out whole, as soon as they are', () => {
  const machine = assembler()
  const packets = vp8Packets(3)
  packets.forEach((packet, i) => {
    machine.insert(packet, i * 5)
    const frames = drain(machine)
    expect(frames.length).toBe(i % 3 === 2 ? 1 : 0)
    if (frames.length === 0) return
    expect(frames[0]).toMatchObject({
      payload: vp8Frame(Math.floor(i / 3), 250, i < 3, 0).payload,
      keyFrame: i < 3,
      timestamp: Math.round((Math.floor(i / 3) * FRAME_TICKS * 1e6) / 90_000),
      receiveTime: i * 5,
      mimeType: 'video/VP8',
      discontinuity: false,
    })
  })
  expect(machine.totalAssemblyTime).toBe(30)
  expect(machine.framesAssembledFromMultiplePackets).toBe(3)
  expect(machine.deadline).toBe(Infinity)
})

test('any order within the window gives the same frames, with sequence numbers and timestamps that wrap', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed)
    const packets = vp8Packets(40, 65_500, [0], 0xffff_f000)
    const keyFrame = packets.splice(0, 1)
    const shuffled = packets
      .flatMap((packet) => (random() < 0.3 ? [packet, packet.clone()] : [packet]))
      .map((packet, i) => ({ packet, at: i + random() * 40 }))
      .sort((a, b) => a.at - b.at)
    const machine = assembler()
    machine.insert(keyFrame[0]!, 0)
    for (const { packet } of shuffled) machine.insert(packet, 0)
    const frames = drain(machine)
    expect(frames).toHaveLength(40)
    frames.forEach((frame, i) => {
      expect(Buffer.compare(frame.payload, vp8Frame(i, 250, i === 0, 0).payload)).toBe(0)
      expect(frame.timestamp).toBe(Math.round((i * FRAME_TICKS * 1e6) / 90_000))
    })
    expect(machine.length).toBe(0)
  }
})

test('the second packet of the first key frame may overtake the first', () => {
  const machine = assembler()
  const packets = vp8Packets(2)
  for (const i of [1, 2, 3, 0, 5, 4]) machine.insert(packets[i]!, i)
  expect(drain(machine)).toHaveLength(2)
  expect(machine.packetsDiscarded).toBe(0)
  expect(machine.takeKeyFrameNeeded()).toBe(false)
})

test('a missing packet is waited for, and then video goes on with a key frame', () => {
  const machine = assembler(vp8, 100)
  const packets = vp8Packets(10, 0, [0, 7])
  packets.forEach((packet, i) => {
    if (i !== 4) machine.insert(packet, i * 10)
  })
  expect(drain(machine)).toHaveLength(1)
  expect(machine.deadline).toBe(50 + 100)
  machine.tick(149)
  expect(drain(machine)).toHaveLength(0)
  machine.tick(150)
  const frames = drain(machine)
  expect(frames.map(({ keyFrame, discontinuity }) => [keyFrame, discontinuity])).toEqual([
    [true, true],
    [false, false],
    [false, false],
  ])
  expect(machine.takeKeyFrameNeeded()).toBe(true)
  expect(machine.framesDropped).toBe(1)
  expect(machine.packetsDiscarded).toBe(2 + 15)
  expect(machine.deadline).toBe(Infinity)
  // Too late.
  machine.insert(packets[4]!, 300)
  expect(machine.packetsDiscarded).toBe(18)
})

test('a packet that comes in time costs nothing', () => {
  const machine = assembler(vp8, 100)
  const packets = vp8Packets(5)
  packets.forEach((packet, i) => {
    if (i !== 4) machine.insert(packet, 0)
  })
  machine.insert(packets[4]!, 99)
  machine.tick(100)
  expect(drain(machine)).toHaveLength(5)
  expect(machine.takeKeyFrameNeeded()).toBe(false)
})

test('a stream joined in its middle: a key frame is asked for, soon and again', () => {
  const machine = assembler()
  const packets = vp8Packets(100, 0, [80])
  let asked = 0
  packets.forEach((packet, i) => {
    machine.insert(packet, i * 11)
    machine.tick(i * 11)
    if (machine.takeKeyFrameNeeded()) asked++
  })
  expect(asked).toBe(3)
  const frames = drain(machine)
  expect(frames).toHaveLength(20)
  expect(frames[0]!.keyFrame).toBe(true)
})

test('padding and foreign payload types count for the order only', () => {
  const machine = assembler()
  const packets = vp8Packets(4)
  const padding = (sequenceNumber: number, payloadType = 96, length = 0): RtpPacket =>
    new RtpPacket({
      payloadType,
      sequenceNumber,
      timestamp: 5,
      ssrc: 1,
      payload: new Uint8Array(length),
      paddingLength: 10,
    })
  let sequenceNumber = 65_530
  for (const packet of packets) {
    machine.insert(padding(sequenceNumber++ & 0xffff), 0)
    packet.sequenceNumber = sequenceNumber++ & 0xffff
    machine.insert(packet, 0)
    machine.insert(padding(sequenceNumber++ & 0xffff, 50, 20), 0)
  }
  expect(drain(machine)).toHaveLength(4)
  expect(machine.framesDropped).toBe(0)
})

test('without markers a frame ends where the next begins', () => {
  const machine = assembler()
  const packets = vp8Packets(5)
  for (const packet of packets) {
    packet.marker = false
    machine.insert(packet, 0)
  }
  expect(drain(machine)).toHaveLength(4)
})

test('payloads that make no frame are dropped, and video then needs a key frame', () => {
  const machine = assembler()
  const packets = vp8Packets(6, 0, [0, 4])
  packets[4]!.payload = Uint8Array.of(0)
  for (const packet of packets) machine.insert(packet, 0)
  expect(drain(machine).map(({ keyFrame, discontinuity }) => [keyFrame, discontinuity])).toEqual([
    [true, false],
    [true, true],
    [false, false],
  ])
  expect(machine.framesDropped).toBe(1)
  expect(machine.takeKeyFrameNeeded()).toBe(true)
})

const sps = Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8)
const pps = Uint8Array.of(0x68, 0xce, 0x3c, 0x80)
const idr = Uint8Array.of(0x65, 0x88, 0x84, 0x00, 0x10)
const h264Size = 3 * 4 + sps.length + pps.length + idr.length

function h264Packets(first: number, timestamp: number): [RtpPacket, RtpPacket, RtpPacket] {
  return [sps, pps, idr].map(
    (payload, i) =>
      new RtpPacket({ payloadType: 96, sequenceNumber: first + i, timestamp, ssrc: 1, marker: i === 2, payload }),
  ) as [RtpPacket, RtpPacket, RtpPacket]
}

test('H.264: a slice may overtake its parameter sets, in every order', () => {
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]) {
    const machine = assembler(h264)
    const packets = h264Packets(5, 0)
    order.forEach((i, at) => {
      machine.insert(packets[i]!, at * 10)
      machine.tick(at * 10)
    })
    const frames = drain(machine)
    expect(frames.map(({ payload, keyFrame }) => [payload.length, keyFrame])).toEqual([[h264Size, true]])
    expect(machine.takeKeyFrameNeeded()).toBe(false)
    expect(machine.packetsDiscarded).toBe(0)
    expect(machine.deadline).toBe(Infinity)
  }
})

test('H.264: parameter sets that do not come are waited for, and a new key frame is asked for', () => {
  const machine = assembler(h264, 200)
  machine.insert(h264Packets(5, 0)[2], 0)
  expect(machine.poll()).toBeUndefined()
  expect(machine.deadline).toBe(30)
  machine.tick(30)
  expect(machine.poll()?.keyFrame).toBe(true)
  expect(machine.takeKeyFrameNeeded()).toBe(true)
  expect(machine.deadline).toBe(Infinity)
})

test('H.264: parameter sets that are known to be lost may come again', () => {
  const machine = assembler(h264, 200)
  for (const packet of h264Packets(5, 0)) machine.insert(packet, 0)
  const slice = h264Packets(7, 3000)[2]
  slice.payload = Uint8Array.of(0x41, 0x9a, 0x24, 0x6c)
  machine.insert(slice, 0)
  machine.tick(200)
  expect(drain(machine)).toHaveLength(1)
  expect(machine.takeKeyFrameNeeded()).toBe(true)
  // The depacketizer has the last ones, also after a negotiation that changes nothing; after a restart it has none.
  machine.setCodecs([{ payloadType: 96, mimeType: 'video/H264', clockRate: 90_000, format: h264 }])
  machine.insert(h264Packets(10, 6000)[2], 205)
  expect(machine.poll()).toMatchObject({ keyFrame: true, discontinuity: true })
  machine.reset(210)
  const packets = h264Packets(40_000, 0)
  machine.insert(packets[2], 210)
  expect(machine.poll()).toBeUndefined()
  expect(machine.deadline).toBe(410)
  machine.insert(packets[0], 400)
  machine.insert(packets[1], 409)
  expect(machine.poll()).toMatchObject({ keyFrame: true, discontinuity: true })
  expect(machine.takeKeyFrameNeeded()).toBe(false)
})

test('audio: each packet is a frame, and a loss is waited for a little', () => {
  const machine = assembler(opus, 60)
  const packets = Array.from(
    { length: 10 },
    (_, i) =>
      new RtpPacket({
        payloadType: 96,
        sequenceNumber: (65_533 + i) & 0xffff,
        timestamp: (0xffff_ff00 + i * 960) >>> 0,
        ssrc: 1,
        payload: opusFrame(i, 0).payload,
      }),
  )
  packets.forEach((packet, i) => {
    if (i === 3 || i === 6) return
    machine.insert(packet, i * 20)
    machine.tick(i * 20)
  })
  expect(machine.deadline).toBe(7 * 20 + 60)
  machine.insert(packets[6]!, 190)
  const frames = drain(machine)
  expect(frames.map(({ timestamp }) => timestamp / 20_000)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9])
  expect(frames.map(({ discontinuity }) => discontinuity).indexOf(true)).toBe(3)
  expect(frames.filter(({ discontinuity }) => discontinuity)).toHaveLength(1)
})

test('a source that begins anew goes on in time', () => {
  const machine = assembler(pcmu)
  const packet = (sequenceNumber: number, timestamp: number): RtpPacket =>
    new RtpPacket({ payloadType: 96, sequenceNumber, timestamp, ssrc: 1, payload: new Uint8Array(160) })
  machine.insert(packet(100, 1000), 0)
  machine.insert(packet(101, 1160), 20)
  machine.reset(500)
  machine.insert(packet(40_000, 3_000_000_000), 500)
  machine.insert(packet(40_001, 3_000_000_160), 520)
  expect(drain(machine).map(({ timestamp, discontinuity }) => [timestamp, discontinuity])).toEqual([
    [0, false],
    [20_000, false],
    [500_000, true],
    [520_000, false],
  ])
})

test('another payload type in the middle of a stream', () => {
  const machine = new FrameAssembler({
    ssrc: 1,
    kind: 'video',
    codecs: ['video/VP8', 'video/AV1'].map((mimeType, i) => ({
      payloadType: 96 + i,
      mimeType,
      clockRate: 90_000,
      format: payloadFormat(mimeType)!,
    })),
  })
  const packets = vp8Packets(2, 0)
  for (const packet of packets) machine.insert(packet, 0)
  // Sequence header and a frame header OBU: a key frame.
  const temporalUnit = Uint8Array.of(
    0x0a,
    0x0b,
    0,
    0,
    0,
    0x24,
    0xcf,
    0x7f,
    0x0d,
    0xbf,
    0xff,
    0x30,
    0x08,
    0x32,
    0x02,
    0x10,
    0,
  )
  const [payload] = av1.createPacketizer().packetize({ payload: temporalUnit, timestamp: 0, keyFrame: true }, 1000)
  machine.insert(
    new RtpPacket({ payloadType: 97, sequenceNumber: 6, timestamp: 90_000, ssrc: 1, marker: true, payload: payload! }),
    0,
  )
  const frames = drain(machine)
  expect(frames.map(({ mimeType, payloadType }) => [mimeType, payloadType])).toEqual([
    ['video/VP8', 96],
    ['video/VP8', 96],
    ['video/AV1', 97],
  ])
  expect(frames[2]!.payload).toEqual(temporalUnit)
})

test('limits: packets, bytes, frames', () => {
  const machine = new FrameAssembler({
    ssrc: 1,
    kind: 'video',
    codecs: [{ payloadType: 96, mimeType: 'video/VP8', clockRate: 90_000, format: vp8 }],
    maxPackets: 64,
    maxBytes: 5000,
  })
  const packets = vp8Packets(400, 0, [0, 200])
  packets.forEach((packet, i) => {
    if (i !== 3) machine.insert(packet, 0)
    expect(machine.length).toBeLessThanOrEqual(64)
  })
  expect(machine.takeKeyFrameNeeded()).toBe(true)
  const frames = drain(machine)
  expect(frames).toHaveLength(1 + 200)
  expect(frames[1]).toMatchObject({ keyFrame: true, discontinuity: true })
  const bytes = new JitterBuffer({ maxBytes: 200 })
  expect(packets.slice(0, 3).map((packet) => bytes.insert(packet, 0))).toEqual(['inserted', 'inserted', 'full'])
  expect(bytes.bytes).toBe(packets[0]!.payload.length + packets[1]!.payload.length)
  // Frames that nobody takes push out the oldest.
  const unread = assembler()
  for (const packet of vp8Packets(600)) unread.insert(packet, 0)
  expect(drain(unread)).toHaveLength(512)
  expect(unread.framesDropped).toBe(88)
})

test('a jump in the sequence beyond everything held', () => {
  for (const format of [vp8, opus]) {
    const machine = assembler(format)
    const make = (sequenceNumber: number): RtpPacket => {
      const packet = vp8Packets(1, sequenceNumber)[0]!
      packet.marker = true
      packet.timestamp = sequenceNumber
      return packet
    }
    for (const sequenceNumber of [1, 20_000, 20_001, 50_000, 50_001]) machine.insert(make(sequenceNumber), 0)
    machine.tick(10_000)
    expect(machine.deadline === Infinity || machine.deadline > 10_000).toBe(true)
    machine.tick(20_000)
    expect(machine.length).toBeLessThan(8)
  }
})

test('the jitter buffer tells what it did', () => {
  const buffer = new JitterBuffer({ maxPackets: 64, lead: 2 })
  const [a, b, c, d] = vp8Packets(2, 65_535) as [RtpPacket, RtpPacket, RtpPacket, RtpPacket]
  expect(buffer.insert(b, 1)).toBe('inserted')
  expect(buffer.insert(b, 2)).toBe('duplicate')
  expect(buffer.insert(a, 3)).toBe('inserted')
  expect(buffer.insert(d, 4)).toBe('inserted')
  const first = buffer.sequenceOf(a)
  expect(buffer.at(first)).toBe(a)
  expect(buffer.at(first + 2)).toBeUndefined()
  expect(buffer.missedSince(first + 2)).toBe(4)
  expect(buffer.missedSince(first + 3)).toBe(Infinity)
  expect(buffer.consume(first + 2)).toBe(2)
  expect(buffer.insert(a, 5)).toBe('late')
  expect(buffer.insert(c, 5)).toBe('inserted')
  const far = c.clone()
  far.sequenceNumber = (c.sequenceNumber + 64) & 0xffff
  expect(buffer.insert(far, 6)).toBe('full')
  expect(buffer.reset()).toBe(2)
  expect(buffer.insert(far, 6)).toBe('inserted')
})

test('how long to wait', () => {
  const input = { video: true, nack: true, roundTripTime: 30, jitter: 5, maximum: 500 }
  expect(assemblyWait(input)).toBe(320)
  expect(assemblyWait({ ...input, roundTripTime: undefined })).toBe(500)
  expect(assemblyWait({ ...input, roundTripTime: 1 })).toBe(200)
  expect(assemblyWait({ ...input, roundTripTime: 400 })).toBe(500)
  expect(assemblyWait({ ...input, video: false })).toBe(140)
  expect(assemblyWait({ ...input, nack: false })).toBe(40)
  expect(assemblyWait({ ...input, nack: false, jitter: 30 })).toBe(140)
})

test('media time goes on over wraps, backwards for B-frames, and over other clocks', () => {
  const time = new MediaTime()
  expect(time.microseconds(0xffff_f000, 90_000)).toBe(0)
  expect(time.microseconds(0xffff_f000 + 9000 - 0x1_0000_0000, 90_000)).toBe(100_000)
  expect(time.microseconds(0xffff_f000 + 4500 - 0x1_0000_0000, 90_000)).toBe(50_000)
  expect(time.microseconds(0xffff_f000 + 4500 - 0x1_0000_0000 + 800, 8000)).toBe(150_000)
})

test('frames have RTP time from a random beginning, which goes on when the source changes', () => {
  const clock = new FrameClock(90_000, 0xffff_ff00)
  expect(clock.timestamp(5_000_000, 1000)).toBe(0xffff_ff00)
  expect(clock.timestamp(5_100_000, 1100)).toBe(9000 - 0x100)
  clock.rebase()
  expect(clock.next(1150)).toBe(13_500 - 0x100)
  expect(clock.timestamp(77, 1150)).toBe(13_500 - 0x100)
  clock.setClockRate(48_000)
  expect(clock.timestamp(99_000_000, 1250)).toBe(13_500 - 0x100 + 4800)
  expect(clock.timestamp(99_020_000, 1270)).toBe(13_500 - 0x100 + 4800 + 960)
  // An hour later.
  expect(clock.timestamp(99_020_000 + 3_600_000_000, 1270)).toBe(13_500 - 0x100 + 4800 + 960 + 172_800_000)
})
