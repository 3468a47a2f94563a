import type { SctpError } from './errors.ts'

/** A user message that was received whole. */
export interface MessageEvent {
  readonly type: 'message'
  readonly streamId: number
  /** Payload protocol identifier, as the peer sent it. */
  readonly ppid: number
  /** Owned by the taker. An unfragmented message is a view of its datagram. */
  readonly data: Uint8Array
  readonly unordered: boolean
}

/** What an association has to tell. */
export type SctpEvent =
  /** The handshake is done, `negotiated` is known. Fires once, before any `message`. */
  | { readonly type: 'connected' }
  | MessageEvent
  /** The peer sent a message above `maxReceiveMessageSize`: it was acknowledged and thrown away. */
  | { readonly type: 'message-discarded'; readonly streamId: number; readonly ppid: number }
  /** `bufferedAmount(streamId)` fell from above to at or below the stream's threshold. */
  | { readonly type: 'buffered-amount-low'; readonly streamId: number }
  /** The peer reset its outgoing streams (RFC 6525); `all` when it named none, which means every one. Their numbering starts anew. */
  | { readonly type: 'incoming-reset'; readonly streamIds: readonly number[]; readonly all: boolean }
  /** Answer to `resetStreams`: with `ok` the ids may be used again, otherwise the peer refused and the streams go on as they were. */
  | { readonly type: 'outgoing-reset'; readonly streamIds: readonly number[]; readonly ok: boolean }
  /** The peer started anew (RFC 9260 §5.2.4 action A): everything queued or half received was lost, all streams are as new. */
  | { readonly type: 'restarted' }
  /** Shut down gracefully by either side: everything sent was delivered. Nothing follows. */
  | { readonly type: 'closed' }
  /** Ended abruptly. Nothing follows. */
  | { readonly type: 'aborted'; readonly error: SctpError }
