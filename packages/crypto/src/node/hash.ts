import { createHash, createHmac, createSecretKey } from 'node:crypto'
import { plain } from './bytes.ts'
import type { Hash, HashName, Hmac } from '../types.ts'

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

export function createNodeHmac(name: HashName, key: Uint8Array): Hmac {
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
