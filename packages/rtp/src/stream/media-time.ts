import { timestampDistance } from '../packet/sequence.ts'

/** RTP timestamps as µs on an axis that begins with the first of them, across wraps and changes of the clock rate. */
export class MediaTime {
  #microseconds = 0
  #timestamp = 0
  #started = false

  /** `clockRate` in Hz, of the clock that made the timestamp. */
  microseconds(timestamp: number, clockRate: number): number {
    if (this.#started) {
      this.#microseconds += (timestampDistance(timestamp, this.#timestamp) * 1_000_000) / clockRate
    }
    this.#started = true
    this.#timestamp = timestamp
    return Math.round(this.#microseconds)
  }

  /** The source set its clock anew: the next timestamp is `elapsed` µs later than the last. */
  rebase(elapsed: number): void {
    if (this.#started) this.#microseconds += elapsed
    this.#started = false
  }
}
