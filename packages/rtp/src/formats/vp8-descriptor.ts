/** The VP8 payload descriptor (RFC 7741 §4.2). Fields that are not there are −1. */
export interface Vp8Descriptor {
  /** N: no other frame depends on this one. */
  readonly nonReference: boolean
  /** S: the payload begins a partition. */
  readonly partitionStart: boolean
  /** PID, 0 to 7. Together with `partitionStart`, 0 is the beginning of a frame. */
  readonly partitionIndex: number
  /** 7 or 15 bits. */
  readonly pictureId: number
  /** M: the picture id has 15 bits. */
  readonly longPictureId: boolean
  /** TL0PICIDX, 8 bits: counts frames of the lowest temporal layer. */
  readonly tl0PictureIndex: number
  /** TID, 0 to 3. */
  readonly temporalId: number
  /** Y: the frame depends on the lowest temporal layer only. */
  readonly layerSync: boolean
  /** KEYIDX, 5 bits: counts key frames. */
  readonly keyIndex: number
  /** Bytes of the descriptor; the VP8 payload follows. */
  readonly length: number
}

/** Reads a payload's descriptor. Undefined when it is cut short, or has nothing behind it. */
export function parseVp8Descriptor(payload: Uint8Array): Vp8Descriptor | undefined {
  const size = payload.length
  if (size < 2) return undefined
  const first = payload[0]!
  let offset = 1
  let pictureId = -1
  let longPictureId = false
  let tl0PictureIndex = -1
  let temporalId = -1
  let layerSync = false
  let keyIndex = -1
  if ((first & 0x80) !== 0) {
    const extension = payload[offset++]!
    if ((extension & 0x80) !== 0) {
      if (offset >= size) return undefined
      pictureId = payload[offset++]!
      longPictureId = pictureId >= 0x80
      if (longPictureId) {
        if (offset >= size) return undefined
        pictureId = ((pictureId & 0x7f) << 8) | payload[offset++]!
      }
    }
    if ((extension & 0x40) !== 0) {
      if (offset >= size) return undefined
      tl0PictureIndex = payload[offset++]!
    }
    if ((extension & 0x30) !== 0) {
      if (offset >= size) return undefined
      const byte = payload[offset++]!
      if ((extension & 0x20) !== 0) {
        temporalId = byte >> 6
        layerSync = (byte & 0x20) !== 0
      }
      if ((extension & 0x10) !== 0) keyIndex = byte & 0x1f
    }
  }
  if (offset >= size) return undefined
  return {
    nonReference: (first & 0x20) !== 0,
    partitionStart: (first & 0x10) !== 0,
    partitionIndex: first & 7,
    pictureId,
    longPictureId,
    tl0PictureIndex,
    temporalId,
    layerSync,
    keyIndex,
    length: offset,
  }
}

/** The bytes that `writeVp8Descriptor` needs; `length` of the descriptor is not looked at. */
export function vp8DescriptorLength(descriptor: Vp8Descriptor): number {
  const { pictureId, tl0PictureIndex, temporalId, keyIndex } = descriptor
  let length = 0
  if (pictureId >= 0) length += descriptor.longPictureId ? 2 : 1
  if (tl0PictureIndex >= 0) length++
  if (temporalId >= 0 || keyIndex >= 0) length++
  return length === 0 ? 1 : length + 2
}

/** Writes a descriptor at `out[offset…]` and returns the offset behind it. Numbers are cut to the bits that they have. */
export function writeVp8Descriptor(descriptor: Vp8Descriptor, out: Uint8Array, offset = 0): number {
  const { pictureId, tl0PictureIndex, temporalId, keyIndex } = descriptor
  const first =
    (descriptor.nonReference ? 0x20 : 0) | (descriptor.partitionStart ? 0x10 : 0) | (descriptor.partitionIndex & 7)
  const extension =
    (pictureId >= 0 ? 0x80 : 0) |
    (tl0PictureIndex >= 0 ? 0x40 : 0) |
    (temporalId >= 0 ? 0x20 : 0) |
    (keyIndex >= 0 ? 0x10 : 0)
  out[offset++] = extension === 0 ? first : first | 0x80
  if (extension === 0) return offset
  out[offset++] = extension
  if (pictureId >= 0) {
    if (descriptor.longPictureId) {
      out[offset++] = 0x80 | ((pictureId >> 8) & 0x7f)
      out[offset++] = pictureId & 0xff
    } else {
      out[offset++] = pictureId & 0x7f
    }
  }
  if (tl0PictureIndex >= 0) out[offset++] = tl0PictureIndex
  if (temporalId >= 0 || keyIndex >= 0) {
    const layer = temporalId >= 0 ? ((temporalId & 3) << 6) | (descriptor.layerSync ? 0x20 : 0) : 0
    out[offset++] = layer | (keyIndex >= 0 ? keyIndex & 0x1f : 0)
  }
  return offset
}
