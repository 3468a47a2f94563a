// Retransmission timeout (RFC 9260 §6.3). Times are ms.

const ALPHA = 1 / 8
const BETA = 1 / 4
/** A standard peer may hold a SACK back for 200 ms (RFC 9260 §6.2): the margin above the mean must not be less. */
const MIN_VARIANCE_TERM = 200
/** What a timeout may stay backed off to once the peer is heard of again. */
const MAX_LASTING_BACKOFF = 3000
/** Clock granularity G. */
const GRANULARITY = 1
/** A minimum is remembered for at least this long, and at most twice. */
const MINIMUM_LIFETIME = 15_000

export interface RtoLimits {
  readonly initial: number
  readonly min: number
  readonly max: number
}

export class RetransmissionTimeout {
  /** Undefined before the first measurement. */
  smoothed: number | undefined
  variance = 0
  latest = 0
  /** Timeouts in a row. */
  backoffs = 0
  private readonly limits: RtoLimits
  private base: number
  private minimum = Infinity
  private previousMinimum = Infinity
  private minimumSince = -Infinity

  constructor(limits: RtoLimits) {
    this.limits = limits
    this.base = limits.initial
  }

  /** The timeout, doubled for each backoff. */
  get value(): number {
    return Math.min(this.limits.max, this.base * 2 ** this.backoffs)
  }

  /** Lowest round trip of the last 15 to 30 s, Infinity before the first. */
  get min(): number {
    return Math.min(this.minimum, this.previousMinimum)
  }

  /** C2 and C3: takes a measurement. */
  measure(roundTripTime: number, now: number): void {
    const sample = Math.max(roundTripTime, 0.001)
    this.latest = sample
    if (this.smoothed === undefined) {
      this.smoothed = sample
      this.variance = sample / 2
    } else {
      this.variance = (1 - BETA) * this.variance + BETA * Math.abs(this.smoothed - sample)
      this.smoothed = (1 - ALPHA) * this.smoothed + ALPHA * sample
    }
    const term = Math.max(GRANULARITY, 4 * this.variance, Math.min(MIN_VARIANCE_TERM, this.limits.min))
    this.base = Math.min(this.limits.max, Math.max(this.limits.min, this.smoothed + term))
    this.backoffs = 0
    if (now - this.minimumSince > MINIMUM_LIFETIME) {
      this.previousMinimum = this.minimum
      this.minimum = Infinity
      this.minimumSince = now
    }
    if (sample < this.minimum) this.minimum = sample
  }

  /**
   * Something came through that was sent more than once, so how long that took is not known (Karn). The backoff stays until it is, or a
   * path that became slower would time out for ever; but after an outage it need not be the longest one.
   */
  onProgress(): void {
    while (this.backoffs > 0 && this.base * 2 ** this.backoffs > MAX_LASTING_BACKOFF) this.backoffs--
  }

  /** E2: doubles the timeout. */
  backOff(): void {
    this.backoffs++
  }

  /** Another path: nothing is known of it. */
  reset(): void {
    this.smoothed = undefined
    this.variance = 0
    this.backoffs = 0
    this.base = this.limits.initial
    this.minimum = Infinity
    this.previousMinimum = Infinity
    this.minimumSince = -Infinity
  }
}
