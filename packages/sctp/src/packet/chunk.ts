import { padded, writeUint16 } from '../bytes.ts'
import { CHUNK_HEADER_SIZE } from './types.ts'

/** Makes a whole chunk, padded, with room for `valueLength` bytes after its header. For the rare chunks; DATA and SACK are written in place. */
export function allocateChunk(type: number, flags: number, valueLength: number): Uint8Array {
  const chunk = new Uint8Array(padded(CHUNK_HEADER_SIZE + valueLength))
  chunk[0] = type
  chunk[1] = flags
  writeUint16(chunk, 2, CHUNK_HEADER_SIZE + valueLength)
  return chunk
}

/** A chunk around `value`. */
export function encodeChunk(type: number, flags: number, value: Uint8Array): Uint8Array {
  const chunk = allocateChunk(type, flags, value.length)
  chunk.set(value, CHUNK_HEADER_SIZE)
  return chunk
}
