import { clamp, readUint16, readUint32 } from '../bytes.ts'
import { FMT_CCFB, HEADER_SIZE, RTPFB } from './packet-types.ts'
import type { CongestionControlFeedback } from './types.ts'
import type { RtcpWriter } from './writer.ts'

type Stream = CongestionControlFeedback['streams'][number]

const MAX_ARRIVAL_TIME_OFFSET = 0x1fff
/** More reports than half of the sequence numbers would be ambiguous (RFC 8888 §3.1). */
const MAX_REPORTS = 16384

/** Congestion control feedback (RFC 8888 §3.1). Its header has no SSRC of a media source. */
export function readCongestionControlFeedback(
  bytes: Uint8Array,
  offset: number,
  end: number,
): CongestionControlFeedback | undefined {
  const timestampAt = end - 4
  const streams: Stream[] = []
  let at = offset + HEADER_SIZE + 4
  if (at > timestampAt) return undefined
  while (at < timestampAt) {
    if (at + 8 > timestampAt) return undefined
    const reportCount = readUint16(bytes, at + 6)
    if (reportCount > MAX_REPORTS) return undefined
    const reportsAt = at + 8
    const next = reportsAt + ((2 * reportCount + 3) & ~3)
    if (next > timestampAt) return undefined
    const reports: Stream['reports'][number][] = []
    for (let i = 0; i < reportCount; i++) {
      const word = readUint16(bytes, reportsAt + 2 * i)
      const received = (word & 0x8000) !== 0
      // What was not received has zeros there, to be ignored.
      reports.push({ received, ecn: received ? (word >>> 13) & 3 : 0, arrivalTimeOffset: received ? word & 0x1fff : 0 })
    }
    streams.push({ ssrc: readUint32(bytes, at), beginSequenceNumber: readUint16(bytes, at + 4), reports })
    at = next
  }
  return {
    type: 'CCFB',
    senderSsrc: readUint32(bytes, offset + 4),
    streams,
    reportTimestamp: readUint32(bytes, timestampAt),
  }
}

/** Reports beyond the 16384 of a stream are left out; arrival time offsets are clamped to 13 bits. */
export function writeCongestionControlFeedback(packet: CongestionControlFeedback, out: RtcpWriter): void {
  out.begin(RTPFB, FMT_CCFB)
  out.uint32(packet.senderSsrc)
  for (const { ssrc, beginSequenceNumber, reports } of packet.streams) {
    const count = Math.min(reports.length, MAX_REPORTS)
    out.uint32(ssrc)
    out.uint16(beginSequenceNumber)
    out.uint16(count)
    for (let i = 0; i < count; i++) {
      const { received, ecn, arrivalTimeOffset } = reports[i]!
      const offset = clamp(arrivalTimeOffset, 0, MAX_ARRIVAL_TIME_OFFSET)
      out.uint16(received ? 0x8000 | ((ecn & 3) << 13) | offset : 0)
    }
    out.align()
  }
  out.uint32(packet.reportTimestamp)
  out.end()
}
