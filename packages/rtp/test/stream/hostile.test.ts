import fc from 'fast-check'
import { expect, test } from 'vitest'
import { av1, h264, h265, opus, vp8, vp9 } from '../../src/formats/index.ts'
import type { PayloadFormat } from '../../src/formats/index.ts'
import { RtpPacket, writeRtcp, writeRtp } from '../../src/index.ts'
import type { RtcpPacket } from '../../src/index.ts'
import { PacketRewriter, RtpReceiveStream, RtpSendStream } from '../../src/stream/index.ts'
import { MEDIA, RECEIVER, RTX, seeded, vp8Frame } from './pair.ts'

fc.configureGlobal({ seed: 3550, numRuns: 300 })

const FEC = 0x4444_4444
const formats: PayloadFormat[] = [vp8, vp9, h264, h265, av1, opus]

function receiver(kind: 'audio' | 'video', frames: boolean): RtpReceiveStream {
  return new RtpReceiveStream({
    now: 0,
    wallClock: 0,
    random: seeded(1),
    ssrc: MEDIA,
    localSsrc: RECEIVER,
    rtxSsrc: RTX,
    kind,
    frames,
    cname: 'x',
    receiverReferenceTime: true,
    flexFec: { ssrc: FEC, payloadType: 49 },
    redPayloadType: 50,
    ulpFecPayloadType: 51,
    maxQueuedEvents: 100,
    codecs: formats.map((format, i) => ({
      payloadType: 96 + i,
      mimeType: format.mimeType,
      clockRate: format.clockRate,
      format,
      rtxPayloadType: 110 + i,
      nack: true,
      pli: i % 2 === 0,
      fir: true,
    })),
  })
}

/** Drains, and checks what must hold whatever came in. */
function settle(machine: RtpReceiveStream | RtpSendStream, now: number): void {
  machine.tick(now)
  let count = 0
  for (let packets = machine.pollRtcp(now); packets !== undefined; packets = machine.pollRtcp(now)) {
    expect(writeRtcp(packets).length).toBeLessThan(8000)
    expect(++count).toBeLessThan(50)
  }
  if (machine instanceof RtpSendStream)
    while (machine.pollTransmit(now) !== undefined) expect(++count).toBeLessThan(9000)
  while (machine.pollEvent() !== undefined) expect(++count).toBeLessThan(10_000)
  if (!(machine.deadline > now)) throw new Error(`deadline ${machine.deadline} at ${now}`)
}

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .constantFrom(
      [],
      [0x90, 0x80, 0x80, 0x01, 0x10, 0, 0, 0x9d, 1, 0x2a, 160, 0, 120, 0], // VP8 key frame
      [0x80, 0x80, 0x80, 0x01, 0x11, 0, 0],
      [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0],
      [0x65, 0x88, 0x84, 0x00, 0x10],
      [0x7c, 0x85, 1, 2, 3],
      [0x88, 0x00, 0x82, 0x49, 0x83, 0x42], // VP9
      [0x18, 0x0a, 0x0b, 0, 0, 0],
      [0, 3, 0x10, 0, 0],
    )
    .map((bytes) => Uint8Array.from(bytes)),
)

const mediaPacket = fc
  .record({
    ssrc: fc.constantFrom(MEDIA, MEDIA, MEDIA, RTX, FEC, 5),
    payloadType: fc.oneof(fc.constantFrom(96, 96, 98, 101, 110, 49, 50, 51), fc.integer({ min: 0, max: 127 })),
    // Mostly near each other, at times anywhere.
    sequenceNumber: fc.oneof(fc.integer({ min: 65_500, max: 65_580 }), fc.integer({ min: 0, max: 0xffff })),
    timestamp: fc.oneof(
      fc.integer({ min: 0, max: 5 }).map((n) => n * 3000),
      fc.integer({ min: 0, max: 0xffff_ffff }),
    ),
    marker: fc.boolean(),
    payload,
    paddingLength: fc.constantFrom(0, 0, 0, 20),
  })
  .map((init) => new RtpPacket({ ...init, sequenceNumber: init.sequenceNumber & 0xffff }))

test('any packets to a receiver', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(mediaPacket, fc.constantFrom(0, 0, 1, 20, 600)), { maxLength: 80 }),
      fc.boolean(),
      fc.boolean(),
      (arrivals, audio, frames) => {
        const machine = receiver(audio ? 'audio' : 'video', frames)
        let now = 0
        for (const [packet, pause] of arrivals) {
          now += pause
          machine.receive(packet, now, writeRtp(packet))
          if (pause > 0) settle(machine, now)
        }
        // Left alone, it comes to rest.
        for (let i = 0; i < 200 && machine.deadline !== Infinity; i++) {
          now = machine.deadline
          settle(machine, now)
        }
        expect(machine.deadline).toBe(Infinity)
        const { stats } = machine
        expect(stats.framesReceived).toBeLessThanOrEqual(2 * arrivals.length)
        machine.close()
        expect(machine.deadline).toBe(Infinity)
      },
    ),
  )
})

