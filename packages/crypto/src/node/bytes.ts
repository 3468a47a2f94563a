/** A `Buffer`'s memory as what the public signatures promise: a bare `Uint8Array`. */
export function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
