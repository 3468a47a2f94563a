import { clamp, readUint32, readUint64 } from '../bytes.ts'
import { HEADER_SIZE, MAX_COUNT, RR, SR } from './packet-types.ts'
import type { ReceiverReport, ReportBlock, SenderReport } from './types.ts'
import type { RtcpWriter } from './writer.ts'

const BLOCK_SIZE = 24
const SENDER_INFO_SIZE = 20

/** SR (RFC 3550 §6.4.1). What a profile appended behind the blocks is skipped. */
export function readSenderReport(
  bytes: Uint8Array,
  offset: number,
  end: number,
  count: number,
): SenderReport | undefined {
  const blocks = offset + HEADER_SIZE + 4 + SENDER_INFO_SIZE
  if (blocks + count * BLOCK_SIZE > end) return undefined
  return {
    type: 'SR',
    ssrc: readUint32(bytes, offset + 4),
    ntpTimestamp: readUint64(bytes, offset + 8),
    rtpTimestamp: readUint32(bytes, offset + 16),
    packetCount: readUint32(bytes, offset + 20),
    octetCount: readUint32(bytes, offset + 24),
    reports: readBlocks(bytes, blocks, count),
  }
}

/** RR (RFC 3550 §6.4.2) */
export function readReceiverReport(
  bytes: Uint8Array,
  offset: number,
  end: number,
  count: number,
): ReceiverReport | undefined {
  const blocks = offset + HEADER_SIZE + 4
  if (blocks + count * BLOCK_SIZE > end) return undefined
  return { type: 'RR', ssrc: readUint32(bytes, offset + 4), reports: readBlocks(bytes, blocks, count) }
}

function readBlocks(bytes: Uint8Array, offset: number, count: number): ReportBlock[] {
  const reports: ReportBlock[] = []
  for (let i = 0; i < count; i++, offset += BLOCK_SIZE) {
    reports.push({
      ssrc: readUint32(bytes, offset),
      fractionLost: bytes[offset + 4]!,
      packetsLost: (readUint32(bytes, offset + 4) << 8) >> 8,
      extendedHighestSequenceNumber: readUint32(bytes, offset + 8),
      jitter: readUint32(bytes, offset + 12),
      lastSenderReport: readUint32(bytes, offset + 16),
      delaySinceLastSenderReport: readUint32(bytes, offset + 20),
    })
  }
  return reports
}

/** Blocks beyond the 31 of one packet go into receiver reports behind it (RFC 3550 §6.1). */
export function writeSenderReport(packet: SenderReport, out: RtcpWriter): void {
  out.begin(SR, Math.min(packet.reports.length, MAX_COUNT))
  out.uint32(packet.ssrc)
  out.uint64(packet.ntpTimestamp)
  out.uint32(packet.rtpTimestamp)
  out.uint32(packet.packetCount)
  out.uint32(packet.octetCount)
  writeBlocks(packet.reports, 0, out)
  out.end()
  if (packet.reports.length > MAX_COUNT) writeReceiverReports(packet.ssrc, packet.reports, MAX_COUNT, out)
}

export function writeReceiverReport(packet: ReceiverReport, out: RtcpWriter): void {
  writeReceiverReports(packet.ssrc, packet.reports, 0, out)
}

function writeReceiverReports(ssrc: number, reports: readonly ReportBlock[], from: number, out: RtcpWriter): void {
  do {
    out.begin(RR, Math.min(reports.length - from, MAX_COUNT))
    out.uint32(ssrc)
    writeBlocks(reports, from, out)
    out.end()
    from += MAX_COUNT
  } while (from < reports.length)
}

function writeBlocks(reports: readonly ReportBlock[], from: number, out: RtcpWriter): void {
  const to = Math.min(reports.length, from + MAX_COUNT)
  for (let i = from; i < to; i++) {
    const report = reports[i]!
    out.uint32(report.ssrc)
    out.uint8(clamp(report.fractionLost, 0, 0xff))
    out.uint24(clamp(report.packetsLost, -0x80_0000, 0x7f_ffff))
    out.uint32(report.extendedHighestSequenceNumber)
    out.uint32(clamp(report.jitter, 0, 0xffff_ffff))
    out.uint32(report.lastSenderReport)
    out.uint32(clamp(report.delaySinceLastSenderReport, 0, 0xffff_ffff))
  }
}
