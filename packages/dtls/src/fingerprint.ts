/** One `a=fingerprint` (RFC 8122 §5). */
export interface Fingerprint {
  /** Such as `sha-256`. */
  readonly algorithm: string
  /** Such as `AB:CD:…`. */
  readonly value: string
}
