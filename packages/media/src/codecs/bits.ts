/** Reads bits, most significant first. Past the end it reads zeros and `overrun` is true: parsers look once, at their end. */
export class BitReader {
  overrun = false
  readonly #bytes: Uint8Array
  #bit = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Up to 32. */
  read(count: number): number {
    let value = 0
    for (let index = 0; index < count; index++) value = value * 2 + this.flag()
    return value
  }

  flag(): 0 | 1 {
    const byte = this.#bytes[this.#bit >> 3]
    if (byte === undefined) {
      this.overrun = true
      return 0
    }
    const bit = (byte >> (7 - (this.#bit & 7))) & 1
    this.#bit++
    return bit === 1 ? 1 : 0
  }

  skip(count: number): void {
    this.#bit += count
    if (this.#bit > this.#bytes.length * 8) this.overrun = true
  }

  /** ue(v), ITU-T H.264 §9.1; also uvlc() of AV1. */
  exponential(): number {
    let zeros = 0
    while (this.flag() === 0) {
      if (this.overrun || ++zeros > 32) {
        this.overrun = true
        return 0
      }
    }
    return 2 ** zeros - 1 + this.read(zeros)
  }

  /** se(v), ITU-T H.264 §9.1.1 */
  signedExponential(): number {
    const code = this.exponential()
    return (code & 1) === 1 ? (code + 1) / 2 : -code / 2
  }
}
