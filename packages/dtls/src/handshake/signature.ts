import type { KeyAlgorithm, SignatureScheme } from '@kaon/crypto'
import { Reader, Writer } from '../bytes.ts'

const IDS: Record<SignatureScheme, number> = {
  ecdsa_secp256r1_sha256: 0x0403,
  ecdsa_secp384r1_sha384: 0x0503,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
  rsa_pkcs1_sha256: 0x0401,
  rsa_pkcs1_sha384: 0x0501,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_sha1: 0x0203,
  rsa_pkcs1_sha1: 0x0201,
}

const NAMES = new Map<number, SignatureScheme>(Object.entries(IDS).map(([name, id]) => [id, name as SignatureScheme]))

/** Everything but SHA-1, which RFC 9155 forbids for signatures. */
export const DEFAULT_SIGNATURE_SCHEMES: readonly SignatureScheme[] = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
]

export function schemeId(scheme: SignatureScheme): number | undefined {
  return IDS[scheme]
}

export function schemeOf(id: number): SignatureScheme | undefined {
  return NAMES.get(id)
}

/** In TLS 1.2 an ECDSA scheme names a hash, not a curve (RFC 5246 §7.4.1.4.1). */
export function schemeFits(scheme: SignatureScheme, algorithm: KeyAlgorithm): boolean {
  return scheme.startsWith('ecdsa') === algorithm.startsWith('ecdsa')
}

/** What we sign with: the first of ours that the peer allows and the key can do. */
export function chooseScheme(
  ours: readonly SignatureScheme[],
  theirs: readonly number[],
  algorithm: KeyAlgorithm,
): SignatureScheme | undefined {
  // With P-384 keys the SHA-384 scheme is the natural one; otherwise the order of `ours` stands.
  if (algorithm === 'ecdsa-p384' && ours.includes('ecdsa_secp384r1_sha384') && theirs.includes(0x0503)) {
    return 'ecdsa_secp384r1_sha384'
  }
  for (const scheme of ours) if (schemeFits(scheme, algorithm) && theirs.includes(IDS[scheme])) return scheme
  return undefined
}

/** `digitally-signed` of RFC 5246 §4.7; also the whole body of CertificateVerify (§7.4.8). */
export interface DigitallySigned {
  readonly scheme: number
  readonly signature: Uint8Array
}

export function readDigitallySigned(reader: Reader): DigitallySigned {
  return { scheme: reader.u16(), signature: reader.vector16() }
}

export function decodeCertificateVerify(body: Uint8Array): DigitallySigned | undefined {
  const reader = new Reader(body)
  const signed = readDigitallySigned(reader)
  return reader.complete ? signed : undefined
}

export function encodeCertificateVerify(signed: DigitallySigned): Uint8Array {
  return new Writer().u16(signed.scheme).vector16(signed.signature).finish()
}
