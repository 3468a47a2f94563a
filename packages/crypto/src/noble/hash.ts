import type { Hash, HashName, Hmac } from '../types.ts'
import type { NobleLibrary } from './library.ts'

type NobleHash = NobleLibrary['sha2']['sha256']

export function nobleHash(library: NobleLibrary, name: HashName): NobleHash {
  if (name === 'md5' || name === 'sha1') return library.legacy[name] as NobleHash
  return library.sha2[name] as NobleHash
}

export function createNobleHash(library: NobleLibrary, name: HashName): Hash {
  const state = nobleHash(library, name).create()
  return {
    update: (data) => void state.update(data),
    digest: () => state.clone().digest(),
  }
}

/** HMAC whose inner and outer states are hashed once and cloned per message. */
export function createNobleHmac(library: NobleLibrary, name: HashName, key: Uint8Array): Hmac {
  const keyed = library.hmac.hmac.create(nobleHash(library, name), key)
  const scratch = keyed.clone()
  return {
    length: keyed.outputLen,
    sign(data, suffix) {
      keyed._cloneInto(scratch)
      scratch.update(data)
      if (suffix !== undefined) scratch.update(suffix)
      const out = new Uint8Array(keyed.outputLen)
      scratch.digestInto(out)
      return out
    },
  }
}
