import { checkNonce, checkOutput, NONCE_LENGTH } from '../checks.ts'
import type { Aead, AeadName } from '../types.ts'
import { MODULE } from './chacha20-poly1305.bytes.ts'
import { instantiate } from './instance.ts'

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  seal(length: number, aadLength: number): void
  open(length: number, aadLength: number): number
}

// The memory layout of wasm/chacha20-poly1305.mjs
const KEY = 0
const NONCE = 32
const AAD = 512
const DATA = 2048
const MAX_AAD = DATA - AAD - 16
/** One page, less what the kernel writes beyond the data: the last group of the key stream. */
const MAX_DATA = 65_536 - DATA - 272

const TAG_LENGTH = 16

let started = false
let kernel: Kernel | undefined
let memory: Uint8Array
/** The key that the kernel's memory holds, by identity. */
let loaded: Uint8Array | undefined

/**
 * ChaCha20-Poly1305 in WebAssembly, or undefined where that does not run. `fallback` makes the same cipher some other way, for
 * records of more than `limit` bytes, or too long for the kernel's memory.
 */
export function createWasmChaCha20Poly1305(
  key: Uint8Array,
  fallback: () => Aead,
  limit: number = MAX_DATA,
): Aead | undefined {
  if (!started) {
    started = true
    kernel = instantiate<Kernel>(MODULE)
    if (kernel !== undefined) memory = new Uint8Array(kernel.memory.buffer)
  }
  return kernel === undefined ? undefined : new WasmChaCha20Poly1305(kernel, key, fallback, Math.min(limit, MAX_DATA))
}

/** One kernel serves all keys: key, nonce and record are copied into its memory, and the result out of it. */
class WasmChaCha20Poly1305 implements Aead {
  readonly name: AeadName = 'chacha20-poly1305'
  readonly tagLength: number = TAG_LENGTH
  readonly nonceLength: number = NONCE_LENGTH
  readonly #kernel: Kernel
  readonly #key: Uint8Array
  readonly #fallback: () => Aead
  readonly #limit: number

  constructor(kernel: Kernel, key: Uint8Array, fallback: () => Aead, limit: number) {
    this.#limit = limit
    this.#kernel = kernel
    this.#key = key
    this.#fallback = fallback
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    checkNonce(nonce)
    const length = plaintext.length
    checkOutput(out, outOffset, length + TAG_LENGTH)
    if (length > this.#limit || aad.length > MAX_AAD)
      return this.#fallback().seal(nonce, aad, plaintext, out, outOffset)
    this.#load(nonce, aad)
    memory.set(plaintext, DATA)
    this.#kernel.seal(length, aad.length)
    out.set(memory.subarray(DATA, DATA + length + TAG_LENGTH), outOffset)
    return length + TAG_LENGTH
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset = 0,
  ): Uint8Array | undefined {
    checkNonce(nonce)
    const length = ciphertextAndTag.length - TAG_LENGTH
    if (length < 0) return undefined
    if (out !== undefined) checkOutput(out, outOffset, length)
    if (length > this.#limit || aad.length > MAX_AAD) {
      return this.#fallback().open(nonce, aad, ciphertextAndTag, out, outOffset)
    }
    this.#load(nonce, aad)
    memory.set(ciphertextAndTag, DATA)
    if (this.#kernel.open(length, aad.length) === 0) return undefined
    if (out === undefined) return memory.slice(DATA, DATA + length)
    out.set(memory.subarray(DATA, DATA + length), outOffset)
    return out.subarray(outOffset, outOffset + length)
  }

  #load(nonce: Uint8Array, aad: Uint8Array): void {
    if (loaded !== this.#key) {
      memory.set(this.#key, KEY)
      loaded = this.#key
    }
    for (let i = 0; i < NONCE_LENGTH; i++) memory[NONCE + i] = nonce[i]!
    const length = aad.length
    if (length > 64) memory.set(aad, AAD)
    else for (let i = 0; i < length; i++) memory[AAD + i] = aad[i]!
    for (let i = length; (i & 15) !== 0; i++) memory[AAD + i] = 0 // pad16 of RFC 8439 §2.8
  }
}
