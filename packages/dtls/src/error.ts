import { alertNumber, type AlertDescription } from './alert.ts'

/**
 * Stable reasons. Thrown for misuse by the caller: `ERR_DTLS_OPTIONS`, `ERR_DTLS_STATE`, `ERR_DTLS_DATA_TOO_LARGE`.
 * The others come in a `failed` event.
 */
export type DtlsErrorCode =
  | 'ERR_DTLS_OPTIONS'
  | 'ERR_DTLS_STATE'
  | 'ERR_DTLS_DATA_TOO_LARGE'
  /** The peer did not finish the handshake in time. */
  | 'ERR_DTLS_TIMEOUT'
  /** The peer ended the handshake or the connection with an alert. */
  | 'ERR_DTLS_ALERT'
  /** No common version, cipher suite, group or signature scheme. */
  | 'ERR_DTLS_NEGOTIATION'
  /** A handshake message was malformed, out of order or not allowed. */
  | 'ERR_DTLS_PROTOCOL'
  /** The peer's certificate is missing, unusable, or was refused by `verifyPeer`. */
  | 'ERR_DTLS_CERTIFICATE'
  /** The peer's certificate is not the one that its fingerprints announced. */
  | 'ERR_DTLS_FINGERPRINT'
  /** The peer does not hold the key of its certificate. */
  | 'ERR_DTLS_SIGNATURE'
  /** The peer saw another handshake than we did. */
  | 'ERR_DTLS_FINISHED'
  /** All record sequence numbers are used up (RFC 6347 §4.1). */
  | 'ERR_DTLS_SEQUENCE_EXHAUSTED'
  /** The caller gave up through its `AbortSignal`. */
  | 'ERR_DTLS_ABORTED'

/** What went wrong. `code` is stable, the message is for people. */
export class DtlsError extends Error {
  override readonly name: string = 'DtlsError'
  readonly code: DtlsErrorCode
  /** The alert that was sent or received, when there was one (RFC 5246 §7.2). */
  readonly alert: AlertDescription | undefined

  constructor(code: DtlsErrorCode, message: string, alert?: AlertDescription, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.alert = alert
  }

  /** `alert` as the number that goes over the wire. */
  get alertNumber(): number | undefined {
    return this.alert === undefined ? undefined : alertNumber(this.alert)
  }
}
