import { type CryptoProvider, fingerprint, type FingerprintHash } from '@kaon/crypto'

/** One `a=fingerprint` (RFC 8122 §5). */
export interface Fingerprint {
  /** Such as `sha-256`. */
  readonly algorithm: string
  /** Such as `AB:CD:…`. */
  readonly value: string
}

/** Strongest first. MD5 and MD2 must not be used (RFC 8122 §5), so they are as unknown as any other name. */
const BY_STRENGTH: readonly FingerprintHash[] = ['sha-512', 'sha-384', 'sha-256', 'sha-1']

/**
 * Whether a certificate is one of those announced. Of several hash functions the strongest known one counts, and of its fingerprints any
 * may match (RFC 8122 §5): a weaker hash cannot vouch for a certificate that the stronger one rejects.
 */
export function matchesFingerprint(der: Uint8Array, list: readonly Fingerprint[], crypto: CryptoProvider): boolean {
  for (const hash of BY_STRENGTH) {
    const candidates = list.filter(({ algorithm }) => algorithm.toLowerCase() === hash)
    if (candidates.length === 0) continue
    const own = fingerprint(der, hash, crypto)
    return candidates.some(({ value }) => value.trim().toUpperCase() === own)
  }
  return false
}
