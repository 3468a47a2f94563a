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
  readonly #genuine = new RecentGroups()

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
    keystream.load(word(nonce, 0), word(nonce, 4), 0, word(nonce, 8), blocks, true)
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
    keystream.load(word0, word1, 0, word2, blocks, this.#genuine.has(word0, word1, group))
    const plaintext = this.#kernel.open(this.#owner!, aad, ciphertextAndTag)
    if (plaintext === undefined) return undefined
    this.#genuine.add(word0, word1, group)
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

/** How many streams of nonces (SSRCs) are told apart. */
const STREAMS = 16

/** The groups of nonces that the last genuine records belonged to, one for each stream of nonces. */
class RecentGroups {
  readonly #words0 = new Uint32Array(STREAMS)
  readonly #words1 = new Uint32Array(STREAMS)
  readonly #groups = new Int32Array(STREAMS).fill(-1) // a group has 28 bits
  #last = 0
  #victim = 0

  has(word0: number, word1: number, group: number): boolean {
    const at = this.#find(word0, word1)
    return at >= 0 && this.#groups[at] === group
  }

  add(word0: number, word1: number, group: number): void {
    let at = this.#find(word0, word1)
    if (at < 0) {
      at = this.#victim
      this.#victim = (at + 1) % STREAMS
      this.#words0[at] = word0
      this.#words1[at] = word1
    }
    this.#groups[at] = group
    this.#last = at
  }

  #find(word0: number, word1: number): number {
    const last = this.#last
    if (this.#words1[last] === word1 && this.#words0[last] === word0) return last
    for (let i = 0; i < STREAMS; i++) if (this.#words1[i] === word1 && this.#words0[i] === word0) return i
    return -1
  }
}

/** A big-endian word of a nonce. */
export function word(nonce: Uint8Array, at: number): number {
  return ((nonce[at]! << 24) | (nonce[at + 1]! << 16) | (nonce[at + 2]! << 8) | nonce[at + 3]!) >>> 0
}
