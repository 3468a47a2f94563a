import { SequenceUnwrapper } from '../packet/sequence.ts'

/** Sequence numbers that are remembered, a power of two. */
const SIZE = 4096

/** Tells the first copy of a packet from the others, by a bit for each of the last 4096 sequence numbers. */
export class SequenceWindow {
  readonly #bits = new Uint32Array(SIZE / 32)
  #unwrapper = new SequenceUnwrapper()

  /** Notes the packet. False when it was noted before or is too old to know. */
  add(sequenceNumber: number): boolean {
    const previous = this.#unwrapper.highest
    const sequence = this.#unwrapper.unwrap(sequenceNumber)
    if (previous !== undefined) {
      if (sequence <= previous - SIZE) return false
      if (sequence > previous) this.#forget(previous + 1, sequence)
    }
    const slot = sequence & (SIZE - 1)
    const mask = 1 << (slot & 31)
    if ((this.#bits[slot >> 5]! & mask) !== 0) return false
    this.#bits[slot >> 5]! |= mask
    return true
  }

  /** Whether the packet was noted, or is too old to know. */
  has(sequenceNumber: number): boolean {
    const { highest } = this.#unwrapper
    if (highest === undefined) return false
    const sequence = this.#unwrapper.peek(sequenceNumber)
    if (sequence > highest) return false
    const slot = sequence & (SIZE - 1)
    return sequence <= highest - SIZE || (this.#bits[slot >> 5]! & (1 << (slot & 31))) !== 0
  }

  reset(): void {
    this.#bits.fill(0)
    this.#unwrapper = new SequenceUnwrapper()
  }

  #forget(from: number, to: number): void {
    if (to - from >= SIZE) {
      this.#bits.fill(0)
      return
    }
    for (let sequence = from; sequence <= to; sequence++) {
      const slot = sequence & (SIZE - 1)
      this.#bits[slot >> 5]! &= ~(1 << (slot & 31))
    }
  }
}
