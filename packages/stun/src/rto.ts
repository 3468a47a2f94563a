const STALE = 600_000

/**
 * The retransmission timeout for one server: RFC 6298 without its rounding, as RFC 8489 §6.2.1 wants it. Values are ms.
 * Feed it only round trips of requests that were sent once (Karn's algorithm), which `StunTransaction` takes care of.
 */
export class RetransmissionTimeout {
  readonly #initial: number
  #smoothed = -1
  #variation = 0
  #sampledAt = 0

  /** `initial` is the RTO before anything is known, and the least one afterwards. */
  constructor(initial = 500) {
    this.#initial = initial
  }

  /** The RTO to begin a transaction with. What was learnt is forgotten after ten minutes without a sample. */
  value(now: number): number {
    if (this.#smoothed < 0 || now - this.#sampledAt > STALE) return this.#initial
    return Math.min(60_000, Math.max(this.#initial, this.#smoothed + Math.max(1, 4 * this.#variation)))
  }

  sample(roundTripTime: number, now: number): void {
    if (this.#smoothed < 0 || now - this.#sampledAt > STALE) {
      this.#smoothed = roundTripTime // RFC 6298 §2 (2.2)
      this.#variation = roundTripTime / 2
    } else {
      this.#variation += (Math.abs(this.#smoothed - roundTripTime) - this.#variation) / 4 // (2.3)
      this.#smoothed += (roundTripTime - this.#smoothed) / 8
    }
    this.#sampledAt = now
  }
}
