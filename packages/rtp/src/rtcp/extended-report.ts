import { readUint16, readUint32, readUint64 } from '../bytes.ts'
import { HEADER_SIZE, XR } from './packet-types.ts'
import type { ExtendedReport, ExtendedReportBlock } from './types.ts'
import type { RtcpWriter } from './writer.ts'

const RRTR = 4
const DLRR = 5
const DLRR_ITEM_SIZE = 12
/** Words that the length of a block can count. */
const MAX_WORDS = 0xffff

type DlrrItem = Extract<ExtendedReportBlock, { type: 'DLRR' }>['reports'][number]

/** XR (RFC 3611 §2) */
export function readExtendedReport(bytes: Uint8Array, offset: number, end: number): ExtendedReport | undefined {
  let at = offset + HEADER_SIZE + 4
  if (at > end) return undefined
  const blocks: ExtendedReportBlock[] = []
  while (at < end) {
    if (at + 4 > end) return undefined
    const next = at + 4 + 4 * readUint16(bytes, at + 2)
    if (next > end) return undefined
    const block = readBlock(bytes, at, next)
    if (block === undefined) return undefined
    blocks.push(block)
    at = next
  }
  return { type: 'XR', ssrc: readUint32(bytes, offset + 4), blocks }
}

function readBlock(bytes: Uint8Array, offset: number, end: number): ExtendedReportBlock | undefined {
  const blockType = bytes[offset]!
  const body = offset + 4
  if (blockType === RRTR) {
    // RFC 3611 §4.4
    return end - body === 8 ? { type: 'RRTR', ntpTimestamp: readUint64(bytes, body) } : undefined
  }
  if (blockType === DLRR) {
    // RFC 3611 §4.5
    if ((end - body) % DLRR_ITEM_SIZE !== 0) return undefined
    const reports: DlrrItem[] = []
    for (let at = body; at < end; at += DLRR_ITEM_SIZE) {
      reports.push({
        ssrc: readUint32(bytes, at),
        lastReceiverReport: readUint32(bytes, at + 4),
        delaySinceLastReceiverReport: readUint32(bytes, at + 8),
      })
    }
    return { type: 'DLRR', reports }
  }
  return { type: 'unknown', blockType, typeSpecific: bytes[offset + 1]!, data: bytes.subarray(body, end) }
}

/** What is beyond the 65535 words of one block is left out; data of unknown blocks is filled up to 32 bits. */
export function writeExtendedReport(packet: ExtendedReport, out: RtcpWriter): void {
  out.begin(XR, 0)
  out.uint32(packet.ssrc)
  for (const block of packet.blocks) {
    if (block.type === 'RRTR') {
      writeBlockHeader(RRTR, 0, 2, out)
      out.uint64(block.ntpTimestamp)
    } else if (block.type === 'DLRR') {
      const count = Math.min(block.reports.length, Math.floor((4 * MAX_WORDS) / DLRR_ITEM_SIZE))
      writeBlockHeader(DLRR, 0, 3 * count, out)
      for (let i = 0; i < count; i++) {
        const report = block.reports[i]!
        out.uint32(report.ssrc)
        out.uint32(report.lastReceiverReport)
        out.uint32(report.delaySinceLastReceiverReport)
      }
    } else {
      const data = block.data.subarray(0, 4 * MAX_WORDS)
      writeBlockHeader(block.blockType, block.typeSpecific, (data.length + 3) >>> 2, out)
      out.bytes(data)
      out.align()
    }
  }
  out.end()
}

function writeBlockHeader(blockType: number, typeSpecific: number, words: number, out: RtcpWriter): void {
  out.uint8(blockType)
  out.uint8(typeSpecific)
  out.uint16(words)
}
