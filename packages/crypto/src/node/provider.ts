import { getCiphers, randomFillSync } from 'node:crypto'
import { CryptoError } from '../errors.ts'
import { createNobleAead } from '../noble/aead.ts'
import type { Aead, AeadName, CryptoProvider } from '../types.ts'
import { createPortableAead } from '../wasm/aead.ts'
import { createNodeAead, createNodeGcm } from './aead.ts'
import { createNodeCbc, createNodeCtr } from './block.ts'
import { generateNodeKeyPair } from './ecdh.ts'
import { createNodeHash, createNodeHmac, createPlainHmac, nodeHash } from './hash.ts'
import { generateNodeSigningKey, importNodePrivateKey, importNodePublicKey } from './keys.ts'
import { LateAead } from './late.ts'
import { nobleLibrary } from './noble.ts'

/** From about here on OpenSSL's ChaCha20 is faster than WebAssembly, although it has to be set up for every record. */
const CHACHA20_LIMIT = 6144

/** The backend over `node:crypto`: OpenSSL in Node, BoringSSL in Bun and Electron, RustCrypto in Deno. */
export const nodeProvider: CryptoProvider = {
  name: 'node',
  random(length) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'the number of random bytes must be a non-negative integer')
    }
    return randomFillSync(new Uint8Array(length))
  },
  hash: nodeHash,
  createHash: createNodeHash,
  hmac: (name, key, data) => createPlainHmac(name, key).sign(data),
  createHmac: createNodeHmac,
  createAead(name, key) {
    const known = hasAead(name)
    const slow = (own: Uint8Array): Aead => {
      if (!known) return createNobleAead(nobleLibrary, name, own)
      return name.endsWith('-gcm') ? createNodeGcm(name, own) : createNodeAead(name, own)
    }
    if (name !== 'chacha20-poly1305' || !known) return createPortableAead(name, key, slow)
    const own = key.slice()
    return new LateAead(slow(own), () => createPortableAead(name, own, slow, CHACHA20_LIMIT))
  },
  createAesCtr: (key) => createNodeCtr(key),
  createAesCbc: createNodeCbc,
  generateKeyPair: generateNodeKeyPair,
  generateSigningKey: generateNodeSigningKey,
  importPrivateKey: importNodePrivateKey,
  importPublicKey: importNodePublicKey,
}

let known: ReadonlySet<string> | undefined

/** BoringSSL builds (Bun, Electron) lack some of the ciphers: those come from noble. */
function hasAead(name: AeadName): boolean {
  known ??= new Set(getCiphers())
  return known.has(name.replace(/-8$/, ''))
}
