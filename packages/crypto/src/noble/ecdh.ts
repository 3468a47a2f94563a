import { unusableSecret } from '../checks.ts'
import { CryptoError } from '../errors.ts'
import type { EcdhKeyPair, NamedGroup } from '../types.ts'
import type { NobleLibrary } from './library.ts'

export function generateNobleKeyPair(library: NobleLibrary, group: NamedGroup, secret?: Uint8Array): EcdhKeyPair {
  switch (group) {
    case 'x25519':
      return x25519KeyPair(library, secret)
    case 'p256':
    case 'p384':
      return nistKeyPair(library, group, secret)
    default:
      throw new CryptoError('ERR_CRYPTO_UNSUPPORTED', `unknown group: ${String(group)}`)
  }
}

function x25519KeyPair(library: NobleLibrary, secret: Uint8Array | undefined): EcdhKeyPair {
  const { x25519 } = library.ed25519
  const secretKey = secret?.slice() ?? x25519.utils.randomSecretKey()
  if (secretKey.length !== 32) throw unusableSecret()
  const publicKey = x25519.getPublicKey(secretKey)
  return {
    group: 'x25519',
    publicKey,
    deriveSecret(peer) {
      if (peer.length !== 32) return undefined
      try {
        return x25519.getSharedSecret(secretKey, peer)
      } catch {
        return undefined // an all-zero result: a point of small order
      }
    },
  }
}

function nistKeyPair(library: NobleLibrary, group: 'p256' | 'p384', secret: Uint8Array | undefined): EcdhKeyPair {
  const curve = library.nist[group]
  const size = group === 'p256' ? 32 : 48
  const secretKey = secret?.slice() ?? curve.utils.randomSecretKey()
  if (!curve.utils.isValidSecretKey(secretKey)) throw unusableSecret()
  const publicKey = curve.getPublicKey(secretKey, false)
  return {
    group,
    publicKey,
    deriveSecret(peer) {
      // RFC 8422 §5.4.1: only the uncompressed form is allowed.
      if (peer.length !== 1 + 2 * size || peer[0] !== 4) return undefined
      try {
        return curve.getSharedSecret(secretKey, peer, false).slice(1, 1 + size)
      } catch {
        return undefined // not on the curve
      }
    },
  }
}
