// How much may be in flight, and how long to wait for an acknowledgement: pure arithmetic.

/** Slow start, congestion avoidance and recovery (RFC 5681, RFC 6675 §5), in bytes. */
export class Congestion {
  window: number
  #threshold = Infinity
  #isRecovering = false
  /** Loss before this sequence number was answered already. */
  #recoveryPoint = -1
  readonly #segment: number

  constructor(segment: number) {
    this.#segment = segment
    this.window = 10 * segment // RFC 6928 §2
  }

  /** @param upTo what all is acknowledged before */
  acknowledged(bytes: number, upTo: number): void {
    if (this.#isRecovering) {
      if (upTo < this.#recoveryPoint) return
      this.#isRecovering = false
    }
    if (this.window < this.#threshold) this.window += bytes
    else this.window += (this.#segment * bytes) / this.window
  }

  /** @returns true when this is the beginning of a recovery, false when it belongs to one */
  lost(unacknowledged: number, inFlight: number, next: number): boolean {
    if (this.#isRecovering || unacknowledged < this.#recoveryPoint) return false
    this.#isRecovering = true
    this.#recoveryPoint = next
    this.#threshold = Math.max(inFlight / 2, 2 * this.#segment)
    this.window = this.#threshold
    return true
  }

  timedOut(inFlight: number, next: number): void {
    this.#isRecovering = false
    this.#recoveryPoint = next
    this.#threshold = Math.max(inFlight / 2, 2 * this.#segment)
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
