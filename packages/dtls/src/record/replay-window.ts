/**
 * Which sequence numbers of one epoch have been seen (RFC 6347 §4.1.2.6). A ring of bits below the highest number seen. The minimum
 * is 64; a larger one costs bytes and forgives more reordering.
 */
export class ReplayWindow {
  readonly #size: number
  readonly #mask: number
  readonly #bits: Uint32Array
  #highest = -1

  /** `size` is a power of two, at least 64. */
  constructor(size: number) {
    this.#size = size
    this.#mask = size - 1
    this.#bits = new Uint32Array(size >>> 5)
  }

  /** Neither seen nor too old to know. */
  isFresh(sequence: number): boolean {
    const highest = this.#highest
    if (sequence > highest) return true
    if (highest - sequence >= this.#size) return false
    const slot = (sequence >>> 0) & this.#mask
    return (this.#bits[slot >>> 5]! & (1 << (slot & 31))) === 0
  }

  /** To be called once the record has proved authentic, never before. */
  markSeen(sequence: number): void {
    const bits = this.#bits
    const mask = this.#mask
    const ahead = sequence - this.#highest
    if (ahead > 0) {
      if (ahead >= this.#size) bits.fill(0)
      else {
        for (let passed = this.#highest + 1; passed < sequence; passed++) {
          const slot = (passed >>> 0) & mask
          bits[slot >>> 5]! &= ~(1 << (slot & 31))
        }
      }
      this.#highest = sequence
    }
    const slot = (sequence >>> 0) & mask
    bits[slot >>> 5]! |= 1 << (slot & 31)
  }
}
