import { checkAesKey, checkCbc, checkCounterBlock, checkOutput, deliver } from '../checks.ts'
import type { AesCbc, AesCtr } from '../types.ts'
import type { NobleLibrary } from './library.ts'

const NO_PADDING = { disablePadding: true }

export function createNobleCtr(library: NobleLibrary, key: Uint8Array): AesCtr {
  checkAesKey(key)
  const ownKey = key.slice()
  return {
    process(counterBlock, data, out, outOffset = 0) {
      checkCounterBlock(counterBlock)
      if (out !== undefined) checkOutput(out, outOffset, data.length)
      return deliver(library.aes.ctr(ownKey, counterBlock).encrypt(data), out, outOffset)
    },
  }
}

export function createNobleCbc(library: NobleLibrary, key: Uint8Array): AesCbc {
  checkAesKey(key)
  const ownKey = key.slice()
  return {
    encrypt(iv, data) {
      checkCbc(iv, data)
      return library.aes.cbc(ownKey, iv, NO_PADDING).encrypt(data)
    },
    decrypt(iv, data) {
      checkCbc(iv, data)
      return library.aes.cbc(ownKey, iv, NO_PADDING).decrypt(data)
    },
  }
}
