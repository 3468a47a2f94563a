/**
 * Reads bits, most significant first, out of bytes that nobody vouches for: past the end it gives zeros and `overrun` is true.
 */
export class BitReader {
  readonly #bytes: Uint8Array
  #position: number

  /** `offset` in bytes. */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes
    this.#position = offset * 8
  }

  get overrun(): boolean {
    return this.#position > this.#bytes.length * 8
  }

  bit(): number {
    const position = this.#position++
    const index = position >>> 3
    return index < this.#bytes.length ? (this.#bytes[index]! >>> (7 - (position & 7))) & 1 : 0
  }

  flag(): boolean {
    return this.bit() === 1
  }

  /** An unsigned number of up to 32 bits. */
  bits(count: number): number {
    let value = 0
    for (let index = 0; index < count; index++) value = value * 2 + this.bit()
    return value
  }

  skip(count: number): void {
    this.#position += count
  }

  /** Exp-Golomb, ue(v) of ITU-T H.264 §9.1; uvlc() of AV1 §4.10.3 is the same code. */
  ue(): number {
    let zeros = 0
    while (zeros < 32 && !this.overrun && this.bit() === 0) zeros++
    return 2 ** zeros - 1 + this.bits(zeros)
  }

  /** One of `n` values, ns(n) of AV1 §4.10.7. */
  nonSymmetric(n: number): number {
    const width = 32 - Math.clz32(n)
    const shorter = 2 ** width - n
    const value = this.bits(width - 1)
    return value < shorter ? value : value * 2 - shorter + this.bit()
  }

  /** Signed Exp-Golomb, se(v) of ITU-T H.264 §9.1.1. */
  se(): number {
    const code = this.ue()
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2
  }
}
