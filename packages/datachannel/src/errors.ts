/** Stable codes of everything that this package throws or reports. */
export type DataChannelErrorCode =
  /** The channel is not open, or the association has ended. */
  | 'ERR_DATACHANNEL_STATE'
  /** An option or argument is out of its range, or two exclude each other. */
  | 'ERR_DATACHANNEL_ARGUMENT'
  /** The id is that of another channel, or of one whose closing the peer has not confirmed yet. */
  | 'ERR_DATACHANNEL_ID_IN_USE'
  /** No stream id of our side is left, or the association has fewer streams than the id asks for. */
  | 'ERR_DATACHANNEL_ID_EXHAUSTED'
  /** The message is larger than the peer accepts, or the peer sent one larger than we do. */
  | 'ERR_DATACHANNEL_MESSAGE_TOO_LARGE'
  /** The association's send buffer has no room for the message. */
  | 'ERR_DATACHANNEL_BUFFER_FULL'
  /** The peer refused the channel: it reset the stream instead of acknowledging (RFC 8832 §6). */
  | 'ERR_DATACHANNEL_REFUSED'
  /** The association was aborted, by either side or because the peer fell silent. `cause` says which. */
  | 'ERR_DATACHANNEL_ASSOCIATION'
  /** The peer broke the protocol on this channel. */
  | 'ERR_DATACHANNEL_PROTOCOL'

/** What this package throws for misuse, and what a `closed` event carries when a channel ended with an error. */
export class DataChannelError extends Error {
  readonly code: DataChannelErrorCode

  constructor(code: DataChannelErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DataChannelError'
    this.code = code
  }
}
