/** Types of open bitstream units (AV1 bitstream specification §6.2.2). */
export const OBU_SEQUENCE_HEADER = 1
export const OBU_TEMPORAL_DELIMITER = 2
export const OBU_FRAME_HEADER = 3
export const OBU_METADATA = 5
export const OBU_FRAME = 6
export const OBU_TILE_LIST = 8

/** An open bitstream unit: views of the bytes it was read from. */
export interface Obu {
  readonly type: number
  /** The header byte as it was, and the extension byte when there is one, −1 otherwise. */
  readonly header: number
  readonly extension: number
  /** What follows the header and the size. */
  readonly payload: Uint8Array
}

/**
 * The OBUs of a temporal unit in the low-overhead form (AV1 §5.2); the last one may be without a size. Undefined when a size
 * leads beyond the end or a header has its forbidden bit set.
 */
export function obus(stream: Uint8Array): Obu[] | undefined {
  const list: Obu[] = []
  let offset = 0
  while (offset < stream.length) {
    const header = stream[offset++]!
    if ((header & 0x80) !== 0) return undefined // obu_forbidden_bit
    let extension = -1
    if ((header & 4) !== 0) {
      if (offset === stream.length) return undefined
      extension = stream[offset++]!
    }
    let end = stream.length
    if ((header & 2) !== 0) {
      const size = readLeb128(stream, offset)
      if (size < 0) return undefined
      offset += leb128End(stream, offset)
      end = offset + size
      if (end > stream.length) return undefined
    }
    list.push({ type: (header >> 3) & 15, header, extension, payload: stream.subarray(offset, end) })
    offset = end
  }
  return list
}

/** The low-overhead form: every OBU with its size. */
export function joinObus(list: readonly Obu[]): Uint8Array {
  let length = 0
  for (const obu of list) length += (obu.extension < 0 ? 1 : 2) + leb128Length(obu.payload.length) + obu.payload.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const obu of list) {
    out[offset++] = obu.header | 2
    if (obu.extension >= 0) out[offset++] = obu.extension
    offset = writeLeb128(out, offset, obu.payload.length)
    out.set(obu.payload, offset)
    offset += obu.payload.length
  }
  return out
}

/** Reads leb128() (AV1 §4.10.5); −1 when it does not end within 8 bytes or the bytes there are, or exceeds 32 bits. */
export function readLeb128(bytes: Uint8Array, offset: number): number {
  let value = 0
  let scale = 1
  for (let index = 0; index < 8 && offset + index < bytes.length; index++) {
    const byte = bytes[offset + index]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value <= 0xffff_ffff ? value : -1
    scale *= 128
  }
  return -1
}

/** How many bytes the leb128 at `offset` takes; it has been read before. */
export function leb128End(bytes: Uint8Array, offset: number): number {
  let length = 1
  while (bytes[offset + length - 1]! >= 0x80) length++
  return length
}

/** How many bytes a value takes at least. */
export function leb128Length(value: number): number {
  let length = 1
  while (value >= 128) {
    value = Math.floor(value / 128)
    length++
  }
  return length
}

/** Writes a value and returns the offset behind it. */
export function writeLeb128(out: Uint8Array, offset: number, value: number): number {
  while (value >= 128) {
    out[offset++] = (value & 0x7f) | 0x80
    value = Math.floor(value / 128)
  }
  out[offset++] = value
  return offset
}

/** Decoding can begin with this temporal unit: a sequence header, and the first frame is a key frame that is shown or will be. */
export function isAv1KeyFrame(list: readonly Obu[]): boolean {
  let sequenceHeader: Obu | undefined
  for (const obu of list) {
    if (obu.type === OBU_SEQUENCE_HEADER) sequenceHeader = obu
    if (obu.type !== OBU_FRAME && obu.type !== OBU_FRAME_HEADER) continue
    if (sequenceHeader === undefined || obu.payload.length === 0) return false
    // reduced_still_picture_header: there are only key frames and their headers do not say so (§5.9.2)
    if (sequenceHeader.payload.length > 0 && (sequenceHeader.payload[0]! & 8) !== 0) return true
    return (obu.payload[0]! & 0xe0) === 0 // show_existing_frame 0, frame_type KEY_FRAME
  }
  return false
}
