import type { Aead, AeadName, Hmac } from '../types.ts'

/** Records, or messages, that go the plain way first. */
const WARM_UP = 16

/**
 * Takes one AEAD for the first records of a key and another, made only then, for the rest. A connection that stays quiet, and the
 * first one of a process, shall not wait until WebAssembly is compiled.
 */
export class LateAead implements Aead {
  readonly name: AeadName
  readonly tagLength: number
  readonly nonceLength: number
  readonly #late: () => Aead
  #current: Aead
  #left: number

  constructor(first: Aead, late: () => Aead, warmUp: number = WARM_UP) {
    this.name = first.name
    this.tagLength = first.tagLength
    this.nonceLength = first.nonceLength
    this.#current = first
    this.#late = late
    this.#left = warmUp
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    if (this.#left >= 0) this.#count()
    return this.#current.seal(nonce, aad, plaintext, out, outOffset)
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset?: number,
  ): Uint8Array | undefined {
    if (this.#left >= 0) this.#count()
    return this.#current.open(nonce, aad, ciphertextAndTag, out, outOffset)
  }

  #count(): void {
    if (this.#left-- === 0) this.#current = this.#late()
  }
}

/** The same for HMAC. */
export class LateHmac implements Hmac {
  readonly length: number
  readonly #late: () => Hmac
  #current: Hmac
  #left: number

  constructor(first: Hmac, late: () => Hmac, warmUp: number = WARM_UP) {
    this.length = first.length
    this.#late = late
    this.#current = first
    this.#left = warmUp
  }

  sign(data: Uint8Array, suffix?: Uint8Array): Uint8Array {
    if (this.#left >= 0 && this.#left-- === 0) this.#current = this.#late()
    return this.#current.sign(data, suffix)
  }
}
