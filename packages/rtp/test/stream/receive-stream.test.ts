import { expect, test } from 'vitest'
import { opus, vp8 } from '../../src/formats/index.ts'
import { RtpPacket, writeRed, writeRtp } from '../../src/index.ts'
import { RtpReceiveStream, RtxSender } from '../../src/stream/index.ts'
import type { ReceiveStreamEvent, RtpReceiveStreamOptions } from '../../src/stream/index.ts'
import { flexFec, inRed, repairPacket, ulpFec } from '../fec/encoder.ts'
import { MEDIA, opusFrame, RECEIVER, RTX, seeded, vp8Frame } from './pair.ts'

const FEC = 0x4444_4444
const VIDEO = {
  payloadType: 96,
  mimeType: 'video/VP8',
  clockRate: 90_000,
  format: vp8,
  rtxPayloadType: 97,
  nack: true,
  pli: true,
}
const AUDIO = { payloadType: 111, mimeType: 'audio/opus', clockRate: 48_000, format: opus }

function receiver(kind: 'audio' | 'video', options: Partial<RtpReceiveStreamOptions> = {}): RtpReceiveStream {
  return new RtpReceiveStream({
    now: 0,
    wallClock: 1_700_000_000_000,
    random: seeded(1),
    ssrc: MEDIA,
    localSsrc: RECEIVER,
    kind,
    codecs: kind === 'video' ? [VIDEO] : [AUDIO],
    ...options,
  })
}

/** VP8, two packets to a frame. */
function video(count: number, first = 10, timestamp = 0): RtpPacket[] {
  const packetizer = vp8.createPacketizer()
  return Array.from({ length: count }, (_, i) =>
    packetizer.packetize(vp8Frame(i, 150, i === 0, 0), 100).map(
      (payload, k, { length }) =>
        new RtpPacket({
          payloadType: 96,
          sequenceNumber: (first + i * 2 + k) & 0xffff,
          timestamp: timestamp + i * 3000,
          ssrc: MEDIA,
          marker: k === length - 1,
          payload,
        }),
    ),
  ).flat()
}

function audio(sequenceNumber: number): RtpPacket {
  return new RtpPacket({
    payloadType: 111,
    sequenceNumber,
    timestamp: sequenceNumber * 960,
    ssrc: MEDIA,
    payload: opusFrame(sequenceNumber, 0).payload,
  })
}

function events(machine: RtpReceiveStream): ReceiveStreamEvent[] {
  const all: ReceiveStreamEvent[] = []
  for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) all.push(event)
  return all
}

function frames(machine: RtpReceiveStream): number {
  return events(machine).filter(({ type }) => type === 'frame').length
}

test('a restart loses not even its first packet', () => {
  const machine = receiver('video')
  for (const packet of video(3)) machine.receive(packet, 0)
  expect(frames(machine)).toBe(3)
  for (const packet of video(3, 40_000, 3_000_000_000)) machine.receive(packet, 1000)
  const after = events(machine)
  expect(after.filter(({ type }) => type === 'packet')).toHaveLength(6)
  const received = after.flatMap((event) => (event.type === 'frame' ? [event.frame] : []))
  expect(received.map(({ keyFrame, discontinuity }) => [keyFrame, discontinuity])).toEqual([
    [true, true],
    [false, false],
    [false, false],
  ])
  expect(received[0]!.timestamp).toBeGreaterThan(1_000_000)
  expect(machine.stats).toMatchObject({ restarts: 1, packetsLost: 0 })
  expect(machine.stats.dropped.sequenceNumber).toBe(0)
})

test('a packet from nowhere is dropped', () => {
  const machine = receiver('video')
  const packets = video(3)
  const stray = packets[0]!.clone()
  stray.sequenceNumber = 30_000
  machine.receive(packets[0]!, 0)
  machine.receive(stray, 0)
  for (const packet of packets.slice(1)) machine.receive(packet, 0)
  expect(frames(machine)).toBe(3)
  expect(machine.stats.dropped.sequenceNumber).toBe(1)
})

