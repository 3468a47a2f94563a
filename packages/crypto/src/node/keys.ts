import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
  type SigningOptions,
} from 'node:crypto'
import { parsePkcs8 } from '../keys/pkcs8.ts'
import { rsaBits, schemeFor, signingSchemeFor, unusablePrivateKey, type SchemeParts } from '../keys/schemes.ts'
import { bitLength, parseSpki } from '../keys/spki.ts'
import type { KeyAlgorithm, PrivateKey, PublicKey, SignatureScheme, SigningKeyType } from '../types.ts'
import { plain } from './bytes.ts'

export function importNodePublicKey(spki: Uint8Array): PublicKey | undefined {
  return wrapPublicKey(spki)
}

/** `known` saves the import where OpenSSL has the key already. */
function wrapPublicKey(spki: Uint8Array, known?: KeyObject): PublicKey | undefined {
  // Our own parser decides what is acceptable, so that both backends agree; OpenSSL then checks that the point is on the curve.
  const parts = parseSpki(spki)
  if (parts === undefined) return undefined
  const algorithm = parts.kind === 'rsa' ? 'rsa' : (`ecdsa-${parts.curve}` as const)
  const bits = parts.kind === 'rsa' ? bitLength(parts.modulus) : parts.curve === 'p256' ? 256 : 384
  const key =
    known ?? (parts.kind === 'ec' ? (importPoint(parts.curve, parts.point) ?? importDer(spki)) : importDer(spki))
  return key === undefined ? undefined : new NodePublicKey(key, algorithm, bits, spki)
}

export function generateNodeSigningKey(type: SigningKeyType): PrivateKey {
  const modulusLength = rsaBits(type)
  const { privateKey, publicKey } =
    modulusLength === undefined
      ? generateKeyPairSync('ec', { namedCurve: type === 'ecdsa-p256' ? 'prime256v1' : 'secp384r1' })
      : generateKeyPairSync('rsa', { modulusLength })
  return wrapPrivateKey(privateKey, publicKey)
}

export function importNodePrivateKey(pkcs8: Uint8Array): PrivateKey {
  if (parsePkcs8(pkcs8) === undefined) throw unusablePrivateKey()
  let key: KeyObject
  try {
    key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  } catch {
    throw unusablePrivateKey()
  }
  return wrapPrivateKey(key, createPublicKey(key))
}

function wrapPrivateKey(key: KeyObject, publicHalf: KeyObject): PrivateKey {
  const publicKey = wrapPublicKey(plain(publicHalf.export({ format: 'der', type: 'spki' })), publicHalf)
  if (publicKey === undefined) throw unusablePrivateKey()
  return new NodePrivateKey(key, publicKey)
}

function importDer(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/**
 * As a JSON Web Key: OpenSSL 3 takes 90 µs for that and 140 for the same key in DER, and every handshake imports one. Undefined for a point off
 * the curve, and where the platform does not know the format.
 */
function importPoint(curve: 'p256' | 'p384', point: Uint8Array): KeyObject | undefined {
  const text = (start: number, end: number): string => Buffer.from(point.subarray(start, end)).toString('base64url')
  const middle = (point.length + 1) / 2
  const crv = curve === 'p256' ? 'P-256' : 'P-384'
  try {
    const key = { kty: 'EC', crv, x: text(1, middle), y: text(middle, point.length) }
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** How `sign` and `verify` are told a scheme. PSS salts are as long as the hash (RFC 8446 §4.2.3). */
function withOptions(key: KeyObject, scheme: SchemeParts): { key: KeyObject } & SigningOptions {
  switch (scheme.kind) {
    case 'ecdsa':
      return { key, dsaEncoding: 'der' }
    case 'pkcs1':
      return { key, padding: constants.RSA_PKCS1_PADDING }
    case 'pss':
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  }
}

class NodePublicKey implements PublicKey {
  readonly algorithm: KeyAlgorithm
  readonly bits: number
  readonly spki: Uint8Array
  readonly #key: KeyObject

  constructor(key: KeyObject, algorithm: KeyAlgorithm, bits: number, spki: Uint8Array) {
    this.#key = key
    this.algorithm = algorithm
    this.bits = bits
    this.spki = spki
  }

  verify(scheme: SignatureScheme, data: Uint8Array, signature: Uint8Array): boolean {
    const how = schemeFor(this.algorithm, scheme)
    if (how === undefined) return false
    // RFC 8017 §8.2.2, step 1. OpenSSL takes a PSS signature without its leading zero byte.
    if (this.algorithm === 'rsa' && signature.length !== Math.ceil(this.bits / 8)) return false
    try {
      return verify(how.hash, data, withOptions(this.#key, how), signature)
    } catch {
      return false // for example a key that is too short for the scheme
    }
  }
}

class NodePrivateKey implements PrivateKey {
  readonly algorithm: KeyAlgorithm
  readonly publicKey: PublicKey
  readonly #key: KeyObject

  constructor(key: KeyObject, publicKey: PublicKey) {
    this.#key = key
    this.publicKey = publicKey
    this.algorithm = publicKey.algorithm
  }

  sign(scheme: SignatureScheme, data: Uint8Array): Uint8Array {
    const how = signingSchemeFor(this.algorithm, scheme)
    return plain(sign(how.hash, data, withOptions(this.#key, how)))
  }

  toPkcs8(): Uint8Array {
    return plain(this.#key.export({ format: 'der', type: 'pkcs8' }))
  }
}
