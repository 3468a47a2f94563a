/** Writes bits, most significant first: what `BitReader` reads. */
export class BitWriter {
  readonly #bytes: number[] = []
  #length = 0

  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--, this.#length++) {
      if ((this.#length & 7) === 0) this.#bytes.push(0)
      if (((value >>> i) & 1) === 1) this.#bytes[this.#length >>> 3]! |= 0x80 >>> (this.#length & 7)
    }
  }

  flag(value: boolean): void {
    this.bits(value ? 1 : 0, 1)
  }

  /** `value` is one of `n`: ns(n) of AV1 §4.10.7. */
  nonSymmetric(value: number, n: number): void {
    const width = 32 - Math.clz32(n)
    const shorter = 2 ** width - n
    if (value < shorter) this.bits(value, width - 1)
    else this.bits(value + shorter, width)
  }

  /** Zeros fill the last byte. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}
