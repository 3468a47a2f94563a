import type { ReceivedFrame } from '../types.ts'

export interface Held {
  readonly lane: number
  readonly frame: ReceivedFrame
}

/** ms for which the beginning of a recording waits for a track that has not given anything. */
const PATIENCE = 1000
const MAX_BYTES = 8 * 1024 * 1024
const MAX_FRAMES = 1024

/** Holds the first frames until every track has given one, so that the file begins with all of them in its header. */
export class StartHold {
  readonly #missing: Set<number>
  #held: Held[] = []
  #bytes = 0
  #since: number | undefined

  constructor(lanes: number) {
    this.#missing = new Set(Array.from({ length: lanes }, (_, lane) => lane))
  }

  push(held: Held): void {
    this.#missing.delete(held.lane)
    this.#held.push(held)
    this.#bytes += held.frame.payload.length
    this.#since ??= held.frame.receiveTime
  }

  /** The track is over, or will be waited for no longer. */
  end(lane: number): void {
    this.#missing.delete(lane)
  }

  /** It is time to begin. `now` in ms, on the axis of `receiveTime`. */
  isOver(now: number): boolean {
    if (this.#held.length === 0) return false
    if (this.#missing.size === 0 || this.#bytes > MAX_BYTES || this.#held.length >= MAX_FRAMES) return true
    return now - this.#since! >= PATIENCE
  }

  take(): Held[] {
    const held = this.#held
    this.#held = []
    return held
  }
}