const block = fc.record({
  ssrc: fc.constantFrom(MEDIA, 7),
  fractionLost: fc.nat(255),
  packetsLost: fc.integer({ min: -100, max: 100 }),
  extendedHighestSequenceNumber: fc.nat(),
  jitter: fc.nat(),
  lastSenderReport: fc.nat(),
  delaySinceLastSenderReport: fc.nat(),
})
const rtcp: fc.Arbitrary<RtcpPacket> = fc.oneof(
  fc.record({ type: fc.constant('RR' as const), ssrc: fc.nat(), reports: fc.array(block, { maxLength: 3 }) }),
  fc.record({
    type: fc.constant('SR' as const),
    ssrc: fc.constantFrom(MEDIA, RTX, 7),
    ntpTimestamp: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    rtpTimestamp: fc.nat(),
    packetCount: fc.nat(),
    octetCount: fc.nat(),
    reports: fc.array(block, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('NACK' as const),
    senderSsrc: fc.nat(),
    mediaSsrc: fc.constantFrom(MEDIA, 7),
    sequenceNumbers: fc.array(fc.nat(0xffff), { maxLength: 300 }),
  }),
  fc.record({ type: fc.constant('PLI' as const), senderSsrc: fc.nat(), mediaSsrc: fc.constantFrom(MEDIA, 7) }),
  fc.record({
    type: fc.constant('FIR' as const),
    senderSsrc: fc.nat(),
    entries: fc.array(fc.record({ ssrc: fc.constantFrom(MEDIA, 7), sequenceNumber: fc.nat(255) })),
  }),
  fc.record({
    type: fc.constant('REMB' as const),
    senderSsrc: fc.nat(),
    bitrate: fc.nat(),
    ssrcs: fc.array(fc.constantFrom(MEDIA, 7)),
  }),
  fc.record({ type: fc.constant('BYE' as const), ssrcs: fc.array(fc.constantFrom(MEDIA, 7)) }),
  fc.record({
    type: fc.constant('XR' as const),
    ssrc: fc.nat(),
    blocks: fc.array(
      fc.oneof(
        fc.record({ type: fc.constant('RRTR' as const), ntpTimestamp: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) }),
        fc.record({
          type: fc.constant('DLRR' as const),
          reports: fc.array(
            fc.record({
              ssrc: fc.constantFrom(RECEIVER, 7),
              lastReceiverReport: fc.nat(),
              delaySinceLastReceiverReport: fc.nat(),
            }),
          ),
        }),
      ),
    ),
  }),
)

test('any reports to a sender and to a receiver', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(rtcp, fc.constantFrom(0, 1, 400)), { maxLength: 60 }), (arrivals) => {
      const sender = new RtpSendStream({
        now: 0,
        wallClock: 0,
        random: seeded(2),
        ssrc: MEDIA,
        payloadType: 96,
        clockRate: 90_000,
        format: vp8,
        kind: 'video',
        cname: 'x',
        nack: true,
        rtx: { ssrc: RTX, payloadType: 97 },
      })
      const machine = receiver('video', true)
      let now = 0
      arrivals.forEach(([packet, pause], i) => {
        now += pause
        sender.writeFrame(vp8Frame(i, 2000, i === 0, now * 1000), now)
        sender.receiveRtcp(packet, now)
        machine.receiveRtcp(packet, now)
        settle(sender, now)
        settle(machine, now)
      })
      for (let i = 0; i < 10 && sender.deadline !== Infinity; i++) settle(sender, (now = sender.deadline))
      expect(sender.deadline).toBe(Infinity)
      const { remote } = sender.stats
      expect(remote.roundTripTime ?? 0).toBeGreaterThanOrEqual(0)
    }),
  )
})

test('any packets to a rewriter', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(mediaPacket, fc.option(fc.constantFrom(MEDIA, RTX, 5, undefined), { nil: null })), {
        maxLength: 100,
      }),
      fc.constantFrom(...formats),
      (arrivals, format) => {
        const machine = new PacketRewriter({
          ssrc: 9,
          payloadType: 100,
          clockRate: format.clockRate,
          format,
          sequenceNumber: 0,
          timestamp: 0,
        })
        let count = 0
        arrivals.forEach(([packet, target], i) => {
          if (target !== null) machine.switchTo(target)
          const before = packet.payload.slice()
          for (let out = machine.rewrite(packet, i); out !== undefined; out = machine.poll()) {
            expect(out.ssrc).toBe(9)
            count++
          }
          expect(packet.payload).toEqual(before)
        })
        expect(count).toBeLessThanOrEqual(arrivals.length)
      },
    ),
  )
})

test('requests and answers cannot be made to grow', () => {
  // A sequence that jumps to and fro within what is no restart: each jump is a gap.
  const machine = receiver('video', true)
  let requested = 0
  for (let i = 0; i < 3000; i++) {
    const now = i * 10
    const packet = new RtpPacket({
      payloadType: 96,
      sequenceNumber: (i * 300) & 0xffff,
      timestamp: i,
      ssrc: MEDIA,
      payload: Uint8Array.of(0x80, 0x80, 0x80, 0x01, 0x11, 0, 0),
    })
    machine.receive(packet, now)
    for (let packets = machine.pollRtcp(now); packets !== undefined; packets = machine.pollRtcp(now)) {
      for (const each of packets) if (each.type === 'NACK') requested += each.sequenceNumbers.length
      expect(writeRtcp(packets).length).toBeLessThan(5000)
    }
    machine.tick(now)
  }
  expect(requested).toBeGreaterThan(0)
  // Events that nobody takes.
  expect(machine.stats.dropped.events).toBe(3000 - 100)
})
