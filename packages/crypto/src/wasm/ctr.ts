import { MODULE } from './ctr.bytes.ts'
import { instantiate } from './instance.ts'

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  counters(blocks: number, nonces: number): void
  crypt(length: number): void
}

// The memory layout of wasm/ctr.mjs
const NONCE = 0
const STREAM = 512
const DATA = 4096
const COUNTERS = 8192

/** What a message may have at most to pass through the kernel. */
export const MAX_CTR_DATA = 3072

/** Everything in AES counter mode but AES itself, over one message in WebAssembly memory, for counters that start at 0. */
export class CtrKernel {
  readonly #exports: Exports
  readonly #memory: Uint8Array

  constructor(exports: Exports) {
    this.#exports = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
  }

  /**
   * The counter blocks 0 to `blocks - 1` for each of `nonces` nonces that follow each other in their last byte, from the one made of three big-endian words and
   * one of 16 bits on. A view of the kernel's memory, to be used before the next call.
   */
  counters(word0: number, word1: number, word2: number, half: number, blocks: number, nonces: number): Uint8Array {
    this.#putWord(NONCE, word0)
    this.#putWord(NONCE + 4, word1)
    this.#putWord(NONCE + 8, word2)
    this.#memory[NONCE + 12] = half >>> 8
    this.#memory[NONCE + 13] = half
    this.#exports.counters(blocks, nonces)
    return this.#memory.subarray(COUNTERS, COUNTERS + 16 * blocks * nonces)
  }

  setStream(stream: Uint8Array): void {
    this.#memory.set(stream, STREAM)
  }

  /** The data XOR the stream that was set: a view, as above. */
  crypt(data: Uint8Array): Uint8Array {
    this.#memory.set(data, DATA)
    this.#exports.crypt(data.length)
    return this.#memory.subarray(DATA, DATA + data.length)
  }

  #putWord(at: number, word: number): void {
    const memory = this.#memory
    memory[at] = word >>> 24
    memory[at + 1] = word >>> 16
    memory[at + 2] = word >>> 8
    memory[at + 3] = word
  }
}

let started = false
let kernel: CtrKernel | undefined

/** The kernel of this realm, or undefined where WebAssembly does not run. */
export function ctrKernel(): CtrKernel | undefined {
  if (!started) {
    started = true
    const exports = instantiate<Exports>(MODULE)
    if (exports !== undefined) kernel = new CtrKernel(exports)
  }
  return kernel
}
