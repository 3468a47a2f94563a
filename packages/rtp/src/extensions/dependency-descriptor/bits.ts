/** Reads bits, highest first. Beyond the end it reads zeros and `failed` is set. */
export class BitReader {
  failed = false
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Up to 32 bits. */
  bits(count: number): number {
    if (this.#position + count > this.#bytes.length * 8) {
      this.failed = true
      return 0
    }
    let value = 0
    for (let i = 0; i < count; i++, this.#position++) {
      const bit = (this.#bytes[this.#position >>> 3]! >>> (7 - (this.#position & 7))) & 1
      value = (value << 1) | bit
    }
    return value >>> 0
  }

  flag(): boolean {
    return this.bits(1) === 1
  }

  /** `ns(n)`: one of `n` values (AV1 bitstream specification, 4.10.7). */
  nonSymmetric(n: number): number {
    const width = 32 - Math.clz32(n)
    const shorter = 2 ** width - n
    const value = this.bits(width - 1)
    return value < shorter ? value : value * 2 - shorter + this.bits(1)
  }
}

/** The other way round. */
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