test('two sources under one SSRC: the first stays, the other is noise', () => {
  const machine = receiver('video')
  const [ours, theirs] = [video(10), video(10, 40_000, 9_000_000)]
  ours.forEach((packet, i) => {
    machine.receive(packet, i)
    machine.receive(theirs[i]!, i)
  })
  expect(frames(machine)).toBe(10)
  expect(machine.stats.restarts).toBe(0)
  // In pairs they cannot be told from restarts: nothing breaks, and nothing is sent out in endless numbers.
  for (let i = 0; i < 200; i++) {
    for (const packet of video(1, i % 2 === 0 ? 30 + i : 40_030 + i, i * 1000)) machine.receive(packet, 100 + i)
  }
  for (let i = 0; i < 100 && machine.deadline !== Infinity; i++) {
    const now = machine.deadline
    machine.tick(now)
    machine.pollRtcp(now)
  }
  expect(machine.deadline).toBe(Infinity)
})

test('packets come out at once in the order of arrival, each once', () => {
  const machine = receiver('video')
  const packets = video(3)
  const rtx = new RtxSender(RTX, 97, 0)
  machine.setRtxSsrc(RTX)
  for (const i of [0, 1, 4, 2]) machine.receive(packets[i]!, 0)
  machine.receive(rtx.wrap(packets[3]!), 0)
  machine.receive(packets[3]!, 0)
  machine.receive(rtx.wrap(packets[0]!), 0)
  const seen = events(machine).flatMap((event) =>
    event.type === 'packet' ? [[event.packet.sequenceNumber, event.recovered]] : [],
  )
  expect(seen).toEqual([
    [10, false],
    [11, false],
    [14, false],
    [12, false],
    [13, true],
  ])
  expect(machine.stats).toMatchObject({ packetsDuplicated: 2, retransmittedPacketsReceived: 2, packetsReceived: 7 })
})

test('an RTX-recovered packet is not asked for any more; the report still counts it lost', () => {
  const machine = receiver('video', { rtxSsrc: RTX })
  const packets = video(4)
  const rtx = new RtxSender(RTX, 97, 0)
  packets.forEach((packet, i) => {
    if (i !== 3) machine.receive(packet, 0)
  })
  const nacks = (machine.pollRtcp(10) ?? []).filter(({ type }) => type === 'NACK')
  expect(nacks).toEqual([{ type: 'NACK', senderSsrc: RECEIVER, mediaSsrc: MEDIA, sequenceNumbers: [13] }])
  machine.receive(rtx.wrap(packets[3]!), 30)
  expect(frames(machine)).toBe(4)
  expect(machine.stats.packetsLost).toBe(1)
  expect(machine.stats.nackCount).toBe(1)
  const report = machine.pollRtcp(2000)![0]
  expect(report).toMatchObject({
    type: 'RR',
    ssrc: RECEIVER,
    reports: [{ ssrc: MEDIA, packetsLost: 1 }, { ssrc: RTX }],
  })
})

test('retransmissions before anything, of unknown payload types, or of nowhere', () => {
  const machine = receiver('video', { rtxSsrc: RTX })
  const rtx = new RtxSender(RTX, 97, 0)
  const [packet] = video(1) as [RtpPacket]
  machine.receive(rtx.wrap(packet), 0)
  machine.receive(packet, 0)
  const unknown = rtx.wrap(packet)
  unknown.payloadType = 99
  machine.receive(unknown, 0)
  const far = packet.clone()
  far.sequenceNumber += 1000
  machine.receive(rtx.wrap(far), 0)
  const other = packet.clone()
  other.ssrc = 77
  machine.receive(other, 0)
  expect(machine.stats.dropped).toEqual({ ssrc: 1, payloadType: 1, sequenceNumber: 2, malformed: 0, events: 0 })
})

