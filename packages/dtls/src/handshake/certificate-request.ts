import { listOf16, listOf8, Reader, Writer } from '../bytes.ts'

/** `ClientCertificateType` values (RFC 5246 §7.4.4, RFC 8422 §5.5). */
export const CLIENT_CERTIFICATE_RSA_SIGN = 1
export const CLIENT_CERTIFICATE_ECDSA_SIGN = 64

/** RFC 5246 §7.4.4. */
export interface CertificateRequest {
  readonly certificateTypes: readonly number[]
  readonly signatureAlgorithms: readonly number[]
  /** DER distinguished names; empty means anyone. */
  readonly authorities: readonly Uint8Array[]
}

export function decodeCertificateRequest(body: Uint8Array): CertificateRequest | undefined {
  const reader = new Reader(body)
  const certificateTypes = listOf8(reader.vector8())
  const signatureAlgorithms = listOf16(reader.vector16())
  const names = new Reader(reader.vector16())
  if (!reader.complete || signatureAlgorithms === undefined) return undefined
  const authorities: Uint8Array[] = []
  while (names.remaining > 0) {
    authorities.push(names.vector16())
    if (names.overrun) return undefined
  }
  return { certificateTypes, signatureAlgorithms, authorities }
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  const names = new Writer()
  for (const name of request.authorities) names.vector16(name)
  return new Writer()
    .vector8(Uint8Array.from(request.certificateTypes))
    .list16(request.signatureAlgorithms)
    .vector16(names.finish())
    .finish()
}
