// The header of a VP8 frame (RFC 6386 §9 and §19.2): the uncompressed part, and as much of the compressed one as tells
// whether other frames depend on this one.

/** A frame that needs no other (RFC 6386 §9.1). False for no frame at all. */
export function isVp8KeyFrame(frame: Uint8Array): boolean {
  return frame.length > 0 && (frame[0]! & 1) === 0
}

/** Width and height of a key frame in pixels; undefined for other frames and for what is no VP8. */
export function readVp8Dimensions(frame: Uint8Array): { width: number; height: number } | undefined {
  if (frame.length < 10 || !isVp8KeyFrame(frame)) return undefined
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined
  const width = (frame[6]! | (frame[7]! << 8)) & 0x3fff // the upper two bits ask for upscaling
  const height = (frame[8]! | (frame[9]! << 8)) & 0x3fff
  return width > 0 && height > 0 ? { width, height } : undefined
}

/** The bytes that the header says the frame has at least: its own and the first partition's. A shorter frame was cut. */
export function vp8MinimumLength(frame: Uint8Array): number {
  if (frame.length < 3) return 3
  const firstPartition = (frame[0]! | (frame[1]! << 8) | (frame[2]! << 16)) >>> 5
  return (isVp8KeyFrame(frame) ? 10 : 3) + firstPartition
}

/**
 * Nothing that is decoded later depends on this frame: it refreshes no reference, and leaves no probabilities and no segments
 * behind. When the header cannot be read the answer is false.
 */
export function isVp8Discardable(frame: Uint8Array): boolean {
  if (frame.length < 4 || isVp8KeyFrame(frame)) return false
  const reader = new BoolDecoder(frame, 3)
  if (reader.flag()) {
    // segmentation_enabled: an update stays in force for the frames after it (§9.3)
    if (reader.flag() || reader.flag()) return false
  }
  reader.bits(1 + 6 + 3) // filter_type, loop_filter_level, sharpness_level
  if (reader.flag() && reader.flag()) {
    // mode_ref_lf_delta_update: four for references and four for modes. libvpx repeats the same ones in each frame.
    for (let index = 0; index < 8; index++) if (reader.flag()) reader.bits(6 + 1)
  }
  reader.bits(2) // log2_nbr_of_dct_partitions
  reader.bits(7) // y_ac_qi
  for (let index = 0; index < 5; index++) if (reader.flag()) reader.bits(5) // delta and sign (§9.6)
  const refreshGolden = reader.flag()
  const refreshAltref = reader.flag()
  const copyToGolden = refreshGolden ? 0 : reader.bits(2)
  const copyToAltref = refreshAltref ? 0 : reader.bits(2)
  reader.bits(2) // sign biases, which every frame gives anew
  const refreshEntropy = reader.flag()
  const refreshLast = reader.flag()
  if (reader.overrun) return false
  return !refreshGolden && !refreshAltref && copyToGolden === 0 && copyToAltref === 0 && !refreshEntropy && !refreshLast
}

/** The boolean entropy decoder (RFC 6386 §7.3) for flags of even probability. */
class BoolDecoder {
  readonly #bytes: Uint8Array
  #offset: number
  #value = 0
  #range = 255
  #bitCount = 0

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes
    this.#value = (this.#byte(offset) << 8) | this.#byte(offset + 1)
    this.#offset = offset + 2
  }

  /** Two bytes are read ahead; beyond them there was nothing to read. */
  get overrun(): boolean {
    return this.#offset > this.#bytes.length + 2
  }

  #byte(offset: number): number {
    return offset < this.#bytes.length ? this.#bytes[offset]! : 0
  }

  flag(): boolean {
    const split = 1 + (((this.#range - 1) * 128) >> 8)
    const bigSplit = split << 8
    const set = this.#value >= bigSplit
    if (set) {
      this.#range -= split
      this.#value -= bigSplit
    } else {
      this.#range = split
    }
    while (this.#range < 128) {
      this.#value <<= 1
      this.#range <<= 1
      if (++this.#bitCount === 8) {
        this.#bitCount = 0
        this.#value |= this.#byte(this.#offset++)
      }
    }
    return set
  }

  bits(count: number): number {
    let value = 0
    for (let index = 0; index < count; index++) value = (value << 1) | (this.flag() ? 1 : 0)
    return value
  }
}
