// Consent freshness and liveness of the path that carries data (RFC 7675 §5.1).
import type { CandidatePair } from './pair.ts'

export interface ConsentOptions {
  /** Mean time between checks of a path that answers, ms. */
  readonly interval: number
  /** Time without an answer after which consent is gone, ms. */
  readonly timeout: number
  /** Silence after which the path counts as disconnected, ms. */
  readonly quiet: number
}

/**
 * Between checks that go unanswered, ms. RFC 7675 §5.1 keeps 4 s between two checks for consent; these are the
 * connectivity checks that find out whether a path in doubt still works, and so whether to look for another one.
 */
const PROBE_INTERVAL = 1000
/** So many checks in a row must go unanswered before silence means anything: one lost datagram does not. */
const PROBES_IN_DOUBT = 3

/** Watches one pair at a time. */
export class Consent {
  pair: CandidatePair | undefined
  /** When the next check is due, ms. */
  nextAt: number = Infinity
  readonly #options: ConsentOptions
  readonly #random: () => number
  #unanswered = 0

  /** `random` gives numbers from 0 to 1. */
  constructor(options: ConsentOptions, random: () => number) {
    this.#options = options
    this.#random = random
  }

  follow(pair: CandidatePair | undefined, now: number): void {
    if (pair === this.pair) return
    this.pair = pair
    this.#unanswered = 0
    this.nextAt = pair === undefined ? Infinity : now + this.#spread()
  }

  sent(now: number): void {
    this.#unanswered++
    this.nextAt = now + PROBE_INTERVAL
  }

  answered(pair: CandidatePair, now: number): void {
    if (pair !== this.pair) return
    this.#unanswered = 0
    this.nextAt = now + this.#spread()
  }

  /** When consent ends unless an answer comes, ms. */
  get expiresAt(): number {
    return this.pair === undefined ? Infinity : this.pair.answeredAt + this.#options.timeout
  }

  /** Nothing comes back, and nothing comes in either. */
  isQuiet(now: number): boolean {
    const pair = this.pair
    if (pair === undefined || this.#unanswered <= PROBES_IN_DOUBT) return false
    return now - Math.max(pair.heardAt, pair.answeredAt) >= this.#options.quiet
  }

  // RFC 7675 §5.1: 0.8 to 1.2 times the interval, anew each time.
  #spread(): number {
    return this.#options.interval * (0.8 + 0.4 * this.#random())
  }
}
