// Consent freshness and liveness of the path that carries data (RFC 7675 §5.1).
import type { CandidatePair } from './pair.ts'

export interface ConsentOptions {
  /** Mean time between checks of a path that answers, ms. */
  readonly interval: number
  /** Time without an answer after which consent is gone, ms. */
  readonly timeout: number
  /** Silence after which the path counts as disconnected, ms. */
  readonly quiet: number
  /** Nothing is asked: what the peer asks counts as its answer. */
  readonly lite: boolean
}

/**
 * Between checks that go unanswered, ms. RFC 7675 §5.1 keeps 4 s between two checks for consent; these are the
 * connectivity checks that find out whether a path in doubt still works, and so whether to look for another one.
 */
const PROBE_INTERVAL = 1000
/** So many checks in a row must go unanswered before silence means anything: one lost datagram does not. */
const PROBES_IN_DOUBT = 3
/** The least time between the checks of a path that something speaks against, ms; longer where answers take longer. */
const DOUBT_INTERVAL = 100
/** … and where nobody knows how long they take, ms (RFC 8445 §14.3). */
const UNKNOWN_ROUND_TRIP = 500
/** A lite agent hears of a peer that has nothing to send every 5 s ± 20 %: three of those, ms. */
const LITE_QUIET = 18_000

/** Watches one pair at a time. */
export class Consent {
  pair: CandidatePair | undefined
  /** When the next check is due, ms. */
  nextAt: number = Infinity
  readonly #options: ConsentOptions
  readonly #random: () => number
  #unanswered = 0
  /** Since when there is a reason to look closer, ms; Infinity: there is none. */
  #doubtedAt = Infinity

  /** `random` gives numbers from 0 to 1. */
  constructor(options: ConsentOptions, random: () => number) {
    this.#options = options
    this.#random = random
  }

  follow(pair: CandidatePair | undefined, now: number): void {
    if (pair === this.pair) return
    this.pair = pair
    this.#unanswered = 0
    this.#doubtedAt = Infinity
    this.nextAt = pair === undefined ? Infinity : now + this.#spread()
  }

  /** To be checked now. */
  hurry(now: number): void {
    if (this.pair !== undefined) this.nextAt = Math.min(this.nextAt, now)
  }

  /**
   * Something speaks against the path: it is checked at once, and again in short intervals. Silence to all of these and on
   * the path counts at once.
   */
  doubt(now: number): void {
    if (this.pair === undefined || this.#doubtedAt !== Infinity || this.#options.lite) return
    this.#doubtedAt = now
    this.#unanswered = 0
    this.hurry(now)
  }

  sent(now: number): void {
    this.#unanswered++
    const isHasty = this.isDoubted && this.#unanswered <= PROBES_IN_DOUBT + 1
    this.nextAt = now + (isHasty ? this.#doubtInterval : PROBE_INTERVAL)
  }

  /** A lite agent has nothing to send, but time passes. */
  looked(now: number): void {
    const quietAt = this.#heardAt + this.#quiet
    this.nextAt = quietAt > now ? quietAt : now + PROBE_INTERVAL
  }

  get isLite(): boolean {
    return this.#options.lite
  }

  answered(pair: CandidatePair, now: number): void {
    if (pair !== this.pair) return
    this.#unanswered = 0
    this.#doubtedAt = Infinity
    this.nextAt = now + this.#spread()
  }

  /** When consent ends unless an answer comes, ms. */
  get expiresAt(): number {
    return this.pair === undefined ? Infinity : this.pair.answeredAt + this.#options.timeout
  }

  get isDoubted(): boolean {
    return this.#doubtedAt !== Infinity
  }

  /**
   * Nothing comes back, and nothing comes in either. Of a path in doubt that is believed sooner when there is another one to go on
   * with; else it may just be slow for a moment.
   */
  isQuiet(now: number, hasOther: boolean): boolean {
    if (this.pair === undefined) return false
    if (this.#options.lite) return now - this.#heardAt >= this.#quiet
    if (this.#unanswered <= PROBES_IN_DOUBT) return false
    const isHasty = hasOther && this.isDoubted
    return now - this.#heardAt >= (isHasty ? PROBES_IN_DOUBT * this.#doubtInterval : this.#quiet)
  }

  get #doubtInterval(): number {
    const { roundTrip = 0, roundTrips = 0 } = this.pair ?? {}
    return roundTrips === 0 ? UNKNOWN_ROUND_TRIP : Math.max(DOUBT_INTERVAL, roundTrip * 1.5)
  }

  get #heardAt(): number {
    return this.pair === undefined ? 0 : Math.max(this.pair.heardAt, this.pair.answeredAt)
  }

  get #quiet(): number {
    return this.#options.lite ? Math.max(this.#options.quiet, LITE_QUIET) : this.#options.quiet
  }

  // RFC 7675 §5.1: 0.8 to 1.2 times the interval, anew each time.
  #spread(): number {
    if (this.#options.lite) return this.#quiet
    return this.#options.interval * (0.8 + 0.4 * this.#random())
  }
}
