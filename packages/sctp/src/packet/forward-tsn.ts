import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { allocateChunk } from './chunk.ts'
import { FORWARD_TSN, I_FORWARD_TSN } from './types.ts'

/** A message that will not come: `messageId` is an SSN or a MID as on the wire. */
export interface SkippedMessage {
  streamId: number
  unordered: boolean
  messageId: number
}

/** FORWARD-TSN (RFC 3758 §3.2) or I-FORWARD-TSN (RFC 8260 §2.3.1). */
export interface ForwardTsnChunk {
  newCumulativeTsn: number
  skipped: SkippedMessage[]
}

export function parseForwardTsn(packet: Uint8Array, offset: number, length: number): ForwardTsnChunk | undefined {
  if (length < 8 || (length & 3) !== 0) return undefined
  const skipped: SkippedMessage[] = []
  for (let at = offset + 8; at < offset + length; at += 4) {
    skipped.push({ streamId: readUint16(packet, at), unordered: false, messageId: readUint16(packet, at + 2) })
  }
  return { newCumulativeTsn: readUint32(packet, offset + 4), skipped }
}

export function parseIForwardTsn(packet: Uint8Array, offset: number, length: number): ForwardTsnChunk | undefined {
  if (length < 8 || (length & 7) !== 0) return undefined
  const skipped: SkippedMessage[] = []
  for (let at = offset + 8; at < offset + length; at += 8) {
    skipped.push({
      streamId: readUint16(packet, at),
      unordered: (packet[at + 3]! & 1) !== 0,
      messageId: readUint32(packet, at + 4),
    })
  }
  return { newCumulativeTsn: readUint32(packet, offset + 4), skipped }
}

export function encodeForwardTsn(chunk: ForwardTsnChunk): Uint8Array {
  const out = allocateChunk(FORWARD_TSN, 0, 4 + 4 * chunk.skipped.length)
  writeUint32(out, 4, chunk.newCumulativeTsn)
  let at = 8
  for (const { streamId, messageId } of chunk.skipped) {
    writeUint16(out, at, streamId)
    writeUint16(out, at + 2, messageId)
    at += 4
  }
  return out
}

export function encodeIForwardTsn(chunk: ForwardTsnChunk): Uint8Array {
  const out = allocateChunk(I_FORWARD_TSN, 0, 4 + 8 * chunk.skipped.length)
  writeUint32(out, 4, chunk.newCumulativeTsn)
  let at = 8
  for (const { streamId, unordered, messageId } of chunk.skipped) {
    writeUint16(out, at, streamId)
    out[at + 3] = unordered ? 1 : 0
    writeUint32(out, at + 4, messageId)
    at += 8
  }
  return out
}
