import { expect, test } from 'vitest'
import { parseVp8Descriptor, pcmu, vp8 } from '../../src/formats/index.ts'
import { ntpTimestamp, RtpPacket } from '../../src/index.ts'
import type { RtcpPacket } from '../../src/index.ts'
import { RtpSendStream } from '../../src/stream/index.ts'
import type { RtpSendStreamOptions, SendStreamEvent } from '../../src/stream/index.ts'
import { MEDIA, RTX, seeded, vp8Frame } from './pair.ts'

const PARAMETERS = { payloadType: 96, clockRate: 90_000, format: vp8, nack: true, rtx: { ssrc: RTX, payloadType: 97 } }

function sender(options: Partial<RtpSendStreamOptions> = {}): RtpSendStream {
  return new RtpSendStream({
    now: 0,
    wallClock: 1_700_000_000_000,
    random: seeded(3),
    ssrc: MEDIA,
    kind: 'video',
    cname: 'somebody',
    ...PARAMETERS,
    ...options,
  })
}

function transmit(machine: RtpSendStream, now: number): RtpPacket[] {
  const packets: RtpPacket[] = []
  for (let packet = machine.pollTransmit(now); packet !== undefined; packet = machine.pollTransmit(now))
    packets.push(packet)
  return packets
}

function events(machine: RtpSendStream): SendStreamEvent[] {
  const all: SendStreamEvent[] = []
  for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) all.push(event)
  return all
}

const pli: RtcpPacket = { type: 'PLI', senderSsrc: 5, mediaSsrc: MEDIA }
const nack = (...sequenceNumbers: number[]): RtcpPacket => ({
  type: 'NACK',
  senderSsrc: 5,
  mediaSsrc: MEDIA,
  sequenceNumbers,
})

test('a frame becomes packets with one timestamp, the last of them marked', () => {
  const machine = sender({ maxPayloadSize: 100 })
  expect(machine.writeFrame(vp8Frame(0, 250, true, 5_000_000), 0)).toBe(true)
  expect(machine.writeFrame(vp8Frame(1, 90, false, 5_033_333), 33)).toBe(true)
  expect(machine.queuedPackets).toBe(4)
  const packets = transmit(machine, 40)
  expect(packets.map(({ marker }) => marker)).toEqual([false, false, true, true])
  const [first, , , last] = packets as [RtpPacket, RtpPacket, RtpPacket, RtpPacket]
  expect(new Set(packets.map(({ timestamp }) => timestamp)).size).toBe(2)
  expect((last.timestamp - first.timestamp) >>> 0).toBe(3000)
  packets.forEach((packet, i) => {
    expect(packet).toMatchObject({ ssrc: MEDIA, payloadType: 96, sequenceNumber: (first.sequenceNumber + i) & 0xffff })
  })
  expect(machine.nextSequenceNumber).toBe((first.sequenceNumber + 4) & 0xffff)
  expect(machine.stats).toMatchObject({ packetsSent: 4, framesSent: 2, keyFramesSent: 1, headerBytesSent: 48 })
  expect(machine.stats.totalPacketSendDelay).toBeCloseTo((3 * 40 + 7) / 1000, 9)
})

test('a packet that is newer than the burst in which it is sent has no delay', () => {
  const machine = sender()
  machine.writeFrame(vp8Frame(0, 90, true, 0), 12)
  expect(transmit(machine, 10)).toHaveLength(1)
  expect(machine.stats.totalPacketSendDelay).toBe(0)
})

test('G.711 in several packets: each has the time of its first sample, the first of all is marked', () => {
  const machine = sender({ kind: 'audio', format: pcmu, clockRate: 8000, maxPayloadSize: 160, rtx: undefined })
  for (let i = 0; i < 2; i++) {
    machine.writeFrame({ payload: new Uint8Array(400), timestamp: i * 50_000, keyFrame: true }, i * 50)
  }
  const packets = transmit(machine, 100)
  const base = packets[0]!.timestamp
  expect(packets.map(({ timestamp }) => (timestamp - base) >>> 0)).toEqual([0, 160, 320, 400, 560, 720])
  expect(packets.map(({ marker }) => marker)).toEqual([true, false, false, false, false, false])
})

