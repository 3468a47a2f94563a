// EBML (RFC 8794): elements of an id, a size and a body.

import { concat } from '../bytes.ts'

/** A size of eight bytes that says: unknown, up to the end of what contains it (RFC 8794 §6.2). */
export const UNKNOWN_SIZE: Uint8Array = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

/** The id as it stands in the file, marker included. */
export function idBytes(id: number): number[] {
  const bytes = []
  for (let rest = id; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return bytes
}

/** A size in the fewest bytes, or in `width` of them (RFC 8794 §4). */
export function sizeBytes(size: number, width?: number): number[] {
  let length = width ?? 1
  if (width === undefined) while (size >= 2 ** (7 * length) - 1) length++
  const bytes = []
  let rest = size
  for (let index = 0; index < length; index++) {
    bytes.unshift(rest % 256)
    rest = Math.floor(rest / 256)
  }
  bytes[0] = bytes[0]! | (0x80 >> (length - 1))
  return bytes
}

export function element(id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  return concat([Uint8Array.from([...idBytes(id), ...sizeBytes(size)]), ...parts])
}

export function unsigned(id: number, value: number, width?: number): Uint8Array {
  const bytes = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  while (bytes.length < (width ?? 1)) bytes.unshift(0)
  return element(id, Uint8Array.from(bytes))
}

export function float(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return element(id, bytes)
}

/** ASCII. */
export function text(id: number, value: string): Uint8Array {
  return element(
    id,
    Uint8Array.from(value, (character) => character.charCodeAt(0)),
  )
}

/** A Void element that takes exactly `size` bytes, at least 9. */
export function voidOf(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes[0] = 0xec
  bytes.set(sizeBytes(size - 9, 8), 1)
  return bytes
}
