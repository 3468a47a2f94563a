import { parseVp8Descriptor } from '../formats/vp8-descriptor.ts'

/** In a payload that has a picture id: behind the first byte and the one that says so (RFC 7741 §4.2). */
const PICTURE_ID_OFFSET = 2

/**
 * Picture ids and TL0PICIDX that go on across a switch of sources (RFC 7741 §4.2): decoders and jitter buffers take a jump for a
 * loss. A payload is copied only where its numbers have to change.
 */
export class Vp8Continuity {
  #pictureIdShift = 0
  #tl0Shift = 0
  #lastPictureId = -1
  #lastTl0 = -1

  /** The payload is the first of another source. */
  begin(payload: Uint8Array): void {
    const descriptor = parseVp8Descriptor(payload)
    if (descriptor === undefined) return
    const { pictureId, tl0PictureIndex } = descriptor
    if (pictureId >= 0 && this.#lastPictureId >= 0) this.#pictureIdShift = this.#lastPictureId + 1 - pictureId
    if (tl0PictureIndex >= 0 && this.#lastTl0 >= 0) this.#tl0Shift = this.#lastTl0 + 1 - tl0PictureIndex
  }

  /** The payload as it has to go out; `newest` when its packet is the newest so far. */
  rewrite(payload: Uint8Array, newest: boolean): Uint8Array {
    const descriptor = parseVp8Descriptor(payload)
    if (descriptor === undefined) return payload
    const { longPictureId } = descriptor
    let { pictureId, tl0PictureIndex } = descriptor
    if (pictureId >= 0) pictureId = (pictureId + this.#pictureIdShift) & (longPictureId ? 0x7fff : 0x7f)
    if (tl0PictureIndex >= 0) tl0PictureIndex = (tl0PictureIndex + this.#tl0Shift) & 0xff
    if (newest) {
      if (pictureId >= 0) this.#lastPictureId = pictureId
      if (tl0PictureIndex >= 0) this.#lastTl0 = tl0PictureIndex
    }
    if (pictureId === descriptor.pictureId && tl0PictureIndex === descriptor.tl0PictureIndex) return payload
    const copy = payload.slice()
    let offset = PICTURE_ID_OFFSET
    if (pictureId >= 0) {
      if (longPictureId) copy[offset++] = 0x80 | (pictureId >> 8)
      copy[offset++] = pictureId & 0xff
    }
    if (tl0PictureIndex >= 0) copy[offset] = tl0PictureIndex
    return copy
  }
}
