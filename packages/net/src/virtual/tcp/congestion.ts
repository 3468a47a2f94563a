// How much may be in flight, and how long to wait for an acknowledgement: pure arithmetic.

/** Slow start, congestion avoidance and NewReno recovery (RFC 5681, RFC 6582), in bytes. */
export class Congestion {
  window: number
  threshold: number = Infinity
  isRecovering: boolean = false
  /** Loss before this sequence number was answered already (RFC 6582 §3.2). */
  recover: number = -1
  #duplicates = 0
  readonly #segment: number

  constructor(segment: number) {
    this.#segment = segment
    this.window = 10 * segment // RFC 6928 §2
  }

  /** New data was acknowledged. True when the segment after it must be sent again: a partial acknowledgement. */
  acknowledged(bytes: number, upTo: number): boolean {
    this.#duplicates = 0
    if (this.isRecovering) {
      if (upTo >= this.recover) {
        this.isRecovering = false
        this.window = this.threshold
        return false
      }
      this.window = Math.max(this.#segment, this.window - bytes + this.#segment)
      return true
    }
    if (this.window < this.threshold) this.window += bytes
    else this.window += Math.max(1, (this.#segment * bytes) / this.window)
    return false
  }

  /** True when the first unacknowledged segment must be sent again: the third duplicate (RFC 5681 §3.2). */
  duplicate(unacknowledged: number, inFlight: number, highest: number): boolean {
    if (this.isRecovering) {
      this.window += this.#segment
      return false
    }
    if (++this.#duplicates !== 3 || unacknowledged <= this.recover) return false
    this.isRecovering = true
    this.recover = highest
    this.threshold = Math.max(inFlight / 2, 2 * this.#segment)
    this.window = this.threshold + 3 * this.#segment
    return true
  }

  timedOut(inFlight: number, highest: number): void {
    this.isRecovering = false
    this.#duplicates = 0
    this.recover = highest
    this.threshold = Math.max(inFlight / 2, 2 * this.#segment)
    this.window = this.#segment
  }
}

const MIN_RTO = 200 // what systems use; RFC 6298 §2.4 asks for a second
const MAX_RTO = 120_000

/** The retransmission time-out of RFC 6298, in ms. */
export class RetransmissionTimeout {
  #smoothed = 0
  #variation = 0
  #base = 1000 // RFC 6298 §2.1
  #backoff = 1

  get value(): number {
    return Math.min(MAX_RTO, this.#base * this.#backoff)
  }

  measured(roundTrip: number): void {
    if (this.#smoothed === 0) {
      this.#smoothed = roundTrip
      this.#variation = roundTrip / 2
    } else {
      this.#variation += (Math.abs(this.#smoothed - roundTrip) - this.#variation) / 4
      this.#smoothed += (roundTrip - this.#smoothed) / 8
    }
    this.#base = Math.max(MIN_RTO, this.#smoothed + 4 * this.#variation)
  }

  backOff(): void {
    if (this.value < MAX_RTO) this.#backoff *= 2
  }

  reset(): void {
    this.#backoff = 1
  }
}
