import { MODULE } from './gcm.bytes.ts'
import { instantiate } from './instance.ts'

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  counters(blocks: number, nonces: number): void
  prepare(table: number): void
  seal(length: number, aadLength: number, table: number): void
  open(length: number, aadLength: number, table: number): number
}

/** Whose table it is: keep one per key. The kernel may take the table away at any time, and makes it again when it is asked for. */
export interface TableOwner {
  /** E(K, 0^128), the H of SP 800-38D. */
  readonly hashKey: Uint8Array
  slot: number
}

// The memory layout of wasm/gcm.mjs
const NONCE = 0
const HASH_KEY = 16
const AAD = 512
const STREAM = 1536
const DATA = 4672
const COUNTERS = 7808
const TABLES = 32_768
const TABLE_SIZE = 16_384
/** The first page has room for two, every other for four. */
const FIRST_TABLES = 2
const TABLES_PER_PAGE = 4

/** Tables for so many keys at most: 8 MB, of which only what is used is ever allocated. A further key costs 2.3 µs per change of keys. */
const MAX_TABLES = 514

/** What a record may have at most to pass through the kernel. Longer ones take OpenSSL less time, set-up included. */
export const MAX_DATA = 3072
export const MAX_AAD = 1000

/** Everything in AES-GCM but AES itself, over one record in WebAssembly memory. */
export class GcmKernel {
  memory: Uint8Array
  readonly #exports: Exports
  readonly #owners: (TableOwner | undefined)[] = []
  #capacity = FIRST_TABLES
  #next = 0

  constructor(exports: Exports) {
    this.#exports = exports
    this.memory = new Uint8Array(exports.memory.buffer)
  }

  /**
   * The counter blocks 1 to `blocks` for each of `nonces` nonces that follow each other in their last byte, from the one made of these
   * big-endian words on (a nonce has three). A view of the kernel's memory, to be used before the next call.
   */
  counters(word0: number, word1: number, _: number, word2: number, blocks: number, nonces: number): Uint8Array {
    this.#putWord(NONCE, word0)
    this.#putWord(NONCE + 4, word1)
    this.#putWord(NONCE + 8, word2)
    this.#exports.counters(blocks, nonces)
    return this.memory.subarray(COUNTERS, COUNTERS + 16 * blocks * nonces)
  }

  /** The key stream of the next record: E(K, J0), then the blocks for the data. */
  setStream(stream: Uint8Array): void {
    this.memory.set(stream, STREAM)
  }

  /** Encrypts with the stream that was set. Returns ciphertext and tag: a view, as above. */
  seal(owner: TableOwner, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const table = this.#table(owner)
    const length = plaintext.length
    this.#setAad(aad)
    this.memory.set(plaintext, DATA)
    this.#exports.seal(length, aad.length, table)
    return this.memory.subarray(DATA, DATA + length + 16)
  }

  /** Decrypts with the stream that was set. Returns the plaintext, a view, as above, or undefined when the tag is wrong. */
  open(owner: TableOwner, aad: Uint8Array, ciphertextAndTag: Uint8Array): Uint8Array | undefined {
    const table = this.#table(owner)
    const length = ciphertextAndTag.length - 16
    this.#setAad(aad)
    this.memory.set(ciphertextAndTag, DATA)
    if (this.#exports.open(length, aad.length, table) === 0) return undefined
    return this.memory.subarray(DATA, DATA + length)
  }

  #setAad(aad: Uint8Array): void {
    const memory = this.memory
    const length = aad.length
    if (length > 64) memory.set(aad, AAD)
    else for (let i = 0; i < length; i++) memory[AAD + i] = aad[i]!
    for (let i = length; (i & 15) !== 0; i++) memory[AAD + i] = 0
  }

  #putWord(at: number, word: number): void {
    const memory = this.memory
    memory[at] = word >>> 24
    memory[at + 1] = word >>> 16
    memory[at + 2] = word >>> 8
    memory[at + 3] = word
  }

  /** Address of this key's table; makes it when there is none (any more). */
  #table(owner: TableOwner): number {
    let slot = owner.slot
    if (slot < 0 || this.#owners[slot] !== owner) {
      slot = this.#takeSlot()
      owner.slot = slot
      this.#owners[slot] = owner
      this.memory.set(owner.hashKey, HASH_KEY)
      this.#exports.prepare(TABLES + slot * TABLE_SIZE)
    }
    return TABLES + slot * TABLE_SIZE
  }

  #takeSlot(): number {
    if (this.#next === this.#capacity && this.#capacity < MAX_TABLES) {
      this.#exports.memory.grow(1)
      this.memory = new Uint8Array(this.#exports.memory.buffer)
      this.#capacity += TABLES_PER_PAGE
    }
    if (this.#next === this.#capacity) this.#next = 0
    return this.#next++
  }
}

let started = false
let kernel: GcmKernel | undefined

/** The kernel of this realm, or undefined where WebAssembly does not run. */
export function gcmKernel(): GcmKernel | undefined {
  if (!started) {
    started = true
    const exports = instantiate<Exports>(MODULE)
    if (exports !== undefined) kernel = new GcmKernel(exports)
  }
  return kernel
}
