import type { CongestionControllerFactory } from './tx/congestion.ts'

/** One structured event for people who debug. */
export interface TraceEvent {
  readonly layer: string
  readonly name: string
  readonly data?: unknown
}

/** All sizes are bytes, all times ms. */
export interface AssociationOptions {
  /** The time at creation, on the axis of every later `now`. */
  readonly now: number
  /** Default 5000, as WebRTC has it (RFC 8831 §6). */
  readonly localPort?: number
  readonly remotePort?: number
  /** Largest SCTP packet. Default 1191 = 1280 − 40 (IPv6) − 8 (UDP) − 24 (AEAD) − 13 (DTLS record) − 4 (TURN channel). */
  readonly mtu?: number
  /** Largest message that may be sent, the peer's `a=max-message-size`. Default 262144; `setMaxMessageSize` changes it. */
  readonly maxMessageSize?: number
  /** Largest message that is accepted, our own `a=max-message-size`. Default 262144. */
  readonly maxReceiveMessageSize?: number
  /** Most bytes that `send` may queue in all streams together. Default unlimited. */
  readonly maxBufferedAmount?: number
  /** Receive window to begin with. Default 1 MiB. It doubles when the peer fills half of it in one round trip. */
  readonly initialReceiveBuffer?: number
  /** Upper limit of the receive window, hence of the memory that a peer can occupy. Default 16 MiB. */
  readonly maxReceiveBuffer?: number
  /** Streams to ask for (OS). Default 65535, as RFC 8831 §6.2 demands. */
  readonly outboundStreams?: number
  /** Streams that the peer may open (MIS). Default 65535. */
  readonly inboundStreams?: number
  /** Offer and use a checksum of zero (RFC 9653). Only right over DTLS. Default false. */
  readonly zeroChecksum?: boolean
  /** Offer message interleaving, I-DATA (RFC 8260). Used when both sides offer it. Default true. */
  readonly interleaving?: boolean
  /** Offer partial reliability, FORWARD-TSN (RFC 3758). Default true. */
  readonly partialReliability?: boolean
  /**
   * Every packet of `pollTransmit` is written to the same memory, so that it is good until the next call only: for whoever
   * encrypts or copies it at once. Default false: packets belong to their taker.
   */
  readonly reusePackets?: boolean
  /** Congestion control. Default `cubic`. */
  readonly congestionController?: CongestionControllerFactory
  /** Timeout before a round trip was measured. Default 500. */
  readonly rtoInitial?: number
  /** Default 220: above the 200 that a standard peer may delay its SACK. */
  readonly rtoMin?: number
  /** Default 10000, so that a path that comes back is noticed soon. */
  readonly rtoMax?: number
  /** Consecutive timeouts after which the peer is given up (RFC 9260 §8.1). Default 10; Infinity for never. */
  readonly maxRetransmissions?: number
  /** INITs or COOKIE ECHOs sent before giving up. Default 10; Infinity for never. */
  readonly maxInitRetransmissions?: number
  /** Idle time after which a HEARTBEAT asks whether the peer still lives; 0 turns them off. Default 30000. */
  readonly heartbeatInterval?: number
  /** Longest delay of a SACK. Default 20. */
  readonly sackDelay?: number
  /** How long a state cookie is good for. Default 60000. */
  readonly cookieLifetime?: number
  /** Random bytes for tags, TSNs and the cookie secret. Default `crypto.getRandomValues`. */
  readonly random?: (length: number) => Uint8Array
  readonly trace?: (event: TraceEvent) => void
}
