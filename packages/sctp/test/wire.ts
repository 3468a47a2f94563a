import { readUint16, readUint32 } from '../src/bytes.ts'
import { packetChecksum } from '../src/crc32c.ts'
import { writeChecksum, writeCommonHeader } from '../src/packet/common-header.ts'

/** A whole packet with a right checksum. */
export function packet(tag: number, ...chunks: Uint8Array[]): Uint8Array {
  const size = chunks.reduce((sum, chunk) => sum + ((chunk.length + 3) & ~3), 12)
  const out = new Uint8Array(size)
  writeCommonHeader(out, 0, 5000, 5000, tag)
  let offset = 12
  for (const chunk of chunks) {
    out.set(chunk, offset)
    offset += (chunk.length + 3) & ~3
  }
  return seal(out)
}

/** Puts the right checksum into a packet that was changed. */
export function seal(bytes: Uint8Array): Uint8Array {
  writeChecksum(bytes, packetChecksum(bytes))
  return bytes
}

export interface WireChunk {
  readonly type: number
  readonly flags: number
  /** Header included, padding not. */
  readonly bytes: Uint8Array
}

export function tagOf(bytes: Uint8Array): number {
  return readUint32(bytes, 4)
}

export function chunksOf(bytes: Uint8Array): WireChunk[] {
  const chunks: WireChunk[] = []
  let offset = 12
  while (offset + 4 <= bytes.length) {
    const length = readUint16(bytes, offset + 2)
    chunks.push({ type: bytes[offset]!, flags: bytes[offset + 1]!, bytes: bytes.subarray(offset, offset + length) })
    offset += (length + 3) & ~3
  }
  return chunks
}

export function has(bytes: Uint8Array, type: number): boolean {
  return chunksOf(bytes).some((chunk) => chunk.type === type)
}
