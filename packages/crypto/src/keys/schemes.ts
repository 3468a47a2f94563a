import { CryptoError } from '../errors.ts'
import type { HashName, KeyAlgorithm, SignatureScheme, SigningKeyType } from '../types.ts'

/** What a signature scheme consists of. */
export interface SchemeParts {
  readonly kind: 'ecdsa' | 'pkcs1' | 'pss'
  readonly hash: HashName
}

const SCHEMES: Readonly<Record<SignatureScheme, SchemeParts>> = {
  ecdsa_secp256r1_sha256: { kind: 'ecdsa', hash: 'sha256' },
  ecdsa_secp384r1_sha384: { kind: 'ecdsa', hash: 'sha384' },
  ecdsa_sha1: { kind: 'ecdsa', hash: 'sha1' },
  rsa_pkcs1_sha1: { kind: 'pkcs1', hash: 'sha1' },
  rsa_pkcs1_sha256: { kind: 'pkcs1', hash: 'sha256' },
  rsa_pkcs1_sha384: { kind: 'pkcs1', hash: 'sha384' },
  rsa_pkcs1_sha512: { kind: 'pkcs1', hash: 'sha512' },
  rsa_pss_rsae_sha256: { kind: 'pss', hash: 'sha256' },
  rsa_pss_rsae_sha384: { kind: 'pss', hash: 'sha384' },
  rsa_pss_rsae_sha512: { kind: 'pss', hash: 'sha512' },
}

/** The scheme's parts when it goes with a key of this algorithm. */
export function schemeFor(algorithm: KeyAlgorithm, scheme: SignatureScheme): SchemeParts | undefined {
  const parts = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
  return parts !== undefined && (parts.kind === 'ecdsa') === (algorithm !== 'rsa') ? parts : undefined
}

/** The same for signing, where a mismatch is the caller's mistake. */
export function signingSchemeFor(algorithm: KeyAlgorithm, scheme: SignatureScheme): SchemeParts {
  const parts = schemeFor(algorithm, scheme)
  if (parts === undefined) {
    throw new CryptoError('ERR_CRYPTO_KEY', `a key of type ${algorithm} cannot sign with ${String(scheme)}`)
  }
  return parts
}

/** Size of the modulus that a key type asks for, or undefined for an elliptic curve. */
export function rsaBits(type: SigningKeyType): number | undefined {
  switch (type) {
    case 'rsa-2048':
      return 2048
    case 'rsa-3072':
      return 3072
    case 'rsa-4096':
      return 4096
    case 'ecdsa-p256':
    case 'ecdsa-p384':
      return undefined
    default:
      throw new CryptoError('ERR_CRYPTO_UNSUPPORTED', `unknown type of signing key: ${String(type)}`)
  }
}

export function unusablePrivateKey(): CryptoError {
  return new CryptoError('ERR_CRYPTO_KEY', 'this is no PKCS #8 private key of a supported algorithm')
}
