import { nobleProvider } from './noble.ts'
import { nodeProvider } from './provider.ts'
import type { CryptoProvider } from '../types.ts'
import { readCertificate } from '../x509/certificate.ts'
import { computeFingerprint } from '../x509/fingerprint.ts'
import { writeSelfSigned } from '../x509/self-signed.ts'
import type { Certificate, FingerprintHash, SelfSignedOptions } from '../x509/types.ts'

export * from '../exports.ts'
export { nobleProvider }

/** The best backend of this platform: `node:crypto` in Node, Bun and Deno, noble elsewhere. */
export const defaultProvider: CryptoProvider = nodeProvider

/**
 * Reads a DER certificate (RFC 5280 §4.1). Undefined when it is malformed or its key is of an algorithm that is not
 * supported (P-256, P-384, RSA of 1024 to 8192 bits are). Verifies nothing.
 */
export function parseCertificate(der: Uint8Array, provider: CryptoProvider = defaultProvider): Certificate | undefined {
  return readCertificate(der, provider)
}

/**
 * Makes a self-signed X.509 certificate and returns its DER: version 3, random serial number, no extensions. Throws `ERR_CRYPTO_ARGUMENT`
 * for a validity or common name that a certificate cannot hold.
 */
export function createSelfSignedCertificate(options: SelfSignedOptions): Uint8Array {
  return writeSelfSigned(options, options.provider ?? defaultProvider)
}

/** A certificate's fingerprint as SDP writes it (RFC 8122 §5): pairs of capital hexadecimal digits with colons between. */
export function fingerprint(
  der: Uint8Array,
  hash: FingerprintHash = 'sha-256',
  provider: CryptoProvider = defaultProvider,
): string {
  return computeFingerprint(der, hash, provider)
}
