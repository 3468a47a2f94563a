import fc from 'fast-check'
import type { ExtendedReportBlock, ReportBlock, RtcpPacket } from '../../src/rtcp/types.ts'

export const uint8: fc.Arbitrary<number> = fc.nat(0xff)
export const uint16: fc.Arbitrary<number> = fc.nat(0xffff)
export const uint32: fc.Arbitrary<number> = fc.nat(0xffffffff)
export const uint64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

/** Of a multiple of four bytes, as bodies of RTCP packets are. */
export const words = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength }).map((bytes) => new Uint8Array(bytes.subarray(0, bytes.length & ~3)))

const list = <T>(item: fc.Arbitrary<T>, maxLength = 31, minLength = 0): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength, maxLength })

export const reportBlock: fc.Arbitrary<ReportBlock> = fc.record({
  ssrc: uint32,
  fractionLost: uint8,
  packetsLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
  extendedHighestSequenceNumber: uint32,
  jitter: uint32,
  lastSenderReport: uint32,
  delaySinceLastSenderReport: uint32,
})

const shortText = fc.string({ unit: 'grapheme', maxLength: 30 })

const remb = fc.tuple(fc.nat(0x3ffff), fc.nat(63)).map(([mantissa, exponent]) => mantissa * 2 ** exponent)

/** As many deltas as there are packets, with the runs and mixtures that each kind of chunk is for. */
export const deltas: fc.Arbitrary<(number | undefined)[]> = fc
  .array(
    fc.oneof(
      fc.array(fc.oneof(fc.constant(undefined), fc.nat(255)), { maxLength: 40 }),
      fc.array(fc.oneof(fc.constant(undefined), fc.nat(255), fc.integer({ min: -0x8000, max: 0x7fff })), {
        maxLength: 40,
      }),
      fc
        .tuple(fc.oneof(fc.constant(undefined), fc.constant(4), fc.constant(-9)), fc.nat(60))
        .map(([delta, length]) => new Array<number | undefined>(length).fill(delta)),
      fc.nat(9000).map((length) => new Array<number | undefined>(length).fill(undefined)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => [...parts.flat(), 1])

const streamReport = fc
  .record({ received: fc.boolean(), ecn: fc.nat(3), arrivalTimeOffset: fc.nat(0x1fff) })
  .map((report) => (report.received ? report : { received: false, ecn: 0, arrivalTimeOffset: 0 }))

const block: fc.Arbitrary<ExtendedReportBlock> = fc.oneof(
  fc.record({ type: fc.constant('RRTR' as const), ntpTimestamp: uint64 }),
  fc.record({
    type: fc.constant('DLRR' as const),
    reports: list(fc.record({ ssrc: uint32, lastReceiverReport: uint32, delaySinceLastReceiverReport: uint32 }), 5),
  }),
  fc.record({
    type: fc.constant('unknown' as const),
    blockType: fc.constantFrom(1, 2, 3, 6, 7, 200),
    typeSpecific: uint8,
    data: words(24),
  }),
)

const ascending = fc
  .tuple(uint16, list(fc.integer({ min: 1, max: 40 }), 30))
  .map(([first, steps]) => steps.reduce((all, step) => [...all, (all.at(-1)! + step) & 0xffff], [first]))

/** Packets that come back exactly as they were. */
export const byType: { [Type in RtcpPacket['type']]: fc.Arbitrary<Extract<RtcpPacket, { type: Type }>> } = {
  SR: fc.record({
    type: fc.constant('SR'),
    ssrc: uint32,
    ntpTimestamp: uint64,
    rtpTimestamp: uint32,
    packetCount: uint32,
    octetCount: uint32,
    reports: list(reportBlock),
  }),
  RR: fc.record({ type: fc.constant('RR'), ssrc: uint32, reports: list(reportBlock) }),
  SDES: fc.record({
    type: fc.constant('SDES'),
    chunks: list(
      fc.record({
        ssrc: uint32,
        items: list(fc.record({ type: fc.integer({ min: 1, max: 255 }), text: shortText }), 5),
      }),
      5,
    ),
  }),
  BYE: fc.record(
    { type: fc.constant('BYE'), ssrcs: list(uint32), reason: shortText },
    { requiredKeys: ['type', 'ssrcs'] },
  ),
  APP: fc.record({
    type: fc.constant('APP'),
    subtype: fc.nat(31),
    ssrc: uint32,
    name: fc.string({ unit: 'binary-ascii', minLength: 4, maxLength: 4 }),
    data: words(40),
  }),
  NACK: fc.record({
    type: fc.constant('NACK'),
    senderSsrc: uint32,
    mediaSsrc: uint32,
    sequenceNumbers: ascending,
  }),
  PLI: fc.record({ type: fc.constant('PLI'), senderSsrc: uint32, mediaSsrc: uint32 }),
  FIR: fc.record({
    type: fc.constant('FIR'),
    senderSsrc: uint32,
    entries: list(fc.record({ ssrc: uint32, sequenceNumber: uint8 }), 5, 1),
  }),
  REMB: fc.record({ type: fc.constant('REMB'), senderSsrc: uint32, bitrate: remb, ssrcs: list(uint32, 20) }),
  TWCC: fc.record({
    type: fc.constant('TWCC'),
    senderSsrc: uint32,
    mediaSsrc: uint32,
    baseSequenceNumber: uint16,
    referenceTime: fc.integer({ min: -0x800000, max: 0x7fffff }),
    feedbackPacketCount: uint8,
    deltas,
  }),
  CCFB: fc.record({
    type: fc.constant('CCFB'),
    senderSsrc: uint32,
    streams: list(fc.record({ ssrc: uint32, beginSequenceNumber: uint16, reports: list(streamReport, 20) }), 4),
    reportTimestamp: uint32,
  }),
  XR: fc.record({ type: fc.constant('XR'), ssrc: uint32, blocks: list(block, 5) }),
  unknown: fc.record({
    type: fc.constant('unknown'),
    packetType: fc.constantFrom(192, 195, 208, 209, 223),
    count: fc.nat(31),
    body: words(40),
  }),
}

export const rtcpPacket: fc.Arbitrary<RtcpPacket> = fc.oneof(...(Object.values(byType) as fc.Arbitrary<RtcpPacket>[]))