test('without frames, packets and key-frame requests remain', () => {
  const machine = receiver('video', { frames: false })
  const packets = video(6)
  for (const i of [0, 1, 2, 4, 5]) machine.receive(packets[i]!, 0)
  expect(events(machine)).toHaveLength(5)
  const types = new Set<string>()
  for (let now = machine.deadline; now < 2000; now = machine.deadline) {
    machine.tick(now)
    for (const packet of machine.pollRtcp(now) ?? []) types.add(packet.type)
  }
  expect(types.has('NACK')).toBe(true)
  expect(types.has('PLI')).toBe(true)
  const { pliCount } = machine.stats
  // The next key frame is what was wanted.
  const again = video(1, 16)
  for (const packet of again) machine.receive(packet, 2000)
  for (let now = machine.deadline; now < 1e9; now = machine.deadline) {
    machine.tick(now)
    machine.pollRtcp(now)
  }
  expect(machine.stats.pliCount).toBe(pliCount)
})

test('a codec is changed while media flows', () => {
  const machine = receiver('video')
  for (const packet of video(2)) machine.receive(packet, 0)
  machine.setCodecs([{ ...VIDEO, payloadType: 100 }])
  const packets = video(3, 14)
  for (const packet of packets.slice(0, 2)) machine.receive(packet, 10)
  expect(machine.stats.dropped.payloadType).toBe(2)
  for (const packet of packets.slice(2)) {
    packet.payloadType = 100
    machine.receive(packet, 20)
  }
  expect(frames(machine)).toBe(4)
})

test('events that nobody takes push out the oldest, and the frame behind the gap says so', () => {
  const machine = receiver('video', { maxQueuedEvents: 4 })
  for (const packet of video(10)) machine.receive(packet, 0)
  const left = events(machine)
  expect(left).toHaveLength(4)
  expect(machine.stats.dropped.events).toBe(26)
  const first = left.find((event) => event.type === 'frame')
  expect(first?.type === 'frame' && first.frame.discontinuity).toBe(true)
})

test('a source that left may come back', () => {
  const machine = receiver('video')
  const packets = video(4)
  for (const packet of packets.slice(0, 4)) machine.receive(packet, 0)
  machine.receiveRtcp({ type: 'BYE', ssrcs: [5, MEDIA] }, 10)
  expect(machine.deadline).toBe(Infinity)
  expect(events(machine).at(-1)).toEqual({ type: 'bye' })
  for (const packet of packets.slice(4)) machine.receive(packet, 500)
  expect(frames(machine)).toBe(2)
  expect(machine.deadline).toBeLessThan(Infinity)
})

test('telephone events among Opus are packets, no frames, and leave the clock alone', () => {
  const events8 = { payloadType: 126, mimeType: 'audio/telephone-event', clockRate: 8000 }
  const machine = receiver('audio', { codecs: [AUDIO, events8] })
  for (let i = 0; i < 10; i++) {
    const packet = audio(i)
    if (i === 5) packet.payloadType = 126
    machine.receive(packet, i * 20)
  }
  const all = events(machine)
  expect(all.filter(({ type }) => type === 'packet')).toHaveLength(10)
  const received = all.flatMap((event) => (event.type === 'frame' ? [event.frame] : []))
  expect(received).toHaveLength(9)
  expect(received.some(({ discontinuity }) => discontinuity)).toBe(false)
  expect(machine.stats.jitter).toBe(0)
})

test('FlexFEC brings back a packet without a round trip', () => {
  for (const withBytes of [true, false]) {
    const machine = receiver('video', { flexFec: { ssrc: FEC, payloadType: 49 } })
    const packets = video(4)
    const repair = repairPacket(flexFec(packets.map((packet) => writeRtp(packet))))
    repair.ssrc = FEC
    repair.payloadType = 49
    packets.forEach((packet, i) => {
      if (i !== 2) machine.receive(packet, 0, withBytes ? writeRtp(packet) : undefined)
    })
    expect(frames(machine)).toBe(1)
    machine.receive(repair, 1)
    expect(frames(machine)).toBe(3)
    expect(machine.stats).toMatchObject({ fecPacketsReceived: 1, fecPacketsRecovered: 1, packetsDuplicated: 0 })
    expect(machine.pollRtcp(20)).toBeUndefined()
  }
})

