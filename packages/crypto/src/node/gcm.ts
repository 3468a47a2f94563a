import type { KeyObject } from 'node:crypto'
import { checkNonce, checkOutput } from '../checks.ts'
import type { Aead, AeadName } from '../types.ts'
import { type GcmKernel, MAX_AAD, MAX_DATA, type TableOwner } from '../wasm/gcm.ts'
import { Keystream } from './keystream.ts'

const TAG_LENGTH = 16

/** So many records go the plain way first: a connection that stays quiet shall not pay for tables and key stream in advance. */
const WARM_UP = 16

/**
 * AES-GCM from AES-ECB by OpenSSL, in batches, and the rest in WebAssembly: half the time of a cipher object per record. The plain way
 * stays for the first records of a key, and for records that do not fit the kernel.
 */
export class FastGcm implements Aead {
  readonly name: AeadName
  readonly tagLength: number
  readonly nonceLength: number
  readonly #plain: Aead
  readonly #key: KeyObject
  readonly #kernel: GcmKernel
  #warmUp: number
  #keystream: Keystream | undefined
  #owner: TableOwner | undefined
  // The group of nonces that the last genuine incoming record belonged to
  #seen0 = 0
  #seen1 = 0
  #seen2 = -1

  constructor(plain: Aead, key: KeyObject, kernel: GcmKernel, warmUp: number = WARM_UP) {
    this.name = plain.name
    this.tagLength = plain.tagLength
    this.nonceLength = plain.nonceLength
    this.#plain = plain
    this.#key = key
    this.#kernel = kernel
    this.#warmUp = warmUp
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    const length = plaintext.length
    if (this.#warmUp > 0 || length > MAX_DATA || aad.length > MAX_AAD) {
      this.#warmUp--
      return this.#plain.seal(nonce, aad, plaintext, out, outOffset)
    }
    checkNonce(nonce)
    checkOutput(out, outOffset, length + TAG_LENGTH)
    const keystream = this.#keystream ?? this.#start()
    const blocks = 1 + ((length + 15) >>> 4)
    keystream.load(word(nonce, 0), word(nonce, 4), word(nonce, 8), blocks, true)
    keystream.expect(blocks)
    out.set(this.#kernel.seal(this.#owner!, aad, plaintext), outOffset)
    return length + TAG_LENGTH
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset = 0,
  ): Uint8Array | undefined {
    const length = ciphertextAndTag.length - TAG_LENGTH
    if (this.#warmUp > 0 || length < 0 || length > MAX_DATA || aad.length > MAX_AAD) {
      this.#warmUp--
      return this.#plain.open(nonce, aad, ciphertextAndTag, out, outOffset)
    }
    checkNonce(nonce)
    if (out !== undefined) checkOutput(out, outOffset, length)
    const keystream = this.#keystream ?? this.#start()
    const blocks = 1 + ((length + 15) >>> 4)
    const word0 = word(nonce, 0)
    const word1 = word(nonce, 4)
    const word2 = word(nonce, 8)
    const group = word2 >>> 4
    // Key stream in advance only next to a genuine record: forged ones with random nonces shall not cause work.
    keystream.load(word0, word1, word2, blocks, group === this.#seen2 && word1 === this.#seen1 && word0 === this.#seen0)
    const plaintext = this.#kernel.open(this.#owner!, aad, ciphertextAndTag)
    if (plaintext === undefined) return undefined
    this.#seen0 = word0
    this.#seen1 = word1
    this.#seen2 = group
    keystream.expect(blocks)
    if (out === undefined) return plaintext.slice()
    out.set(plaintext, outOffset)
    return out.subarray(outOffset, outOffset + length)
  }

  #start(): Keystream {
    const keystream = new Keystream(this.#key, this.#kernel)
    this.#owner = { hashKey: keystream.hashKey(), slot: -1 }
    this.#keystream = keystream
    return keystream
  }
}

/** A big-endian word of a nonce. */
function word(nonce: Uint8Array, at: number): number {
  return ((nonce[at]! << 24) | (nonce[at + 1]! << 16) | (nonce[at + 2]! << 8) | nonce[at + 3]!) >>> 0
}