test('reports: SR, who we are, and the answer to reference times', () => {
  const machine = sender()
  expect(machine.pollRtcp(1e6)).toBeUndefined()
  machine.writeFrame(vp8Frame(0, 50, true, 0), 10_000)
  const [packet] = transmit(machine, 10_000)
  machine.receiveRtcp({ type: 'XR', ssrc: 5, blocks: [{ type: 'RRTR', ntpTimestamp: 0x0001_0002_0003_0004n }] }, 10_100)
  const at = machine.deadline
  expect(at).toBeGreaterThan(10_200)
  expect(at).toBeLessThan(10_800)
  expect(machine.pollRtcp(at - 1)).toBeUndefined()
  const reports = machine.pollRtcp(at)!
  expect(reports).toEqual([
    {
      type: 'SR',
      ssrc: MEDIA,
      ntpTimestamp: ntpTimestamp(1_700_000_000_000 + at),
      rtpTimestamp: (packet!.timestamp + Math.round((at - 10_000) * 90)) >>> 0,
      packetCount: 1,
      octetCount: packet!.payload.length,
      reports: [],
    },
    { type: 'SDES', chunks: [{ ssrc: MEDIA, items: [{ type: 1, text: 'somebody' }] }] },
    {
      type: 'XR',
      ssrc: MEDIA,
      blocks: [
        {
          type: 'DLRR',
          reports: [
            {
              ssrc: 5,
              lastReceiverReport: 0x0002_0003,
              delaySinceLastReceiverReport: Math.round((at - 10_100) * 65.536),
            },
          ],
        },
      ],
    },
  ])
  machine.close()
  expect(machine.pollRtcp(at + 1)!.map(({ type }) => type)).toEqual(['SR', 'SDES', 'BYE'])
  expect(machine.pollRtcp(1e9)).toBeUndefined()
})

test('reports of the receiver', () => {
  const machine = sender()
  machine.writeFrame(vp8Frame(0, 50, true, 0), 0)
  transmit(machine, 0)
  const block = {
    ssrc: MEDIA,
    fractionLost: 64,
    packetsLost: 7,
    extendedHighestSequenceNumber: 1,
    jitter: 900,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  }
  machine.receiveRtcp({ type: 'RR', ssrc: 5, reports: [{ ...block, ssrc: 9, packetsLost: 1000 }, block] }, 100)
  expect(machine.stats.remote).toMatchObject({
    packetsLost: 7,
    fractionLost: 0.25,
    jitter: 0.01,
    roundTripTime: undefined,
  })
  const lastSenderReport = Number((ntpTimestamp(1_700_000_000_000 + 100) >> 16n) & 0xffff_ffffn)
  machine.receiveRtcp(
    {
      type: 'SR',
      ssrc: 5,
      ntpTimestamp: 0n,
      rtpTimestamp: 0,
      packetCount: 0,
      octetCount: 0,
      reports: [{ ...block, lastSenderReport, delaySinceLastSenderReport: 3277 }],
    },
    250,
  )
  expect(machine.stats.remote.roundTripTime).toBeCloseTo(0.1, 3)
  expect(machine.roundTripTime).toBeCloseTo(100, 0)
})

test('what is asked for comes again by RTX, else as it was', () => {
  for (const rtx of [PARAMETERS.rtx, undefined]) {
    const machine = sender({ rtx, maxPayloadSize: 100 })
    machine.writeFrame(vp8Frame(0, 250, true, 0), 0)
    const [, second] = transmit(machine, 0)
    machine.receiveRtcp(nack(second!.sequenceNumber, (second!.sequenceNumber + 500) & 0xffff), 50)
    const [again] = transmit(machine, 50)
    if (rtx === undefined) expect(again).toEqual(second)
    else expect(again).toMatchObject({ ssrc: RTX, payloadType: 97, timestamp: second!.timestamp })
    expect(machine.stats).toMatchObject({
      nackCount: 1,
      retransmittedPacketsSent: 1,
      packetsSent: 4,
      nackedPacketsExpired: 1,
    })
    // Out of its time.
    machine.receiveRtcp(nack(second!.sequenceNumber), 1100)
    expect(transmit(machine, 1100)).toEqual([])
  }
})

