// Reading EBML (RFC 8794). Nothing here trusts a size.

export interface ElementHeader {
  /** As it stands in the file, marker included. */
  readonly id: number
  /** Of the body, in bytes; undefined where it is unknown (§6.2). */
  readonly size: number | undefined
  /** Of id and size, in bytes. */
  readonly length: number
}

/** The longest header. */
export const MAX_HEADER = 12

/** Undefined for what is no header, or is cut off. */
export function parseHeader(bytes: Uint8Array, offset = 0): ElementHeader | undefined {
  const first = bytes[offset]
  if (first === undefined || first < 0x10) return undefined // ids have up to four bytes (§5)
  const idLength = Math.clz32(first) - 23
  const sizeLength = Math.clz32(bytes[offset + idLength] ?? 0) - 23
  if (sizeLength > 8 || offset + idLength + sizeLength > bytes.length) return undefined
  let id = 0
  for (let index = 0; index < idLength; index++) id = id * 256 + bytes[offset + index]!
  const size = parseVint(bytes, offset + idLength)!
  const unknown = size.value === 2 ** (7 * sizeLength) - 1
  return { id, size: unknown ? undefined : size.value, length: idLength + sizeLength }
}

/** A number of variable length (§4); above 2^53 it is not exact. */
export function parseVint(bytes: Uint8Array, offset: number): { value: number; length: number } | undefined {
  const first = bytes[offset]
  if (first === undefined || first === 0) return undefined
  const length = Math.clz32(first) - 23
  if (offset + length > bytes.length) return undefined
  let value = first & (0xff >> length)
  for (let index = 1; index < length; index++) value = value * 256 + bytes[offset + index]!
  return { value, length }
}

export interface Element {
  readonly id: number
  readonly body: Uint8Array
}

/** The elements in a body, up to the first that does not fit into it. */
export function children(body: Uint8Array): Element[] {
  const elements: Element[] = []
  let offset = 0
  for (;;) {
    const header = parseHeader(body, offset)
    if (header === undefined || header.size === undefined) return elements
    const start = offset + header.length
    if (header.size > body.length - start) return elements
    offset = start + header.size
    elements.push({ id: header.id, body: body.subarray(start, offset) })
  }
}

export function find(elements: readonly Element[], id: number): Uint8Array | undefined {
  return elements.find((element) => element.id === id)?.body
}

/** Unsigned, up to eight bytes; above 2^53 it is not exact. */
export function unsignedOf(body: Uint8Array | undefined): number | undefined {
  if (body === undefined || body.length > 8) return undefined
  let value = 0
  for (const byte of body) value = value * 256 + byte
  return value
}

export function floatOf(body: Uint8Array | undefined): number | undefined {
  if (body === undefined || (body.length !== 4 && body.length !== 8)) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const value = body.length === 4 ? view.getFloat32(0) : view.getFloat64(0)
  return Number.isFinite(value) ? value : undefined
}

export function textOf(body: Uint8Array | undefined): string {
  let text = ''
  for (const byte of body ?? []) if (byte !== 0) text += String.fromCharCode(byte)
  return text
}
