import { isOid, Oid } from '../der/oids.ts'
import { contextTag, DerReader, Tag } from '../der/reader.ts'
import { NULL, objectIdentifier, sequence } from '../der/writer.ts'
import type { KeyAlgorithm, SignatureScheme } from '../types.ts'

/** Which scheme an AlgorithmIdentifier names (RFC 5758 §3, RFC 4055 §3, §5), as far as this package knows it. */
export function parseSignatureAlgorithm(whole: Uint8Array): SignatureScheme | undefined {
  const body = new DerReader(whole).enter(Tag.sequence)
  const oid = body?.read(Tag.objectIdentifier)
  if (body === undefined || oid === undefined) return undefined
  if (isOid(oid, 'ecdsaWithSha256')) return 'ecdsa_secp256r1_sha256'
  if (isOid(oid, 'ecdsaWithSha384')) return 'ecdsa_secp384r1_sha384'
  if (isOid(oid, 'ecdsaWithSha1')) return 'ecdsa_sha1'
  if (isOid(oid, 'sha256WithRsa')) return 'rsa_pkcs1_sha256'
  if (isOid(oid, 'sha384WithRsa')) return 'rsa_pkcs1_sha384'
  if (isOid(oid, 'sha512WithRsa')) return 'rsa_pkcs1_sha512'
  if (isOid(oid, 'sha1WithRsa')) return 'rsa_pkcs1_sha1'
  return isOid(oid, 'rsassaPss') ? parsePss(body) : undefined
}

/** RSASSA-PSS-params (RFC 4055 §3.1): only the hash is read; salt and mask are taken to follow it, as everywhere in practice. */
function parsePss(body: DerReader): SignatureScheme | undefined {
  const hash = body.enter(Tag.sequence)?.enter(contextTag(0))?.enter(Tag.sequence)?.read(Tag.objectIdentifier)
  if (isOid(hash, 'sha256')) return 'rsa_pss_rsae_sha256'
  if (isOid(hash, 'sha384')) return 'rsa_pss_rsae_sha384'
  return isOid(hash, 'sha512') ? 'rsa_pss_rsae_sha512' : undefined
}

/** What a key signs its own certificate with. */
export function selfSignature(algorithm: KeyAlgorithm): { scheme: SignatureScheme; identifier: Uint8Array } {
  switch (algorithm) {
    case 'ecdsa-p256':
      return { scheme: 'ecdsa_secp256r1_sha256', identifier: sequence(objectIdentifier(Oid.ecdsaWithSha256)) }
    case 'ecdsa-p384':
      return { scheme: 'ecdsa_secp384r1_sha384', identifier: sequence(objectIdentifier(Oid.ecdsaWithSha384)) }
    case 'rsa':
      return { scheme: 'rsa_pkcs1_sha256', identifier: sequence(objectIdentifier(Oid.sha256WithRsa), NULL) }
  }
}
