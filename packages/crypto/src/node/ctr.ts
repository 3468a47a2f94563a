import type { KeyObject } from 'node:crypto'
import { checkCounterBlock, checkOutput } from '../checks.ts'
import type { AesCtr } from '../types.ts'
import { MAX_CTR_DATA, type CtrKernel } from '../wasm/ctr.ts'
import { word } from './gcm.ts'
import { Keystream } from './keystream.ts'

/** So many messages go the plain way first, as with AES-GCM: a key that is little used needs no key stream in advance. */
const WARM_UP = 16

/**
 * AES-CTR from AES-ECB by OpenSSL, in batches. Only for messages whose counter starts at 0 in its last 16 bits, as those of SRTP do; whoever uses such counter
 * blocks counts in the bits before them. All others, and long ones, go the plain way.
 */
export class FastCtr implements AesCtr {
  readonly #plain: AesCtr
  readonly #key: KeyObject
  readonly #kernel: CtrKernel
  #warmUp: number
  #keystream: Keystream | undefined

  constructor(plain: AesCtr, key: KeyObject, kernel: CtrKernel, warmUp: number = WARM_UP) {
    this.#plain = plain
    this.#key = key
    this.#kernel = kernel
    this.#warmUp = warmUp
  }

  process(counterBlock: Uint8Array, data: Uint8Array, out?: Uint8Array, outOffset = 0): Uint8Array {
    checkCounterBlock(counterBlock)
    const length = data.length
    const countsFromZero = (counterBlock[14]! | counterBlock[15]!) === 0
    if (this.#warmUp > 0 || !countsFromZero || length > MAX_CTR_DATA || length === 0) {
      this.#warmUp--
      return this.#plain.process(counterBlock, data, out, outOffset)
    }
    if (out !== undefined) checkOutput(out, outOffset, length)
    this.#keystream ??= new Keystream(this.#key, this.#kernel)
    const blocks = (length + 15) >>> 4
    const half = (counterBlock[12]! << 8) | counterBlock[13]!
    this.#keystream.load(word(counterBlock, 0), word(counterBlock, 4), word(counterBlock, 8), half, blocks, true)
    this.#keystream.expect(blocks)
    const result = this.#kernel.crypt(data)
    if (out === undefined) return result.slice()
    out.set(result, outOffset)
    return out.subarray(outOffset, outOffset + length)
  }
}
