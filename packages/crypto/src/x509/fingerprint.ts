import { CryptoError } from '../errors.ts'
import type { CryptoProvider, HashName } from '../types.ts'
import type { FingerprintHash } from './types.ts'

const HASHES: Readonly<Record<FingerprintHash, HashName>> = {
  md5: 'md5',
  'sha-1': 'sha1',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
}

export function computeFingerprint(der: Uint8Array, hash: FingerprintHash, provider: CryptoProvider): string {
  if (!Object.hasOwn(HASHES, hash)) {
    throw new CryptoError('ERR_CRYPTO_UNSUPPORTED', `unknown fingerprint hash: ${String(hash)}`)
  }
  const digest = provider.hash(HASHES[hash], der)
  let text = ''
  for (let i = 0; i < digest.length; i++) {
    text += (i > 0 ? ':' : '') + (digest[i]! + 0x100).toString(16).slice(1).toUpperCase()
  }
  return text
}
