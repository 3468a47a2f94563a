import { aeadSizes, checkKeyLength } from '../checks.ts'
import type { Aead, AeadName } from '../types.ts'
import { createWasmChaCha20Poly1305 } from './chacha20-poly1305.ts'

/**
 * Makes an AEAD the fastest portable way: WebAssembly where it runs and has the cipher, else what `slow` makes. Records of more than `limit`
 * bytes go the slow way at once.
 */
export function createPortableAead(
  name: AeadName,
  key: Uint8Array,
  slow: (key: Uint8Array) => Aead,
  limit?: number,
): Aead {
  checkKeyLength(key.length, aeadSizes(name).keyLength)
  if (name !== 'chacha20-poly1305') return slow(key)
  const ownKey = key.slice()
  let made: Aead | undefined
  return createWasmChaCha20Poly1305(ownKey, () => (made ??= slow(ownKey)), limit) ?? slow(key)
}
