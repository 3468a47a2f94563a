import { isOid } from '../der/oids.ts'
import { contextTag, DerReader, readBitString, readUnsigned, Tag } from '../der/reader.ts'
import { bitString, element, octetString, sequence, smallInteger, unsignedInteger } from '../der/writer.ts'
import { ecAlgorithm, isUncompressedPoint, isUsableRsa, readCurve, rsaAlgorithm } from './spki.ts'

/** The numbers of an RSA private key, big-endian (RFC 8017 §3.2). */
export interface RsaPrivateParts {
  readonly kind: 'rsa'
  readonly modulus: Uint8Array
  readonly publicExponent: Uint8Array
  readonly privateExponent: Uint8Array
  readonly prime1: Uint8Array
  readonly prime2: Uint8Array
  readonly exponent1: Uint8Array
  readonly exponent2: Uint8Array
  readonly coefficient: Uint8Array
}

export interface EcPrivateParts {
  readonly kind: 'ec'
  readonly curve: 'p256' | 'p384'
  readonly secret: Uint8Array
  /** `04 x y`, when the key carries it. */
  readonly point: Uint8Array | undefined
}

/** Takes a DER PrivateKeyInfo apart (RFC 5958 §2). */
export function parsePkcs8(pkcs8: Uint8Array): RsaPrivateParts | EcPrivateParts | undefined {
  const outer = new DerReader(pkcs8)
  const body = outer.enter(Tag.sequence)
  const version = body?.read(Tag.integer)
  const algorithm = body?.enter(Tag.sequence)
  const oid = algorithm?.read(Tag.objectIdentifier)
  const key = body?.read(Tag.octetString)
  if (version?.length !== 1 || version[0]! > 1 || algorithm === undefined || key === undefined) return undefined
  if (!outer.done) return undefined
  if (isOid(oid, 'ecPublicKey')) {
    const curve = readCurve(algorithm)
    return curve === undefined ? undefined : parseEcPrivateKey(curve, key)
  }
  return isOid(oid, 'rsaEncryption') ? parseRsaPrivateKey(key) : undefined
}

/** RFC 5915 §3. */
function parseEcPrivateKey(curve: 'p256' | 'p384', der: Uint8Array): EcPrivateParts | undefined {
  const body = new DerReader(der).enter(Tag.sequence)
  const version = body?.read(Tag.integer)
  const secret = body?.read(Tag.octetString)
  if (body === undefined || secret === undefined || version?.length !== 1 || version[0] !== 1) return undefined
  if (secret.length !== (curve === 'p256' ? 32 : 48)) return undefined
  if (body.tag === contextTag(0)) body.read(contextTag(0)) // the curve once more
  let point: Uint8Array | undefined
  if (body.tag === contextTag(1)) {
    point = readBitString(body.enter(contextTag(1))?.read(Tag.bitString))
    if (point === undefined || !isUncompressedPoint(curve, point)) return undefined
  }
  return { kind: 'ec', curve, secret, point }
}

/** RFC 8017 appendix A.1.2; keys with more than two primes are not supported. */
function parseRsaPrivateKey(der: Uint8Array): RsaPrivateParts | undefined {
  const body = new DerReader(der).enter(Tag.sequence)
  const version = body?.read(Tag.integer)
  if (body === undefined || version?.length !== 1 || version[0] !== 0) return undefined
  const numbers: Uint8Array[] = []
  for (let i = 0; i < 8; i++) {
    const number = readUnsigned(body.read(Tag.integer))
    if (number === undefined) return undefined
    numbers.push(number)
  }
  if (!body.done || !isUsableRsa(numbers[0]!, numbers[1]!)) return undefined
  return {
    kind: 'rsa',
    modulus: numbers[0]!,
    publicExponent: numbers[1]!,
    privateExponent: numbers[2]!,
    prime1: numbers[3]!,
    prime2: numbers[4]!,
    exponent1: numbers[5]!,
    exponent2: numbers[6]!,
    coefficient: numbers[7]!,
  }
}

export function encodePkcs8(parts: RsaPrivateParts | (EcPrivateParts & { readonly point: Uint8Array })): Uint8Array {
  if (parts.kind === 'ec') {
    const key = sequence(smallInteger(1), octetString(parts.secret), element(contextTag(1), bitString(parts.point)))
    return sequence(smallInteger(0), ecAlgorithm(parts.curve), octetString(key))
  }
  const key = sequence(
    smallInteger(0),
    unsignedInteger(parts.modulus),
    unsignedInteger(parts.publicExponent),
    unsignedInteger(parts.privateExponent),
    unsignedInteger(parts.prime1),
    unsignedInteger(parts.prime2),
    unsignedInteger(parts.exponent1),
    unsignedInteger(parts.exponent2),
    unsignedInteger(parts.coefficient),
  )
  return sequence(smallInteger(0), rsaAlgorithm(), octetString(key))
}
