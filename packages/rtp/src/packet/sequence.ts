// Sequence numbers are 16 bits on the wire and timestamps 32, and both wrap (RFC 3550 §5.1). Order between two of them is the
// sign of their distance on the circle; a machine that keeps many unwraps them once and has plain numbers from then on.

/** Signed distance from `b` to `a` on the 16-bit circle, −32768 to 32767: positive when `a` is later. */
export function sequenceDistance(a: number, b: number): number {
  return ((a - b) << 16) >> 16
}

/** Signed distance from `b` to `a` on the 32-bit circle: positive when `a` is later. */
export function timestampDistance(a: number, b: number): number {
  return (a - b) | 0
}

/**
 * Makes the 16-bit sequence numbers of one stream into numbers that never wrap. The first is taken as it is; each later one is
 * the number nearest to the highest seen, and may be negative when it is from before the first.
 */
export class SequenceUnwrapper {
  #highest: number | undefined

  /** The highest number so far, undefined before the first. */
  get highest(): number | undefined {
    return this.#highest
  }

  unwrap(sequenceNumber: number): number {
    const unwrapped = this.peek(sequenceNumber)
    if (this.#highest === undefined || unwrapped > this.#highest) this.#highest = unwrapped
    return unwrapped
  }

  /** The same without taking note of it. */
  peek(sequenceNumber: number): number {
    const highest = this.#highest
    return highest === undefined ? sequenceNumber : highest + sequenceDistance(sequenceNumber, highest)
  }
}

/** The same for 32-bit timestamps. */
export class TimestampUnwrapper {
  #highest: number | undefined

  /** The highest timestamp so far, undefined before the first. */
  get highest(): number | undefined {
    return this.#highest
  }

  unwrap(timestamp: number): number {
    const unwrapped = this.peek(timestamp)
    if (this.#highest === undefined || unwrapped > this.#highest) this.#highest = unwrapped
    return unwrapped
  }

  /** The same without taking note of it. */
  peek(timestamp: number): number {
    const highest = this.#highest
    return highest === undefined ? timestamp : highest + timestampDistance(timestamp, highest)
  }
}
