import { CryptoError } from './errors.ts'
import type { CryptoProvider, HashName } from './types.ts'

/** HKDF-Extract (RFC 5869 §2.2). An empty `salt` stands for a string of zeros of the hash's length. */
export function hkdfExtract(
  provider: CryptoProvider,
  hash: HashName,
  salt: Uint8Array,
  inputKeyMaterial: Uint8Array,
): Uint8Array {
  // HMAC pads its key with zeros, so an empty salt and HashLen zeros are the same key.
  return provider.hmac(hash, salt, inputKeyMaterial)
}

/** HKDF-Expand (RFC 5869 §2.3). Throws `ERR_CRYPTO_ARGUMENT` for more than 255 blocks. */
export function hkdfExpand(
  provider: CryptoProvider,
  hash: HashName,
  pseudorandomKey: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const hmac = provider.createHmac(hash, pseudorandomKey)
  const blocks = Math.ceil(length / hmac.length)
  if (blocks > 255) throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'HKDF cannot make that many bytes')
  const out = new Uint8Array(length)
  let input = new Uint8Array(info.length + 1) // T(0) is empty
  for (let i = 1; i <= blocks; i++) {
    const infoAt = i === 1 ? 0 : hmac.length
    input.set(info, infoAt)
    input[input.length - 1] = i
    const block = hmac.sign(input) // T(i) = HMAC(PRK, T(i-1) | info | i)
    const at = (i - 1) * hmac.length
    out.set(block.subarray(0, Math.min(block.length, length - at)), at)
    if (i === 1) input = new Uint8Array(hmac.length + info.length + 1)
    input.set(block, 0)
  }
  return out
}
