/** Stable codes of everything that this package throws. Packets from the network never throw. */
export type SrtpErrorCode =
  /** No protection profile of this name. */
  | 'ERR_SRTP_PROFILE'
  /** Master key, master salt or keying material of a wrong length. */
  | 'ERR_SRTP_KEY'
  /** An option or argument is out of its range. */
  | 'ERR_SRTP_ARGUMENT'
  /** What was to be protected is no RTP or RTCP packet. */
  | 'ERR_SRTP_PACKET'
  /** The packet's index was used before, or is so old that nobody knows: a second packet under it would break the cipher. */
  | 'ERR_SRTP_REPEATED_INDEX'
  /** All packets that one key may protect were sent (RFC 3711 §9.2): a new key is needed. */
  | 'ERR_SRTP_KEY_EXHAUSTED'

/** A caller's mistake, or the end of a key. Its message never contains key material. */
export class SrtpError extends Error {
  readonly code: SrtpErrorCode

  constructor(code: SrtpErrorCode, message: string) {
    super(message)
    this.name = 'SrtpError'
    this.code = code
  }
}
