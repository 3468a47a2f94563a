import { createRequire } from 'node:module'
import type { NobleLibrary } from '../noble/library.ts'
import { createNobleProvider } from '../noble/provider.ts'
import type { CryptoProvider } from '../types.ts'

const require = createRequire(import.meta.url)

/** Noble's modules, loaded when first used: importing them costs tens of milliseconds, and `node:crypto` has nearly everything. */
export const nobleLibrary: NobleLibrary = {
  get aes() {
    return require('@noble/ciphers/aes.js')
  },
  get chacha() {
    return require('@noble/ciphers/chacha.js')
  },
  get ed25519() {
    return require('@noble/curves/ed25519.js')
  },
  get nist() {
    return require('@noble/curves/nist.js')
  },
  get hmac() {
    return require('@noble/hashes/hmac.js')
  },
  get legacy() {
    return require('@noble/hashes/legacy.js')
  },
  get sha2() {
    return require('@noble/hashes/sha2.js')
  },
}

/** The portable backend. */
export const nobleProvider: CryptoProvider = createNobleProvider(nobleLibrary)
