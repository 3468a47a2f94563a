import { encodePkcs8, parsePkcs8, type EcPrivateParts, type RsaPrivateParts } from '../keys/pkcs8.ts'
import { rsaBits, schemeFor, signingSchemeFor, unusablePrivateKey } from '../keys/schemes.ts'
import { bitLength, encodeSpki, parseSpki, type PublicKeyParts } from '../keys/spki.ts'
import { equalBytes } from '../der/reader.ts'
import type { CryptoProvider, KeyAlgorithm, PrivateKey, PublicKey, SignatureScheme, SigningKeyType } from '../types.ts'
import type { NobleLibrary } from './library.ts'
import { rsaSign, rsaVerify } from './rsa.ts'
import { generateRsaKey } from './rsa-keygen.ts'

type Primitives = Pick<CryptoProvider, 'hash' | 'random'>
type CompleteEcParts = EcPrivateParts & { readonly point: Uint8Array }

const ECDSA_OPTIONS = { prehash: false, lowS: false, format: 'der' } as const

export function importNoblePublicKey(
  library: NobleLibrary,
  primitives: Primitives,
  spki: Uint8Array,
): PublicKey | undefined {
  const parts = parseSpki(spki)
  if (parts === undefined) return undefined
  if (parts.kind === 'ec' && !isOnCurve(library, parts.curve, parts.point)) return undefined
  return new NoblePublicKey(library, primitives, parts, spki)
}

export function generateNobleSigningKey(
  library: NobleLibrary,
  primitives: Primitives,
  type: SigningKeyType,
): PrivateKey {
  const bits = rsaBits(type)
  if (bits !== undefined) {
    return new NoblePrivateKey(
      library,
      primitives,
      generateRsaKey((length) => primitives.random(length), bits),
    )
  }
  const curve = type === 'ecdsa-p256' ? 'p256' : 'p384'
  const secret = library.nist[curve].utils.randomSecretKey()
  return new NoblePrivateKey(library, primitives, {
    kind: 'ec',
    curve,
    secret,
    point: library.nist[curve].getPublicKey(secret, false),
  })
}

export function importNoblePrivateKey(library: NobleLibrary, primitives: Primitives, pkcs8: Uint8Array): PrivateKey {
  const parts = parsePkcs8(pkcs8.slice())
  if (parts === undefined) throw unusablePrivateKey()
  if (parts.kind === 'rsa') return new NoblePrivateKey(library, primitives, parts)
  const curve = library.nist[parts.curve]
  if (!curve.utils.isValidSecretKey(parts.secret)) throw unusablePrivateKey()
  const point = curve.getPublicKey(parts.secret, false)
  if (parts.point !== undefined && !equalBytes(parts.point, point)) throw unusablePrivateKey()
  return new NoblePrivateKey(library, primitives, { ...parts, point })
}

function isOnCurve(library: NobleLibrary, curve: 'p256' | 'p384', point: Uint8Array): boolean {
  try {
    library.nist[curve].Point.fromBytes(point).assertValidity()
    return true
  } catch {
    return false
  }
}

function algorithmOf(parts: { kind: 'rsa' } | { kind: 'ec'; curve: 'p256' | 'p384' }): KeyAlgorithm {
  return parts.kind === 'rsa' ? 'rsa' : `ecdsa-${parts.curve}`
}

class NoblePublicKey implements PublicKey {
  readonly algorithm: KeyAlgorithm
  readonly bits: number
  readonly spki: Uint8Array
  readonly #library: NobleLibrary
  readonly #primitives: Primitives
  readonly #parts: PublicKeyParts

  constructor(library: NobleLibrary, primitives: Primitives, parts: PublicKeyParts, spki: Uint8Array) {
    this.#library = library
    this.#primitives = primitives
    this.#parts = parts
    this.algorithm = algorithmOf(parts)
    this.bits = parts.kind === 'rsa' ? bitLength(parts.modulus) : parts.curve === 'p256' ? 256 : 384
    this.spki = spki
  }

  verify(scheme: SignatureScheme, data: Uint8Array, signature: Uint8Array): boolean {
    const how = schemeFor(this.algorithm, scheme)
    if (how === undefined) return false
    const parts = this.#parts
    const primitives = this.#primitives
    if (parts.kind === 'rsa') {
      return rsaVerify(primitives.hash, how, parts.modulus, parts.exponent, data, signature)
    }
    const digest = primitives.hash(how.hash, data)
    try {
      return this.#library.nist[parts.curve].verify(signature, digest, parts.point, ECDSA_OPTIONS)
    } catch {
      return false // the signature is no DER
    }
  }
}

class NoblePrivateKey implements PrivateKey {
  readonly algorithm: KeyAlgorithm
  readonly publicKey: PublicKey
  readonly #library: NobleLibrary
  readonly #primitives: Primitives
  readonly #parts: RsaPrivateParts | CompleteEcParts

  constructor(library: NobleLibrary, primitives: Primitives, parts: RsaPrivateParts | CompleteEcParts) {
    this.#library = library
    this.#primitives = primitives
    this.#parts = parts
    this.algorithm = algorithmOf(parts)
    const publicParts: PublicKeyParts =
      parts.kind === 'rsa'
        ? { kind: 'rsa', modulus: parts.modulus, exponent: parts.publicExponent }
        : { kind: 'ec', curve: parts.curve, point: parts.point }
    this.publicKey = new NoblePublicKey(library, primitives, publicParts, encodeSpki(publicParts))
  }

  sign(scheme: SignatureScheme, data: Uint8Array): Uint8Array {
    const how = signingSchemeFor(this.algorithm, scheme)
    const { hash, random } = this.#primitives
    const parts = this.#parts
    if (parts.kind === 'rsa') return rsaSign(hash, random, how, parts, data)
    return this.#library.nist[parts.curve].sign(hash(how.hash, data), parts.secret, ECDSA_OPTIONS)
  }

  toPkcs8(): Uint8Array {
    return encodePkcs8(this.#parts)
  }
}