test('where NACK was not negotiated nothing is kept', () => {
  const machine = sender({ nack: false })
  machine.writeFrame(vp8Frame(0, 50, true, 0), 0)
  const [packet] = transmit(machine, 0)
  machine.receiveRtcp(nack(packet!.sequenceNumber), 10)
  expect(transmit(machine, 10)).toEqual([])
  expect(machine.stats.nackCount).toBe(1)
})

test('requests for a key frame reach the encoder, not too often', () => {
  const machine = sender()
  machine.receiveRtcp(pli, 0)
  machine.receiveRtcp(pli, 1)
  expect(events(machine)).toEqual([{ type: 'key-frame-requested' }])
  expect(machine.deadline).toBe(300)
  machine.tick(300)
  expect(events(machine)).toEqual([{ type: 'key-frame-requested' }])
  machine.receiveRtcp(pli, 310)
  machine.writeFrame(vp8Frame(0, 50, true, 0), 320)
  expect(machine.deadline).toBe(Infinity)
  machine.receiveRtcp(
    {
      type: 'FIR',
      senderSsrc: 5,
      entries: [
        { ssrc: 8, sequenceNumber: 1 },
        { ssrc: MEDIA, sequenceNumber: 1 },
      ],
    },
    1000,
  )
  machine.receiveRtcp({ type: 'FIR', senderSsrc: 5, entries: [{ ssrc: MEDIA, sequenceNumber: 1 }] }, 2000)
  machine.receiveRtcp({ ...pli, mediaSsrc: 8 } as RtcpPacket, 3000)
  expect(events(machine)).toHaveLength(1)
  expect(machine.stats).toMatchObject({ pliCount: 3, firCount: 2 })
})

test('REMB of our source is told', () => {
  const machine = sender()
  machine.receiveRtcp({ type: 'REMB', senderSsrc: 5, bitrate: 500_000, ssrcs: [8] }, 0)
  machine.receiveRtcp({ type: 'REMB', senderSsrc: 5, bitrate: 700_000, ssrcs: [8, MEDIA] }, 0)
  expect(events(machine)).toEqual([{ type: 'bitrate-estimate', bitrate: 700_000 }])
  for (let i = 0; i < 1000; i++) machine.receiveRtcp({ type: 'REMB', senderSsrc: 5, bitrate: i, ssrcs: [MEDIA] }, 0)
  expect(events(machine)).toHaveLength(64)
})

test('a pause drops what waits, and ends with a key frame', () => {
  const machine = sender()
  machine.writeFrame(vp8Frame(0, 50, true, 0), 0)
  machine.setParameters({ ...PARAMETERS, active: false })
  expect(machine.active).toBe(false)
  expect(transmit(machine, 0)).toEqual([])
  expect(machine.writeFrame(vp8Frame(1, 50, false, 0), 0)).toBe(false)
  machine.receiveRtcp(pli, 0)
  expect(events(machine)).toEqual([])
  expect(machine.deadline).toBe(Infinity)
  machine.setParameters(PARAMETERS)
  expect(events(machine)).toEqual([{ type: 'key-frame-requested' }])
})

