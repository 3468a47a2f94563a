/** Until a key frame can have arrived, ms, before a round trip was measured. */
const DEFAULT_ROUND_TRIP = 100
/** Peers whose last FIR is remembered. */
const MAX_PEERS = 64

/**
 * Decides which of the requests for a key frame reach the encoder: a FIR counts once, however often it is repeated, and what comes too soon after
 * the last one waits its turn. A key frame that is sent meanwhile answers it.
 */
export class KeyFrameLimiter {
  /** When `take` lets the next request through, absolute ms; Infinity when nobody waits. */
  deadline: number = Infinity
  /** ms */
  roundTripTime: number | undefined
  readonly #interval: number
  #lastAt = -Infinity
  #keyFrameAt = -Infinity
  readonly #firs = new Map<number, number>()

  /** `interval` is the least time between two requests, ms. */
  constructor(interval: number = 300) {
    this.#interval = interval
  }

  onPictureLoss(now: number): void {
    if (this.deadline !== Infinity || this.#crossed(now)) return
    const roundTrip = this.roundTripTime === undefined ? Math.min(this.#interval, DEFAULT_ROUND_TRIP) : 0
    this.deadline = Math.max(now, this.#lastAt + this.#interval, this.#keyFrameAt + roundTrip)
  }

  /** RFC 5104 §4.3.1.2: the same number from the same sender is a repetition. */
  onFullIntraRequest(senderSsrc: number, sequenceNumber: number, now: number): void {
    if (this.#firs.get(senderSsrc) === sequenceNumber || this.#crossed(now)) return
    if (this.#firs.size >= MAX_PEERS && !this.#firs.has(senderSsrc)) {
      const [oldest] = this.#firs.keys()
      this.#firs.delete(oldest!)
    }
    this.#firs.set(senderSsrc, sequenceNumber)
    this.onPictureLoss(now)
  }

  /** Whether the encoder is to be asked now. */
  take(now: number): boolean {
    if (now < this.deadline) return false
    this.deadline = Infinity
    this.#lastAt = now
    return true
  }

  /** A key frame is being sent: whoever waited for one gets it. */
  onKeyFrame(now: number): void {
    this.deadline = Infinity
    this.#keyFrameAt = now
  }

  /** Who asks within a round trip of a key frame had not seen it yet, and asks again if it does not come. */
  #crossed(now: number): boolean {
    return this.roundTripTime !== undefined && now - this.#keyFrameAt < Math.min(this.#interval, this.roundTripTime)
  }

  /** Nobody is answered any more. */
  clear(): void {
    this.deadline = Infinity
  }
}
