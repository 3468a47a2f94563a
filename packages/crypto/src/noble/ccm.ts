import { checkNonce, checkOutput, deliver, NONCE_LENGTH } from '../checks.ts'
import { timingSafeEqual } from '../equal.ts'
import { CryptoError } from '../errors.ts'
import type { Aead, AeadName } from '../types.ts'
import type { NobleLibrary } from './library.ts'

const ZERO_IV = new Uint8Array(16)
const NO_PADDING = { disablePadding: true }

/** CCM (RFC 3610) out of the two modes it is made of: a CBC-MAC over the message, and counter mode over message and tag. */
export class NobleCcm implements Aead {
  readonly name: AeadName
  readonly tagLength: number
  readonly nonceLength: number = NONCE_LENGTH
  readonly #library: NobleLibrary
  readonly #key: Uint8Array

  constructor(library: NobleLibrary, name: AeadName, key: Uint8Array, tagLength: number) {
    this.#library = library
    this.name = name
    this.#key = key
    this.tagLength = tagLength
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    checkNonce(nonce, true)
    checkOutput(out, outOffset, plaintext.length + this.tagLength)
    checkMessageLength(nonce, plaintext.length)
    const tag = this.#mac(nonce, aad, plaintext)
    const sealed = this.#crypt(nonce, tag, plaintext)
    out.set(sealed.subarray(16), outOffset)
    out.set(sealed.subarray(0, this.tagLength), outOffset + plaintext.length)
    return plaintext.length + this.tagLength
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset = 0,
  ): Uint8Array | undefined {
    checkNonce(nonce, true)
    const length = ciphertextAndTag.length - this.tagLength
    if (length < 0 || length >= maxMessageLength(nonce)) return undefined
    if (out !== undefined) checkOutput(out, outOffset, length)
    const opened = this.#crypt(nonce, ciphertextAndTag.subarray(length), ciphertextAndTag.subarray(0, length))
    const plaintext = opened.subarray(16)
    const expected = this.#mac(nonce, aad, plaintext).subarray(0, this.tagLength)
    if (!timingSafeEqual(expected, opened.subarray(0, this.tagLength))) return undefined
    return deliver(plaintext, out, outOffset)
  }

  /** T of RFC 3610 §2.2, not yet encrypted: the last CBC block over B_0 and the padded parts. */
  #mac(nonce: Uint8Array, aad: Uint8Array, message: Uint8Array): Uint8Array {
    const lengthSize = 15 - nonce.length // L
    const aadHeader = aad.length === 0 ? 0 : aad.length < 0xff00 ? 2 : 6
    const aadEnd = 16 + padded(aadHeader + aad.length)
    const blocks = new Uint8Array(aadEnd + padded(message.length))
    blocks[0] = (aad.length > 0 ? 64 : 0) + ((this.tagLength - 2) / 2) * 8 + (lengthSize - 1)
    blocks.set(nonce, 1)
    writeLength(blocks, 16, message.length, lengthSize)
    if (aadHeader === 2) {
      writeLength(blocks, 18, aad.length, 2)
    } else if (aadHeader === 6) {
      blocks[16] = 0xff
      blocks[17] = 0xfe
      writeLength(blocks, 22, aad.length, 4)
    }
    blocks.set(aad, 16 + aadHeader)
    blocks.set(message, aadEnd)
    return this.#library.aes.cbc(this.#key, ZERO_IV, NO_PADDING).encrypt(blocks).subarray(-16)
  }

  /** Counter mode over tag and message: S_0 covers the tag, S_1… the message (RFC 3610 §2.3). */
  #crypt(nonce: Uint8Array, tag: Uint8Array, message: Uint8Array): Uint8Array {
    const counter = new Uint8Array(16)
    counter[0] = 14 - nonce.length
    counter.set(nonce, 1)
    const input = new Uint8Array(16 + message.length)
    input.set(tag, 0)
    input.set(message, 16)
    return this.#library.aes.ctr(this.#key, counter).encrypt(input)
  }
}

function padded(length: number): number {
  return (length + 15) & ~15
}

/** Big-endian, in the `size` bytes that end at `end`; numbers here stay below 2^31. */
function writeLength(bytes: Uint8Array, end: number, value: number, size: number): void {
  for (let i = 1; i <= size && i <= 4; i++) bytes[end - i] = (value >>> (8 * (i - 1))) & 0xff
}

/** First length that L = 15 - nonce.length bytes cannot hold. */
function maxMessageLength(nonce: Uint8Array): number {
  return 2 ** (8 * (15 - nonce.length))
}

function checkMessageLength(nonce: Uint8Array, length: number): void {
  if (length < maxMessageLength(nonce)) return
  throw new CryptoError('ERR_CRYPTO_DATA_LENGTH', 'the message is too long for a nonce of this length')
}
