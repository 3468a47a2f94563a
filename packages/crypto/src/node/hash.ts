import { createHash, createHmac, createSecretKey } from 'node:crypto'
import type { Hash, HashName, Hmac } from '../types.ts'
import { createWasmHmacSha1 } from '../wasm/sha1.ts'
import { plain } from './bytes.ts'
import { LateHmac } from './late.ts'

const LENGTHS: Readonly<Record<HashName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

export function nodeHash(name: HashName, data: Uint8Array): Uint8Array {
  return plain(createHash(name).update(data).digest())
}

export function createNodeHash(name: HashName): Hash {
  const state = createHash(name)
  return {
    update: (data) => void state.update(data),
    digest: () => plain(state.copy().digest()),
  }
}

/** From about here on OpenSSL's SHA-1, with the processor's instructions for it, is faster than WebAssembly, although it has to be set up for every message. */
const SHA1_LIMIT = 1792

/** HMAC for many messages. SRTP's goes the fast way. */
export function createNodeHmac(name: HashName, key: Uint8Array): Hmac {
  const first = createPlainHmac(name, key)
  if (name !== 'sha1') return first
  const own = key.slice()
  return new LateHmac(first, () => createWasmHmacSha1(own, first, SHA1_LIMIT) ?? first)
}

/** HMAC for a few messages. */
export function createPlainHmac(name: HashName, key: Uint8Array): Hmac {
  // A KeyObject is set up once; a raw key would be copied and wrapped for every message.
  const keyObject = createSecretKey(key)
  return {
    length: LENGTHS[name],
    sign(data, suffix) {
      const hmac = createHmac(name, keyObject).update(data)
      if (suffix !== undefined) hmac.update(suffix)
      return plain(hmac.digest())
    },
  }
}
