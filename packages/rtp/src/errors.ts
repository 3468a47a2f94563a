/** Stable codes of everything that this package throws. */
export type RtpErrorCode =
  /** An option or argument is out of its range. */
  | 'ERR_RTP_ARGUMENT'
  /** The stream is closed. */
  | 'ERR_RTP_STATE'
  /** More than 15 contributing sources, or more padding than a byte can count (RFC 3550 §5.1). */
  | 'ERR_RTP_HEADER'
  /** A header extension element has an id or a length that the two-byte form cannot carry (RFC 8285 §4.3). */
  | 'ERR_RTP_EXTENSION'

/** What this package throws for misuse. Bytes from the network never throw. */
export class RtpError extends Error {
  readonly code: RtpErrorCode

  constructor(code: RtpErrorCode, message: string) {
    super(message)
    this.name = 'RtpError'
    this.code = code
  }
}
