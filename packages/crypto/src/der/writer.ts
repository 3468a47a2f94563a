import { Tag } from './reader.ts'

/** One DER element around the concatenation of `parts`. */
export function element(tag: number, ...parts: Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const header = lengthHeader(tag, length)
  const out = new Uint8Array(header.length + length)
  out.set(header, 0)
  let at = header.length
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function lengthHeader(tag: number, length: number): number[] {
  if (length < 0x80) return [tag, length]
  if (length < 0x100) return [tag, 0x81, length]
  if (length < 0x10000) return [tag, 0x82, length >>> 8, length & 0xff]
  return [tag, 0x83, length >>> 16, (length >>> 8) & 0xff, length & 0xff]
}

export function sequence(...parts: Uint8Array[]): Uint8Array {
  return element(Tag.sequence, ...parts)
}

/** INTEGER of a big-endian magnitude: leading zeros go, a sign byte comes where it is needed. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const minimal = magnitude.subarray(start)
  if (minimal.length === 0) return element(Tag.integer, Uint8Array.of(0))
  return minimal[0]! > 0x7f ? element(Tag.integer, Uint8Array.of(0), minimal) : element(Tag.integer, minimal)
}

export function smallInteger(value: number): Uint8Array {
  return element(Tag.integer, Uint8Array.of(value))
}

/** BIT STRING without unused bits. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return element(Tag.bitString, Uint8Array.of(0), bytes)
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return element(Tag.octetString, bytes)
}

export function objectIdentifier(content: Uint8Array): Uint8Array {
  return element(Tag.objectIdentifier, content)
}

export const NULL: Uint8Array = Uint8Array.of(Tag.null, 0)
