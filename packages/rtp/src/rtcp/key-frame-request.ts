import { readUint32 } from '../bytes.ts'
import { FEEDBACK_HEADER_SIZE, FMT_FIR, FMT_PLI, PSFB } from './packet-types.ts'
import type { FullIntraRequest, PictureLossIndication } from './types.ts'
import type { RtcpWriter } from './writer.ts'

const FIR_ENTRY_SIZE = 8

/** PLI (RFC 4585 §6.3.1) */
export function readPictureLossIndication(
  bytes: Uint8Array,
  offset: number,
  end: number,
): PictureLossIndication | undefined {
  if (offset + FEEDBACK_HEADER_SIZE > end) return undefined
  return { type: 'PLI', senderSsrc: readUint32(bytes, offset + 4), mediaSsrc: readUint32(bytes, offset + 8) }
}

export function writePictureLossIndication(packet: PictureLossIndication, out: RtcpWriter): void {
  out.begin(PSFB, FMT_PLI)
  out.uint32(packet.senderSsrc)
  out.uint32(packet.mediaSsrc)
  out.end()
}

/** FIR (RFC 5104 §4.3.1). The SSRC of the media in its header is unused: the entries say whom it concerns. */
export function readFullIntraRequest(bytes: Uint8Array, offset: number, end: number): FullIntraRequest | undefined {
  const first = offset + FEEDBACK_HEADER_SIZE
  if (first + FIR_ENTRY_SIZE > end || (end - first) % FIR_ENTRY_SIZE !== 0) return undefined
  const entries: { ssrc: number; sequenceNumber: number }[] = []
  for (let at = first; at < end; at += FIR_ENTRY_SIZE) {
    entries.push({ ssrc: readUint32(bytes, at), sequenceNumber: bytes[at + 4]! })
  }
  return { type: 'FIR', senderSsrc: readUint32(bytes, offset + 4), entries }
}

/** Without an entry nothing is written. */
export function writeFullIntraRequest(packet: FullIntraRequest, out: RtcpWriter): void {
  if (packet.entries.length === 0) return
  out.begin(PSFB, FMT_FIR)
  out.uint32(packet.senderSsrc)
  out.uint32(0)
  for (const { ssrc, sequenceNumber } of packet.entries) {
    out.uint32(ssrc)
    out.uint8(sequenceNumber)
    out.uint24(0)
  }
  out.end()
}
