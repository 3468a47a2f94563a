import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { SACK } from './types.ts'

/** Bytes before the gap ack blocks, chunk header included. */
export const SACK_HEADER_SIZE = 16

/**
 * SACK (RFC 9260 §3.3.4), read in place: the blocks stay in the packet, since most of them say what the sender knows already.
 * Block `i` is at `blocks + 4 * i`: two 16-bit offsets from the cumulative TSN ack.
 */
export interface SackView {
  packet: Uint8Array
  cumulativeTsnAck: number
  receiverWindow: number
  blocks: number
  blockCount: number
  duplicates: number
  duplicateCount: number
}

export function parseSack(packet: Uint8Array, offset: number, length: number): SackView | undefined {
  if (length < SACK_HEADER_SIZE) return undefined
  const blockCount = readUint16(packet, offset + 12)
  const duplicateCount = readUint16(packet, offset + 14)
  if (length < SACK_HEADER_SIZE + 4 * (blockCount + duplicateCount)) return undefined
  return {
    packet,
    cumulativeTsnAck: readUint32(packet, offset + 4),
    receiverWindow: readUint32(packet, offset + 8),
    blocks: offset + SACK_HEADER_SIZE,
    blockCount,
    duplicates: offset + SACK_HEADER_SIZE + 4 * blockCount,
    duplicateCount,
  }
}

/** Writes the fixed part; the caller has put, or puts, the blocks and duplicates behind it. */
export function writeSackHeader(
  out: Uint8Array,
  offset: number,
  cumulativeTsnAck: number,
  receiverWindow: number,
  blockCount: number,
  duplicateCount: number,
): void {
  out[offset] = SACK
  out[offset + 1] = 0
  writeUint16(out, offset + 2, SACK_HEADER_SIZE + 4 * (blockCount + duplicateCount))
  writeUint32(out, offset + 4, cumulativeTsnAck)
  writeUint32(out, offset + 8, receiverWindow)
  writeUint16(out, offset + 12, blockCount)
  writeUint16(out, offset + 14, duplicateCount)
}

/** Whole SACK; for tests and tools, the receiver writes in place. */
export function encodeSack(
  cumulativeTsnAck: number,
  receiverWindow: number,
  blocks: readonly (readonly [number, number])[] = [],
  duplicates: readonly number[] = [],
): Uint8Array {
  const out = new Uint8Array(SACK_HEADER_SIZE + 4 * (blocks.length + duplicates.length))
  writeSackHeader(out, 0, cumulativeTsnAck, receiverWindow, blocks.length, duplicates.length)
  let offset = SACK_HEADER_SIZE
  for (const [start, end] of blocks) {
    writeUint16(out, offset, start)
    writeUint16(out, offset + 2, end)
    offset += 4
  }
  for (const tsn of duplicates) {
    writeUint32(out, offset, tsn)
    offset += 4
  }
  return out
}
