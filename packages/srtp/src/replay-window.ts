/**
 * Which indices of one source were seen (RFC 3711 §3.3.2): a ring of bits below the highest one. What is older than the window cannot
 * be told from a replay.
 */
export class ReplayWindow {
  /** The highest index that was seen, -1 before the first. */
  highest = -1
  readonly #size: number
  readonly #mask: number
  readonly #bits: Uint32Array

  /** `size` is a power of two, at least 64. */
  constructor(size: number) {
    this.#size = size
    this.#mask = size - 1
    this.#bits = new Uint32Array(size >>> 5)
  }

  isTooOld(index: number): boolean {
    return this.highest - index >= this.#size
  }

  /** To be asked only for what is not too old. */
  wasSeen(index: number): boolean {
    if (index > this.highest) return false
    const slot = (index >>> 0) & this.#mask
    return (this.#bits[slot >>> 5]! & (1 << (slot & 31))) !== 0
  }

  /** To be called once a packet has proved authentic, never before. */
  markSeen(index: number): void {
    const highest = this.highest
    if (index > highest) {
      this.#clear(highest + 1, index)
      this.highest = index
    }
    const slot = (index >>> 0) & this.#mask
    this.#bits[slot >>> 5]! |= 1 << (slot & 31)
  }

  /** Makes everything up to this index unknown, as if it were long past. */
  forgetUpTo(index: number): void {
    this.#bits.fill(0)
    this.highest = index
  }

  #clear(from: number, to: number): void {
    const bits = this.#bits
    if (to - from >= this.#size) {
      bits.fill(0)
      return
    }
    for (let index = from; index < to; index++) {
      const slot = (index >>> 0) & this.#mask
      bits[slot >>> 5]! &= ~(1 << (slot & 31))
    }
  }
}