test('ULPFEC in RED: repairs leave no hole, and what they bring back is no loss to wait for', () => {
  const machine = receiver('video', { redPayloadType: 50, ulpFecPayloadType: 51 })
  const packets = video(4)
  const repair = new RtpPacket({
    payloadType: 51,
    sequenceNumber: 18,
    timestamp: packets[7]!.timestamp,
    ssrc: MEDIA,
    payload: ulpFec(packets.map((packet) => writeRtp(packet))),
  })
  const next = video(1, 19)
  const wire = [...packets, repair, ...next].map((packet) => inRed(packet, 50))
  wire.forEach((bytes, i) => {
    if (i === 3) return
    const packet = new RtpPacket({
      ...([...packets, repair, ...next][i] as RtpPacket),
      payloadType: 50,
      payload: bytes.subarray(12),
    })
    machine.receive(packet, i, bytes)
  })
  const all = events(machine)
  expect(all.filter(({ type }) => type === 'frame')).toHaveLength(5)
  expect(all.filter(({ type }) => type === 'packet')).toHaveLength(10)
  expect(machine.stats).toMatchObject({ fecPacketsReceived: 1, fecPacketsRecovered: 1, packetsDuplicated: 0 })
  expect(machine.stats.dropped.payloadType).toBe(0)
  expect(machine.stats.packetsDiscarded).toBe(0)
})

test('audio in RED: copies fill what was lost', () => {
  const machine = receiver('audio', { redPayloadType: 63 })
  const red = (sequenceNumber: number): RtpPacket => {
    const packet = audio(sequenceNumber)
    const previous = audio(sequenceNumber - 1)
    packet.payload = writeRed([
      { payloadType: 111, timestampOffset: 960, data: previous.payload },
      { payloadType: 111, timestampOffset: 0, data: packet.payload },
    ])
    packet.payloadType = 63
    return packet
  }
  for (const sequenceNumber of [10, 11, 13, 14, 17]) machine.receive(red(sequenceNumber), sequenceNumber * 20)
  machine.tick(17 * 20 + 300)
  const received = events(machine).flatMap((event) => (event.type === 'frame' ? [event.frame] : []))
  expect(received.map(({ rtpTimestamp }) => rtpTimestamp / 960)).toEqual([9, 10, 11, 12, 13, 14, 16, 17])
  expect(received[6]!.discontinuity).toBe(true)
  expect(machine.stats.packetsDuplicated).toBe(0)
  const broken = audio(18)
  broken.payloadType = 63
  broken.payload = Uint8Array.of(0x80)
  machine.receive(broken, 400)
  machine.receive(red(19), 400)
  expect(machine.stats.dropped.malformed).toBe(1)
  expect(frames(machine)).toBe(1)
})

test('closed, it does nothing', () => {
  const machine = receiver('video')
  for (const packet of video(2)) machine.receive(packet, 0)
  machine.close()
  machine.close()
  for (const packet of video(2, 14)) machine.receive(packet, 0)
  machine.receiveRtcp({ type: 'BYE', ssrcs: [MEDIA] }, 0)
  machine.requestKeyFrame(0)
  machine.tick(1e9)
  expect(machine.deadline).toBe(Infinity)
  expect(machine.pollEvent()).toBeUndefined()
  expect(machine.pollRtcp(1e9)).toBeUndefined()
})

test('packets outside of RED are no duplicates of themselves where ULPFEC was negotiated', () => {
  const machine = receiver('video', { redPayloadType: 50, ulpFecPayloadType: 51 })
  for (const packet of video(5)) machine.receive(packet, 0)
  expect(machine.stats).toMatchObject({ packetsReceived: 10, packetsDuplicated: 0, framesReceived: 5 })
})
