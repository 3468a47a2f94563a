import type { OutgoingMessage, SctpEvent } from '@kaon/sctp'

/**
 * What a {@link DataChannelManager} needs of an association; the one of `@kaon/sctp` fits. The manager takes all of its
 * events: nobody else may call `pollEvent`.
 */
export interface AssociationLike {
  /** Undefined before `connected`. */
  readonly negotiated: AssociationStreams | undefined
  pollEvent(): SctpEvent | undefined
  send(message: OutgoingMessage, now: number): void
  /** Bytes given to `send` for this stream that have not gone out for the first time. */
  bufferedAmount(streamId: number): number
  /** A `buffered-amount-low` event follows when `bufferedAmount` falls from above to this or below. */
  setBufferedAmountLowThreshold(streamId: number, bytes: number): void
  setStreamPriority(streamId: number, priority: number): void
  resetStreams(streamIds: readonly number[]): void
  setMaxMessageSize(bytes: number): void
}

/** What the handshake settled about streams. */
export interface AssociationStreams {
  /** Ids below these may be used. */
  readonly outboundStreams: number
  readonly inboundStreams: number
  /** Both sides can reset streams (RFC 6525), without which an id is never free again. */
  readonly streamReset: boolean
}
