import type { Hmac } from '../types.ts'
import { instantiate } from './instance.ts'
import { MODULE } from './sha1.bytes.ts'

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer }
  absorb(at: number, blocks: number): void
  hmac(length: number): void
}

// The memory layout of wasm/sha1.mjs
const STATE = 0
const INNER = 32
const OUTER = 64
const RESULT = 128
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

/**
 * HMAC-SHA1 in WebAssembly, or undefined where that does not run, or for a key of more than a block. `fallback` does it some other way, for messages of
 * more than `limit` bytes, or too long for the kernel's memory.
 */
export function createWasmHmacSha1(key: Uint8Array, fallback: Hmac, limit: number = MAX_DATA): Hmac | undefined {
  if (!started) {
    started = true
    kernel = instantiate<Kernel>(MODULE)
    if (kernel !== undefined) memory = new Uint8Array(kernel.memory.buffer)
  }
  if (kernel === undefined || key.length > BLOCK) return undefined
  return new WasmHmacSha1(kernel, key, fallback, Math.min(limit, MAX_DATA))
}

/** One kernel serves all keys. A key is kept as the two hash states that HMAC starts from. */
class WasmHmacSha1 implements Hmac {
  readonly length: number = TAG_LENGTH
  readonly #kernel: Kernel
  readonly #fallback: Hmac
  readonly #limit: number
  readonly #inner: Uint8Array
  readonly #outer: Uint8Array

  constructor(kernel: Kernel, key: Uint8Array, fallback: Hmac, limit: number) {
    this.#kernel = kernel
    this.#fallback = fallback
    this.#limit = limit
    this.#inner = stateBehind(kernel, key, 0x36)
    this.#outer = stateBehind(kernel, key, 0x5c)
  }

  sign(data: Uint8Array, suffix?: Uint8Array): Uint8Array {
    const length = data.length + (suffix === undefined ? 0 : suffix.length)
    if (length > this.#limit) return this.#fallback.sign(data, suffix)
    if (loaded !== this.#inner) {
      memory.set(this.#inner, INNER)
      memory.set(this.#outer, OUTER)
      loaded = this.#inner
    }
    memory.set(data, DATA)
    if (suffix !== undefined) memory.set(suffix, DATA + data.length)
    this.#kernel.hmac(length)
    return memory.slice(RESULT, RESULT + TAG_LENGTH)
  }
}

/** The hash state behind the key XOR `pad` (RFC 2104 §4). */
function stateBehind(kernel: Kernel, key: Uint8Array, pad: number): Uint8Array {
  memory.set(INITIAL_STATE, STATE)
  for (let i = 0; i < BLOCK; i++) memory[DATA + i] = (key[i] ?? 0) ^ pad
  kernel.absorb(DATA, 1)
  memory.fill(0, DATA, DATA + BLOCK)
  return memory.slice(STATE, STATE + TAG_LENGTH)
}
