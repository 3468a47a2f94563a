import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { checkAesKey, checkCbc, checkCounterBlock, checkOutput, deliver } from '../checks.ts'
import type { AesCbc, AesCtr } from '../types.ts'
import { plain } from './bytes.ts'

export function createNodeCtr(key: Uint8Array): AesCtr {
  checkAesKey(key)
  const algorithm = key.length === 16 ? 'aes-128-ctr' : 'aes-256-ctr'
  const keyObject = createSecretKey(key)
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