test('another payload type: a key frame is wanted, and old packets are not sent again with it', () => {
  const machine = sender()
  machine.writeFrame(vp8Frame(0, 50, true, 0), 0)
  const [packet] = transmit(machine, 0)
  machine.setParameters({ ...PARAMETERS, payloadType: 100, rtx: { ssrc: RTX, payloadType: 101 } })
  expect(events(machine)).toEqual([{ type: 'key-frame-requested' }])
  machine.receiveRtcp(nack(packet!.sequenceNumber), 10)
  expect(transmit(machine, 10)).toEqual([])
  machine.writeFrame(vp8Frame(1, 50, true, 33_333), 33)
  const [next] = transmit(machine, 33)
  expect(next).toMatchObject({ payloadType: 100, sequenceNumber: (packet!.sequenceNumber + 1) & 0xffff })
  expect((next!.timestamp - packet!.timestamp) >>> 0).toBe(3000)
  // The same again asks for nothing, and picture ids go on.
  machine.setParameters({ ...PARAMETERS, payloadType: 100, rtx: { ssrc: RTX, payloadType: 101 } })
  expect(events(machine)).toEqual([])
  machine.writeFrame(vp8Frame(2, 50, false, 66_666), 66)
  expect(parseVp8Descriptor(transmit(machine, 66)[0]!.payload)?.pictureId).toBe(2)
})

test('a frame that does not fit the queue is dropped whole', () => {
  const machine = sender({ maxPayloadSize: 100, maxQueuedPackets: 4 })
  expect(machine.writeFrame(vp8Frame(0, 250, true, 0), 0)).toBe(true)
  expect(machine.writeFrame(vp8Frame(1, 250, false, 33_000), 1000)).toBe(false)
  expect(machine.stats.framesDropped).toBe(1)
  machine.tick(1000)
  expect(events(machine)).toEqual([{ type: 'key-frame-requested' }])
  const spare = transmit(machine, 1000)
  expect(spare).toHaveLength(3)
  expect(machine.writeFrame(vp8Frame(2, 250, true, 66_000), 1000)).toBe(true)
  expect(transmit(machine, 1000)[0]!.sequenceNumber).toBe((spare[2]!.sequenceNumber + 1) & 0xffff)
})

test('frames behind packets, and another source behind the first: time and numbers go on', () => {
  const machine = sender()
  machine.writeFrame(vp8Frame(0, 50, true, 0), 0)
  const [first] = transmit(machine, 0)
  const packet = new RtpPacket({
    payloadType: 0,
    ssrc: 0,
    sequenceNumber: machine.nextSequenceNumber,
    timestamp: machine.nextTimestamp(100),
    marker: true,
    payload: vp8.createPacketizer().packetize(vp8Frame(0, 60, true, 0), 200)[0]!,
  })
  expect(machine.writePacket(packet, 100)).toBe(true)
  const [second] = transmit(machine, 100)
  expect(second).toMatchObject({ ssrc: MEDIA, payloadType: 96, sequenceNumber: (first!.sequenceNumber + 1) & 0xffff })
  expect((second!.timestamp - first!.timestamp) >>> 0).toBe(9000)
  machine.writeFrame(vp8Frame(1, 50, false, 777), 150)
  machine.switchSource()
  machine.writeFrame(vp8Frame(2, 50, true, 99_999_999), 250)
  const [third, fourth] = transmit(machine, 250)
  expect((third!.timestamp - second!.timestamp) >>> 0).toBe(4500)
  expect((fourth!.timestamp - third!.timestamp) >>> 0).toBe(9000)
  expect(fourth!.sequenceNumber).toBe((first!.sequenceNumber + 3) & 0xffff)
  expect(machine.stats).toMatchObject({ framesSent: 4, keyFramesSent: 3 })
  const event = packet.clone()
  event.sequenceNumber = machine.nextSequenceNumber
  machine.writePacket(event, 260, 126)
  expect(transmit(machine, 260)[0]!.payloadType).toBe(126)
})

test('misuse', () => {
  const machine = sender({ format: undefined })
  const frame = vp8Frame(0, 50, true, 0)
  expect(() => machine.writeFrame(frame, 0)).toThrow(expect.objectContaining({ code: 'ERR_RTP_ARGUMENT' }))
  machine.close()
  expect(() =>
    machine.writePacket(
      new RtpPacket({ payloadType: 0, ssrc: 0, sequenceNumber: 0, timestamp: 0, payload: frame.payload }),
      0,
    ),
  ).toThrow(expect.objectContaining({ code: 'ERR_RTP_STATE' }))
  const other = sender()
  expect(other.writeFrame({ ...frame, payload: new Uint8Array(0) }, 0)).toBe(false)
})
