/** Stable codes of everything that this package throws or reports. */
export type SctpErrorCode =
  /** The association is closed, or is being shut down. */
  | 'ERR_SCTP_STATE'
  /** The message is larger than `maxMessageSize`. */
  | 'ERR_SCTP_MESSAGE_TOO_LARGE'
  /** A DATA chunk carries at least one byte (RFC 9260 §3.3.1): an empty message cannot be sent. */
  | 'ERR_SCTP_EMPTY_MESSAGE'
  /** The stream does not exist, or is not an integer from 0 to 65534. */
  | 'ERR_SCTP_STREAM_ID'
  /** The stream waits for its reset to be sent or answered. */
  | 'ERR_SCTP_STREAM_RESETTING'
  /** More than `maxBufferedAmount` bytes would be queued. */
  | 'ERR_SCTP_BUFFER_FULL'
  /** An option or argument is out of its range. */
  | 'ERR_SCTP_ARGUMENT'
  /** The peer does not answer any more (RFC 9260 §8.1), or never did (§5.1). */
  | 'ERR_SCTP_TIMEOUT'
  /** The peer sent an ABORT; its error causes are in the message. */
  | 'ERR_SCTP_PEER_ABORT'
  /** `abort()` was called here. */
  | 'ERR_SCTP_ABORTED'
  /** The peer broke the protocol in a way that leaves no association to continue. */
  | 'ERR_SCTP_PROTOCOL_VIOLATION'
  /** The peer fills the receive buffer with messages that it never completes. */
  | 'ERR_SCTP_RESOURCES'

/** What this package throws for misuse, and what `aborted` events carry. */
export class SctpError extends Error {
  readonly code: SctpErrorCode
  /** The first error cause of the peer's ABORT (RFC 9260 §3.3.10), 12 for one that its user asked for; undefined without. */
  readonly causeCode: number | undefined

  constructor(code: SctpErrorCode, message: string, causeCode?: number) {
    super(message)
    this.name = 'SctpError'
    this.code = code
    this.causeCode = causeCode
  }
}
