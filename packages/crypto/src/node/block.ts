import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { checkAesKey, checkCbc, checkCounterBlock, checkOutput, deliver } from '../checks.ts'
import { timingSafeEqual } from '../equal.ts'
import type { AesCbc, AesCtr } from '../types.ts'
import { ctrKernel, type CtrKernel } from '../wasm/ctr.ts'
import { plain } from './bytes.ts'
import { FastCtr } from './ctr.ts'

/** AES-CTR the fast way, where that runs. `warmUp`: after how many messages. */
export function createNodeCtr(key: Uint8Array, warmUp?: number): AesCtr {
  checkAesKey(key)
  const keyObject = createSecretKey(key)
  const slow = plainCtr(keyObject)
  const kernel = trustedKernel()
  return kernel === undefined ? slow : new FastCtr(slow, keyObject, kernel, warmUp)
}

let tested = false
let trusted: CtrKernel | undefined

/** The kernel, after it has agreed with the platform on one message. */
function trustedKernel(): CtrKernel | undefined {
  if (tested) return trusted
  tested = true
  if (process.versions['bun'] !== undefined) return undefined // its cipher objects are cheap
  const kernel = ctrKernel()
  if (kernel === undefined) return undefined
  const bytes = Uint8Array.from({ length: 140 }, (_, i) => i)
  const block = bytes.slice(0, 16).fill(0, 14)
  try {
    const key = createSecretKey(bytes.subarray(0, 16))
    const slow = plainCtr(key)
    const fast = new FastCtr(slow, key, kernel, 0)
    if (timingSafeEqual(fast.process(block, bytes), slow.process(block, bytes))) trusted = kernel
  } catch {
    // no AES-ECB
  }
  return trusted
}

function plainCtr(keyObject: KeyObject): AesCtr {
  const algorithm = keyObject.symmetricKeySize === 16 ? 'aes-128-ctr' : 'aes-256-ctr'
  return {
    process(counterBlock, data, out, outOffset = 0) {
      checkCounterBlock(counterBlock)
      if (out !== undefined) checkOutput(out, outOffset, data.length)
      return deliver(plain(createCipheriv(algorithm, keyObject, counterBlock).update(data)), out, outOffset)
    },
  }
}

export function createNodeCbc(key: Uint8Array): AesCbc {
  checkAesKey(key)
  const algorithm = key.length === 16 ? 'aes-128-cbc' : 'aes-256-cbc'
  const keyObject = createSecretKey(key)
  return {
    encrypt(iv, data) {
      checkCbc(iv, data)
      return plain(createCipheriv(algorithm, keyObject, iv).setAutoPadding(false).update(data))
    },
    decrypt(iv, data) {
      checkCbc(iv, data)
      return plain(createDecipheriv(algorithm, keyObject, iv).setAutoPadding(false).update(data))
    },
  }
}
