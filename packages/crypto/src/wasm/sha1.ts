import type { Hmac } from '../types.ts'
import { instantiate } from './instance.ts'
import { MODULE } from './sha1.bytes.ts'

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  absorb(at: number, blocks: number): void
  hmac(length: number): void
  outer(): void
}

// The memory layout of wasm/sha1.mjs
const STATE = 0
const INNER = 32
const OUTER = 64
const RESULT = 128
/** The message. In front of it stands the block of key XOR ipad, so that both can be hashed at once by somebody else. */
const DATA = 1024
/** One page, less the padding. */
const MAX_DATA = 65_536 - DATA - 144

const BLOCK = 64
const TAG_LENGTH = 20
/** FIPS 180-4 §5.3.1, each word little-endian. */
const INITIAL_STATE = [
  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0xf0, 0xe1, 0xd2,
  0xc3,
]

let started = false
let kernel: Kernel | undefined
let memory: Uint8Array
/** The key that the kernel's memory holds, by identity of its inner state. */
let loaded: Uint8Array | undefined

/** SHA-1 by the platform, in one call: the digest as a string of 20 characters, one a byte. */
export type BinarySha1 = (data: Uint8Array) => string

/** From so many bytes on the platform's SHA-1 is faster, set-up included, if the processor has instructions for it. */
const LONG = 600

/**
 * HMAC-SHA1 in WebAssembly, or undefined where that does not run, or for a key of more than a block. `fallback` does it some other way, for messages that
 * are too long for the kernel's memory; `sha1` hashes the long ones among the others.
 */
export function createWasmHmacSha1(key: Uint8Array, fallback: Hmac, sha1?: BinarySha1): Hmac | undefined {
  if (!started) {
    started = true
    kernel = instantiate<Kernel>(MODULE)
    if (kernel !== undefined) memory = new Uint8Array(kernel.memory.buffer)
  }
  if (kernel === undefined || key.length > BLOCK) return undefined
  return new WasmHmacSha1(kernel, key, fallback, sha1)
}

/** One kernel serves all keys. A key is kept as the two hash states that HMAC starts from. */
class WasmHmacSha1 implements Hmac {
  readonly length: number = TAG_LENGTH
  readonly #kernel: Kernel
  readonly #fallback: Hmac
  readonly #sha1: BinarySha1 | undefined
  readonly #innerBlock: Uint8Array
  readonly #inner: Uint8Array
  readonly #outer: Uint8Array

  constructor(kernel: Kernel, key: Uint8Array, fallback: Hmac, sha1: BinarySha1 | undefined) {
    this.#kernel = kernel
    this.#fallback = fallback
    this.#sha1 = sha1
    this.#innerBlock = blockOf(key, 0x36)
    this.#inner = stateBehind(kernel, this.#innerBlock)
    this.#outer = stateBehind(kernel, blockOf(key, 0x5c))
  }

  sign(data: Uint8Array, suffix?: Uint8Array): Uint8Array {
    const length = data.length + (suffix === undefined ? 0 : suffix.length)
    if (length > MAX_DATA) return this.#fallback.sign(data, suffix)
    if (loaded !== this.#inner) {
      memory.set(this.#innerBlock, DATA - BLOCK)
      memory.set(this.#inner, INNER)
      memory.set(this.#outer, OUTER)
      loaded = this.#inner
    }
    memory.set(data, DATA)
    if (suffix !== undefined) memory.set(suffix, DATA + data.length)
    if (length < LONG || this.#sha1 === undefined) this.#kernel.hmac(length)
    else {
      const digest = this.#sha1(memory.subarray(DATA - BLOCK, DATA + length))
      for (let i = 0; i < TAG_LENGTH; i++) memory[RESULT + i] = digest.charCodeAt(i)
      this.#kernel.outer()
    }
    return memory.slice(RESULT, RESULT + TAG_LENGTH)
  }
}

/** The key XOR `pad`, filled up to a block (RFC 2104 §2). */
function blockOf(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK).fill(pad)
  for (let i = 0; i < key.length; i++) block[i]! ^= key[i]!
  return block
}

/** The hash state behind one block (RFC 2104 §4). */
function stateBehind(kernel: Kernel, block: Uint8Array): Uint8Array {
  memory.set(INITIAL_STATE, STATE)
  memory.set(block, DATA)
  kernel.absorb(DATA, 1)
  memory.fill(0, DATA, DATA + BLOCK)
  return memory.slice(STATE, STATE + TAG_LENGTH)
}
