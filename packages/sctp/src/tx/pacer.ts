/** Round trips below this are not paced, ms: timers are no finer than 1 ms. */
const MIN_ROUND_TRIP = 4
/** Longest burst, as time at the current rate, ms. */
const BURST_TIME = 4
/** Least burst, packets (RFC 9002 §7.7). */
const BURST_PACKETS = 10
/** Shortest sleep, ms. */
const MIN_SLEEP = 1

/**
 * Spreads a window over its round trip, which is what allows the window to grow by all that was acknowledged and a new flow to
 * start without a burst (RFC 9260 §7.2.1 leaves it open how bursts are limited). A bucket of bytes that may be overdrawn by one packet.
 */
export class Pacer {
  /** Send no more before this, absolute ms; 0: at once. */
  deadline = 0
  private tokens = 0
  private updated = 0
  private burst = 0
  private pacing = false

  /** Whether a packet may go now. `rate` in bytes per ms, 0 without pacing. */
  maySend(now: number, rate: number, packetSize: number): boolean {
    if (rate === 0) {
      // What goes out unpaced is not owed when pacing begins.
      this.deadline = 0
      this.tokens = 0
      this.updated = now
      this.pacing = false
      return true
    }
    this.pacing = true
    this.burst = Math.max(rate * BURST_TIME, BURST_PACKETS * packetSize)
    this.tokens = Math.min(this.burst, this.tokens + (now - this.updated) * rate)
    this.updated = now
    if (this.tokens > 0) {
      this.deadline = 0
      return true
    }
    // Sleeps until half a burst is saved up, at most; one packet is enough at low rates.
    const wanted = Math.min(this.burst / 2, Math.max(packetSize, rate * MIN_SLEEP))
    this.deadline = now + Math.max(MIN_SLEEP, (wanted - this.tokens) / rate)
    return false
  }

  onSent(bytes: number): void {
    if (this.pacing) this.tokens -= bytes
  }

  /** Bytes per ms for a window, 0 when the path is too short to pace. */
  static rate(window: number, roundTripTime: number | undefined, slowStart: boolean): number {
    if (roundTripTime === undefined || roundTripTime < MIN_ROUND_TRIP) return 0
    // Faster than window / RTT, so that it is the window that limits: in slow start it doubles within a round trip.
    return ((slowStart ? 2 : 1.25) * window) / roundTripTime
  }
}
