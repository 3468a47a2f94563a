/** The first slab is small, since many connections send little; a busy one soon has the largest. */
const FIRST_LENGTH = 0x1000
const LARGEST_LENGTH = 0x10000

/**
 * Cuts outgoing packets from large buffers: a view costs a fortieth of a fresh array. A region is reserved, written, and cut to what
 * was used; memory that was handed out is never used again.
 */
export class Slab {
  /** Where to write after `reserve`. */
  buffer: Uint8Array = new Uint8Array(0)
  /** The first byte of the reserved region. */
  at = 0
  #next = FIRST_LENGTH

  /** Makes sure that `length` bytes are free from `at` on. */
  reserve(length: number): void {
    if (this.buffer.length - this.at >= length) return
    this.buffer = new Uint8Array(Math.max(this.#next, length))
    this.#next = Math.min(this.#next * 2, LARGEST_LENGTH)
    this.at = 0
  }

  /** Hands out the first `length` bytes of the region. */
  cut(length: number): Uint8Array {
    const start = this.at
    this.at = start + length
    return this.buffer.subarray(start, this.at)
  }
}
