import * as aes from '@noble/ciphers/aes.js'
import * as chacha from '@noble/ciphers/chacha.js'
import * as ed25519 from '@noble/curves/ed25519.js'
import * as nist from '@noble/curves/nist.js'
import * as hmac from '@noble/hashes/hmac.js'
import * as legacy from '@noble/hashes/legacy.js'
import * as sha2 from '@noble/hashes/sha2.js'
import type { CryptoProvider } from '../types.ts'
import { createNobleProvider } from './provider.ts'

/** The portable backend. */
export const nobleProvider: CryptoProvider = createNobleProvider({ aes, chacha, ed25519, nist, hmac, legacy, sha2 })
