import nodeCrypto, { createHash, createHmac, createSecretKey } from 'node:crypto'
import type { Hash, HashName, Hmac } from '../types.ts'
import { createWasmHmacSha1, type BinarySha1 } from '../wasm/sha1.ts'
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

/** HMAC for many messages. SRTP's goes the fast way. */
export function createNodeHmac(name: HashName, key: Uint8Array): Hmac {
  const first = createPlainHmac(name, key)
  if (name !== 'sha1') return first
  const own = key.slice()
  return new LateHmac(first, () => createWasmHmacSha1(own, first, binarySha1()) ?? first)
}

let tested = false
let trusted: BinarySha1 | undefined

/**
 * SHA-1 without an object for it: half the time of `createHash`, as long as the result is a string. Undefined on platforms that lack `crypto.hash`,
 * or make something else of it.
 */
function binarySha1(): BinarySha1 | undefined {
  if (tested) return trusted
  tested = true
  if (typeof nodeCrypto.hash !== 'function') return undefined
  const sha1: BinarySha1 = (data) => nodeCrypto.hash('sha1', data, 'binary')
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  try {
    if (sha1(bytes) === createHash('sha1').update(bytes).digest('binary')) trusted = sha1
  } catch {
    // an encoding that it does not know
  }
  return trusted
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
