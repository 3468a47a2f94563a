import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type ECDH,
  type KeyObject,
} from 'node:crypto'
import { unusableSecret } from '../checks.ts'
import { CryptoError } from '../errors.ts'
import type { EcdhKeyPair, NamedGroup } from '../types.ts'
import { plain } from './bytes.ts'

export function generateNodeKeyPair(group: NamedGroup, secret?: Uint8Array): EcdhKeyPair {
  switch (group) {
    case 'x25519':
      return x25519KeyPair(secret)
    case 'p256':
      return nistKeyPair(group, 'prime256v1', 65, secret)
    case 'p384':
      return nistKeyPair(group, 'secp384r1', 97, secret)
    default:
      throw new CryptoError('ERR_CRYPTO_UNSUPPORTED', `unknown group: ${String(group)}`)
  }
}

function nistKeyPair(
  group: NamedGroup,
  curve: string,
  pointLength: number,
  secret: Uint8Array | undefined,
): EcdhKeyPair {
  const ecdh = createECDH(curve)
  if (secret === undefined) ecdh.generateKeys()
  else setSecret(ecdh, secret, (pointLength - 1) / 2)
  return {
    group,
    publicKey: plain(ecdh.getPublicKey()),
    deriveSecret(peer) {
      // RFC 8422 §5.4.1: only the uncompressed form is allowed.
      if (peer.length !== pointLength || peer[0] !== 4) return undefined
      try {
        return plain(ecdh.computeSecret(peer))
      } catch {
        return undefined // not on the curve
      }
    },
  }
}

function setSecret(ecdh: ECDH, secret: Uint8Array, length: number): void {
  if (secret.length !== length) throw unusableSecret()
  try {
    ecdh.setPrivateKey(secret)
  } catch {
    throw unusableSecret() // zero, or not below the order
  }
}

/** DER of an X25519 SubjectPublicKeyInfo up to the key (RFC 8410 §4). */
const X25519_SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00)

/** DER of an X25519 PrivateKeyInfo up to the key (RFC 8410 §7). */
const X25519_PKCS8 = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 34, 4, 32)

function x25519KeyPair(secret: Uint8Array | undefined): EcdhKeyPair {
  const privateKey = secret === undefined ? generateKeyPairSync('x25519').privateKey : importX25519Secret(secret)
  const publicKey = createPublicKey(privateKey)
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return {
    group: 'x25519',
    publicKey: Uint8Array.from(spki.subarray(spki.length - 32)),
    deriveSecret(peer) {
      if (peer.length !== 32) return undefined
      try {
        return nonZero(plain(diffieHellman({ privateKey, publicKey: importX25519(peer) })))
      } catch {
        return undefined // OpenSSL refuses an all-zero result itself
      }
    },
  }
}

function importX25519Secret(secret: Uint8Array): KeyObject {
  if (secret.length !== 32) throw unusableSecret()
  const der = Buffer.alloc(48)
  der.set(X25519_PKCS8, 0)
  der.set(secret, 16)
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function importX25519(peer: Uint8Array): KeyObject {
  const der = Buffer.alloc(44)
  der.set(X25519_SPKI, 0)
  der.set(peer, 12)
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

/** RFC 7748 §6.1: the check for an all-zero result, for builds that do not make it. */
function nonZero(secret: Uint8Array): Uint8Array | undefined {
  let bits = 0
  for (let i = 0; i < secret.length; i++) bits |= secret[i]!
  return bits === 0 ? undefined : secret
}
