import type { SctpEvent } from '../events.ts'
import type { AssociationOptions } from '../options.ts'
import { createStats } from '../stats.ts'
import type { AssociationStats } from '../stats.ts'

/** States of RFC 9260 §4; `closed` is both the first and the last. */
export type AssociationState =
  | 'closed'
  | 'cookie-wait'
  | 'cookie-echoed'
  | 'established'
  | 'shutdown-pending'
  | 'shutdown-sent'
  | 'shutdown-received'
  | 'shutdown-ack-sent'

/** A user message and how it is to be delivered. */
export interface OutgoingMessage {
  readonly streamId: number
  /** Payload protocol identifier, handed to the peer as it is. */
  readonly ppid: number
  /** At least one byte. Belongs to the association from now on. */
  readonly data: Uint8Array
  /** Delivered as soon as it is whole, regardless of other messages. Default false. */
  readonly unordered?: boolean
  /** Give the message up when a part of it would have to be sent more often than 1 + this. Default: never. */
  readonly maxRetransmits?: number
  /** Give the message up this many ms after `send`. Default: never. */
  readonly lifetime?: number
}

/** What the handshake settled. */
export interface Negotiated {
  /** Streams that we may send on: ids below this. */
  readonly outboundStreams: number
  readonly inboundStreams: number
  /** I-DATA both ways (RFC 8260). */
  readonly interleaving: boolean
  readonly partialReliability: boolean
  /** RE-CONFIG both ways (RFC 6525). */
  readonly streamReset: boolean
  /** We send a checksum of zero. */
  readonly zeroChecksumSent: boolean
  /** The peer may send a checksum of zero. */
  readonly zeroChecksumReceived: boolean
}

/** An SCTP association (RFC 9260): a machine without I/O, clock or timers. */
export class Association {
  readonly stats: AssociationStats = createStats()

  constructor(options: AssociationOptions) {
    void options
  }

  get state(): AssociationState {
    return 'closed'
  }

  /** Undefined before `connected`. */
  get negotiated(): Negotiated | undefined {
    return undefined
  }

  /** Sends an INIT. Both sides may (RFC 9260 §5.2.1), one suffices. Throws `ERR_SCTP_STATE` unless new. */
  connect(now: number): void {
    void now
  }

  /** Takes one SCTP packet; it belongs to the association from now on. */
  receive(packet: Uint8Array, now: number): void {
    void packet
    void now
  }

  /** When `tick` is due, absolute ms; Infinity when idle. */
  get deadline(): number {
    return Infinity
  }

  tick(now: number): void {
    void now
  }

  /** The next packet to send. Call until undefined after any number of inputs. */
  pollTransmit(now: number): Uint8Array | undefined {
    void now
    return undefined
  }

  /** The next event. A message occupies the receive window until it is taken here. */
  pollEvent(): SctpEvent | undefined {
    return undefined
  }

  /**
   * Queues a message, before `connected` too. Throws `ERR_SCTP_STATE`, `ERR_SCTP_STREAM_ID`, `ERR_SCTP_STREAM_RESETTING`,
   * `ERR_SCTP_EMPTY_MESSAGE`, `ERR_SCTP_MESSAGE_TOO_LARGE`, `ERR_SCTP_BUFFER_FULL`, `ERR_SCTP_ARGUMENT`.
   */
  send(message: OutgoingMessage, now: number): void {
    void message
    void now
  }

  /** Bytes given to `send` for this stream that were not yet handed out by `pollTransmit` for the first time. */
  bufferedAmount(streamId: number): number {
    void streamId
    return 0
  }

  /** The same for all streams together. */
  get totalBufferedAmount(): number {
    return 0
  }

  /** A `buffered-amount-low` event fires when `bufferedAmount` falls to this or below. Default 0. */
  setBufferedAmountLowThreshold(streamId: number, bytes: number): void {
    void streamId
    void bytes
  }

  /** Share of the stream when several have data, 1 to 65535 (RFC 8260 §3.6; WebRTC: 128, 256, 512, 1024). Default 256. Survives a reset. */
  setStreamPriority(streamId: number, priority: number): void {
    void streamId
    void priority
  }

  /**
   * Resets outgoing streams (RFC 6525): what is queued on them is sent first, then an `outgoing-reset` event answers.
   * Until then `send` on them throws. An id that waits already is left alone.
   */
  resetStreams(streamIds: readonly number[]): void {
    void streamIds
  }

  /** Ends gracefully: what is queued is delivered first (RFC 9260 §9.2). `send` throws from now on; `closed` follows. */
  shutdown(): void {}

  /** Ends at once: an ABORT is sent, `aborted` with `ERR_SCTP_ABORTED` follows (RFC 9260 §9.1). */
  abort(reason?: string): void {
    void reason
  }

  /** The path was replaced or came back: what waits for a timeout is sent now, and path measurements start anew. */
  pathChanged(now: number): void {
    void now
  }

  /** Largest SCTP packet from now on, bytes (path MTU discovery). Throws `ERR_SCTP_ARGUMENT` below 512. */
  setMtu(mtu: number): void {
    void mtu
  }

  /** The peer's `a=max-message-size`; Infinity for any size. */
  setMaxMessageSize(bytes: number): void {
    void bytes
  }

  get maxMessageSize(): number {
    return 262144
  }

  get mtu(): number {
    return 1191
  }

  /** ms; undefined before the first measurement. */
  get smoothedRoundTripTime(): number | undefined {
    return undefined
  }

  /** Bytes. */
  get congestionWindow(): number {
    return 0
  }

  /** The peer's last advertised window less what is in flight, bytes. */
  get peerReceiveWindow(): number {
    return 0
  }

  /** Bytes sent and neither acknowledged nor given up. */
  get bytesInFlight(): number {
    return 0
  }
}
