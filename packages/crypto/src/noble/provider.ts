import { CryptoError } from '../errors.ts'
import type { CryptoProvider, HashName } from '../types.ts'
import { createPortableAead } from '../wasm/aead.ts'
import { createWasmHmacSha1 } from '../wasm/sha1.ts'
import { createNobleAead } from './aead.ts'
import { createNobleCbc, createNobleCtr } from './block.ts'
import { generateNobleKeyPair } from './ecdh.ts'
import { createNobleHash, createNobleHmac, nobleHash } from './hash.ts'
import { generateNobleSigningKey, importNoblePrivateKey, importNoblePublicKey } from './keys.ts'
import type { NobleLibrary } from './library.ts'

/** What `getRandomValues` fills at once (W3C Web Cryptography API §10.1.1). */
const RANDOM_QUOTA = 65_536

/** The portable backend, over a set of noble's modules. WebAssembly does the work where it can and nothing is lost where it cannot. */
export function createNobleProvider(library: NobleLibrary): CryptoProvider {
  const primitives = { random, hash: (name: HashName, data: Uint8Array) => nobleHash(library, name)(data) }
  return {
    name: 'noble',
    random,
    hash: primitives.hash,
    createHash: (name) => createNobleHash(library, name),
    hmac: (name, key, data) => createNobleHmac(library, name, key).sign(data),
    createHmac(name, key) {
      const slow = createNobleHmac(library, name, key)
      return name === 'sha1' ? (createWasmHmacSha1(key, slow) ?? slow) : slow
    },
    createAead: (name, key) => createPortableAead(name, key, (own) => createNobleAead(library, name, own)),
    createAesCtr: (key) => createNobleCtr(library, key),
    createAesCbc: (key) => createNobleCbc(library, key),
    generateKeyPair: (group, secret) => generateNobleKeyPair(library, group, secret),
    generateSigningKey: (type) => generateNobleSigningKey(library, primitives, type),
    importPrivateKey: (pkcs8) => importNoblePrivateKey(library, primitives, pkcs8),
    importPublicKey: (spki) => importNoblePublicKey(library, primitives, spki),
  }
}

function random(length: number): Uint8Array {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'the number of random bytes must be a non-negative integer')
  }
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += RANDOM_QUOTA) crypto.getRandomValues(out.subarray(at, at + RANDOM_QUOTA))
  return out
}
