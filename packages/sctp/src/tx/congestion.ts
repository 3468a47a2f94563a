/** What a controller is told about one acknowledgement. Bytes are user data, times are ms. */
export interface AckSample {
  now: number
  /** Bytes that this SACK acknowledged for the first time, cumulatively or by gap blocks. */
  ackedBytes: number
  /** Bytes in flight before the SACK was processed. */
  priorInFlight: number
  /** Bytes in flight after it. */
  inFlight: number
  /** The sender was held back by the congestion window rather than by lack of data or by the receiver. */
  windowLimited: boolean
  /** A round-trip time measured by this SACK, or 0. */
  roundTripTime: number
  smoothedRoundTripTime: number
  minRoundTripTime: number
  /** A round trip has passed since the last sample that had this set. */
  roundStart: boolean
}

/**
 * Decides how much may be in flight (RFC 9260 §7). The sender does the rest: loss detection, proportional rate reduction,
 * pacing. One controller serves one path and is told of events in order.
 */
export interface CongestionController {
  readonly name: string
  /** Bytes of user data that may be in flight. */
  readonly congestionWindow: number
  readonly slowStartThreshold: number
  /** Bytes per ms at which to send, or 0 to derive it from the window and the round-trip time. */
  readonly pacingRate: number
  onAck(sample: AckSample): void
  /** Loss was detected for the first time in this window of data. Returns false when the window is kept, so no rate reduction follows. */
  onCongestion(event: { now: number; inFlight: number; lostBytes: number }): boolean
  /** Everything lost since `onCongestion` has been repaired. */
  onRecovered(now: number): void
  /** The retransmission timer ran out (RFC 9260 §7.2.3). */
  onTimeout(now: number, inFlight: number): void
  /** The last reduction turned out to be wrong: nothing had been lost. */
  onSpurious(): void
  /** Nothing was sent for `idle` ms; `rto` is the current timeout. */
  onIdle(idle: number, rto: number): void
  /** The path is another one: nothing is known of it. */
  onPathChange(mtu: number): void
  /** The same path carries packets of another size: windows stay, what is counted in packets changes. */
  onMtuChange(mtu: number): void
}

/** Makes a controller for an association. `mtu` is the largest SCTP packet in bytes. */
export type CongestionControllerFactory = (mtu: number) => CongestionController

/** Bytes of chunks in a full packet (PMDCS, RFC 9260 §2.3). */
export function segmentSize(mtu: number): number {
  return mtu - 12
}

/** RFC 9260 §7.2.1. */
export function initialWindow(segment: number): number {
  return Math.min(4 * segment, Math.max(2 * segment, 4404))
}

/** RFC 9260 §7.2.3. */
export function minimumThreshold(segment: number): number {
  return 4 * segment
}
