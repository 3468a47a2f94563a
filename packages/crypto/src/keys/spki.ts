import { isOid, Oid } from '../der/oids.ts'
import { DerReader, readBitString, readUnsigned, Tag } from '../der/reader.ts'
import { bitString, NULL, objectIdentifier, sequence, unsignedInteger } from '../der/writer.ts'

/** A public key, taken apart. */
export type PublicKeyParts =
  | { readonly kind: 'ec'; readonly curve: 'p256' | 'p384'; /** `04 x y` */ readonly point: Uint8Array }
  | { readonly kind: 'rsa'; readonly modulus: Uint8Array; readonly exponent: Uint8Array }

/** Larger keys would let a peer make this side compute for long. */
const MAX_RSA_BITS = 8192
const MIN_RSA_BITS = 1024

/** Takes a DER SubjectPublicKeyInfo apart (RFC 5280 §4.1, RFC 5480 §2, RFC 3279 §2.3.1). */
export function parseSpki(spki: Uint8Array): PublicKeyParts | undefined {
  const outer = new DerReader(spki)
  const body = outer.enter(Tag.sequence)
  const algorithm = body?.enter(Tag.sequence)
  const oid = algorithm?.read(Tag.objectIdentifier)
  if (body === undefined || algorithm === undefined || !outer.done) return undefined
  const key = readBitString(body.read(Tag.bitString))
  if (key === undefined || !body.done) return undefined
  if (isOid(oid, 'ecPublicKey')) {
    const curve = readCurve(algorithm)
    return curve === undefined || !algorithm.done || !isUncompressedPoint(curve, key)
      ? undefined
      : { kind: 'ec', curve, point: key }
  }
  if (isOid(oid, 'rsaEncryption')) {
    if (algorithm.read(Tag.null)?.length !== 0 || !algorithm.done) return undefined
    return parseRsaPublicKey(key)
  }
  return undefined
}

export function readCurve(algorithm: DerReader): 'p256' | 'p384' | undefined {
  const curve = algorithm.read(Tag.objectIdentifier)
  if (isOid(curve, 'prime256v1')) return 'p256'
  return isOid(curve, 'secp384r1') ? 'p384' : undefined
}

export function isUncompressedPoint(curve: 'p256' | 'p384', point: Uint8Array): boolean {
  return point.length === (curve === 'p256' ? 65 : 97) && point[0] === 4
}

function parseRsaPublicKey(der: Uint8Array): PublicKeyParts | undefined {
  const outer = new DerReader(der)
  const body = outer.enter(Tag.sequence)
  const modulus = readUnsigned(body?.read(Tag.integer))
  const exponent = readUnsigned(body?.read(Tag.integer))
  if (body === undefined || modulus === undefined || exponent === undefined || !body.done || !outer.done) {
    return undefined
  }
  return isUsableRsa(modulus, exponent) ? { kind: 'rsa', modulus, exponent } : undefined
}

export function isUsableRsa(modulus: Uint8Array, exponent: Uint8Array): boolean {
  const bits = bitLength(modulus)
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return false
  if (exponent.length > 8 || (exponent.length === 1 && exponent[0]! < 3)) return false
  return (modulus[modulus.length - 1]! & exponent[exponent.length - 1]! & 1) === 1
}

/** Size in bits of a big-endian number without leading zero bytes. */
export function bitLength(magnitude: Uint8Array): number {
  return magnitude.length === 0 ? 0 : 8 * magnitude.length - (Math.clz32(magnitude[0]!) - 24)
}

export function encodeSpki(parts: PublicKeyParts): Uint8Array {
  if (parts.kind === 'ec') return sequence(ecAlgorithm(parts.curve), bitString(parts.point))
  return sequence(rsaAlgorithm(), bitString(sequence(unsignedInteger(parts.modulus), unsignedInteger(parts.exponent))))
}

export function ecAlgorithm(curve: 'p256' | 'p384'): Uint8Array {
  return sequence(
    objectIdentifier(Oid.ecPublicKey),
    objectIdentifier(curve === 'p256' ? Oid.prime256v1 : Oid.secp384r1),
  )
}

export function rsaAlgorithm(): Uint8Array {
  return sequence(objectIdentifier(Oid.rsaEncryption), NULL)
}
