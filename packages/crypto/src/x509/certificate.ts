import { isOid } from '../der/oids.ts'
import { contextTag, DerReader, equalBytes, readBitString, Tag } from '../der/reader.ts'
import type { CryptoProvider } from '../types.ts'
import { parseSignatureAlgorithm } from './algorithms.ts'
import { readTime } from './time.ts'
import type { Certificate } from './types.ts'

/** Reads a DER certificate (RFC 5280 §4.1) as far as DTLS needs it. Undefined when malformed, or when its key is of no supported algorithm. */
export function readCertificate(der: Uint8Array, provider: CryptoProvider): Certificate | undefined {
  const outer = new DerReader(der)
  const certificate = outer.enter(Tag.sequence)
  const tbs = certificate?.readWhole(Tag.sequence)
  const algorithm = certificate?.readWhole(Tag.sequence)
  const signature = readBitString(certificate?.read(Tag.bitString))
  if (tbs === undefined || algorithm === undefined || signature === undefined) return undefined
  if (!certificate!.done || !outer.done) return undefined

  const body = new DerReader(tbs).enter(Tag.sequence)!
  if (body.tag === contextTag(0) && body.read(contextTag(0)) === undefined) return undefined // version
  const serialNumber = body.read(Tag.integer)
  const innerAlgorithm = body.readWhole(Tag.sequence)
  const issuer = body.readWhole(Tag.sequence)
  const validity = body.enter(Tag.sequence)
  const subject = body.readWhole(Tag.sequence)
  const spki = body.readWhole(Tag.sequence)
  if (serialNumber === undefined || serialNumber.length === 0 || issuer === undefined || validity === undefined) {
    return undefined
  }
  if (subject === undefined || spki === undefined) return undefined
  if (!equalBytes(innerAlgorithm, algorithm)) return undefined // RFC 5280 §4.1.1.2: both must be the same
  const notBefore = readTime(validity)
  const notAfter = readTime(validity)
  if (notBefore === undefined || notAfter === undefined || !validity.done) return undefined
  const publicKey = provider.importPublicKey(spki)
  if (publicKey === undefined) return undefined
  return {
    der,
    publicKey,
    notBefore,
    notAfter,
    serialNumber,
    issuer,
    subject,
    commonName: readCommonName(subject),
    tbs,
    signatureScheme: parseSignatureAlgorithm(algorithm),
    signature,
  }
}

/** The first common name of a Name (RFC 5280 §4.1.2.4) that is one of the text types with single bytes or UTF-8. */
function readCommonName(name: Uint8Array): string | undefined {
  const rdns = new DerReader(name).enter(Tag.sequence)
  for (let rdn = rdns?.enter(Tag.set); rdn !== undefined; rdn = rdns!.enter(Tag.set)) {
    for (let pair = rdn.enter(Tag.sequence); pair !== undefined; pair = rdn.enter(Tag.sequence)) {
      if (!isOid(pair.read(Tag.objectIdentifier), 'commonName')) continue
      const tag = pair.tag
      if (tag === Tag.utf8String || tag === Tag.printableString || tag === Tag.ia5String || tag === Tag.t61String) {
        const text = pair.read(tag)
        if (text !== undefined) return new TextDecoder().decode(text)
      }
    }
  }
  return undefined
}
