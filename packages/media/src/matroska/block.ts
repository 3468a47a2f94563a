import { parseVint } from './ebml-reader.ts'

/** A SimpleBlock or Block (RFC 9559 §10). */
export interface Block {
  readonly trackNumber: number
  /** Relative to the cluster, in its ticks. */
  readonly time: number
  /** Of a SimpleBlock; a Block does not say. */
  readonly keyFrame: boolean
  readonly frames: readonly Uint8Array[]
}

/** Undefined for what does not add up. */
export function parseBlock(body: Uint8Array): Block | undefined {
  const track = parseVint(body, 0)
  if (track === undefined || track.length + 3 > body.length) return undefined
  const time = ((body[track.length]! << 24) >> 16) | body[track.length + 1]!
  const flags = body[track.length + 2]!
  const frames = unlace(body.subarray(track.length + 3), (flags >> 1) & 3)
  return frames && { trackNumber: track.value, time, keyFrame: (flags & 0x80) !== 0, frames }
}

/** The frames of a block (§10.3): none, Xiph, fixed-size and EBML lacing. */
function unlace(body: Uint8Array, lacing: number): Uint8Array[] | undefined {
  if (lacing === 0) return [body]
  if (body.length === 0) return undefined
  const count = body[0]! + 1
  let offset = 1
  const sizes: number[] = []
  if (lacing === 2) {
    const size = (body.length - 1) / count
    if (!Number.isInteger(size)) return undefined
    for (let index = 1; index < count; index++) sizes.push(size)
  } else {
    for (let index = 1; index < count; index++) {
      const size = lacing === 1 ? xiphSize(body, offset) : ebmlSize(body, offset, sizes.at(-1))
      if (size === undefined || size.value < 0) return undefined
      sizes.push(size.value)
      offset += size.length
    }
  }
  const frames: Uint8Array[] = []
  for (const size of sizes) {
    if (size > body.length - offset) return undefined
    frames.push(body.subarray(offset, offset + size))
    offset += size
  }
  if (offset > body.length) return undefined
  frames.push(body.subarray(offset)) // the last one has what is left
  return frames
}

function xiphSize(body: Uint8Array, offset: number): { value: number; length: number } | undefined {
  let value = 0
  for (let length = 1; ; length++) {
    const byte = body[offset + length - 1]
    if (byte === undefined) return undefined
    value += byte
    if (byte < 255) return { value, length }
  }
}

/** The first size as it is, then the differences, signed. */
function ebmlSize(
  body: Uint8Array,
  offset: number,
  last: number | undefined,
): { value: number; length: number } | undefined {
  const size = parseVint(body, offset)
  if (size === undefined || last === undefined) return size
  return { value: last + size.value - (2 ** (7 * size.length - 1) - 1), length: size.length }
}
