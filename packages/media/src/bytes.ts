/** Little-endian and big-endian integers at an offset; the caller has checked the length. */
export function u16le(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8)
}

export function u32le(bytes: Uint8Array, offset: number): number {
  return (u16le(bytes, offset) | (u16le(bytes, offset + 2) << 16)) >>> 0
}

/** Up to 2^53; what is above that is no size or time of any file. */
export function u64le(bytes: Uint8Array, offset: number): number {
  return u32le(bytes, offset) + u32le(bytes, offset + 4) * 0x1_0000_0000
}

export function setU16le(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value
  bytes[offset + 1] = value >> 8
}

export function setU32le(bytes: Uint8Array, offset: number, value: number): void {
  setU16le(bytes, offset, value)
  setU16le(bytes, offset + 2, value >>> 16)
}

export function setU64le(bytes: Uint8Array, offset: number, value: number): void {
  setU32le(bytes, offset, value >>> 0)
  setU32le(bytes, offset + 4, Math.floor(value / 0x1_0000_0000))
}

/** The bytes at `offset` are these characters. */
export function hasAscii(bytes: Uint8Array, offset: number, text: string): boolean {
  if (offset < 0 || offset + text.length > bytes.length) return false
  for (let index = 0; index < text.length; index++) {
    if (bytes[offset + index] !== text.charCodeAt(index)) return false
  }
  return true
}

export function setAscii(bytes: Uint8Array, offset: number, text: string): void {
  for (let index = 0; index < text.length; index++) bytes[offset + index] = text.charCodeAt(index)
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}
