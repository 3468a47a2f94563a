import type { ReceivedFrame } from '../types.ts'

/**
 * µs: when a track's own timestamps and the time of arrival drift this far apart, the timestamps have jumped (another source, a restart, a
 * pause that the sender's clock did not count). Beyond any jitter.
 */
const MAX_DRIFT = 2_000_000
/** µs: a key frame lies at least so much behind all that came before it. */
const MIN_STEP = 1000

/**
 * Times of one track on the axis that all tracks of a recording share: that of arrival. Distances between frames are those of the track's
 * own timestamps, and where the track lies on the axis is told by its frame that was least delayed.
 */
export class FileClock {
  /** µs between the track's timestamps and the common axis. */
  #offset: number | undefined
  #ssrc: number | undefined
  #latest = -Infinity
  /** Nothing lies before this any more: frames between two key frames may be in another order than their times (B-frames). */
  #floor = -Infinity

  /** Looks at frames that are held, before the first of them is timed. */
  observe({ timestamp, receiveTime, ssrc }: ReceivedFrame): void {
    this.#checkSource(ssrc)
    const offset = receiveTime * 1000 - timestamp
    if (this.#offset === undefined || (offset < this.#offset && this.#offset - offset < MAX_DRIFT))
      this.#offset = offset
  }

  /** µs on the axis of `receiveTime`. */
  timeOf({ timestamp, receiveTime, keyFrame, ssrc }: ReceivedFrame): number {
    this.#checkSource(ssrc)
    const arrival = receiveTime * 1000
    if (this.#offset === undefined || Math.abs(timestamp + this.#offset - arrival) > MAX_DRIFT) {
      this.#offset = arrival - timestamp
    }
    if (keyFrame) this.#floor = this.#latest + MIN_STEP
    const time = Math.max(timestamp + this.#offset, this.#floor)
    this.#latest = Math.max(this.#latest, time)
    return time
  }
  /** Another source has timestamps of its own. */
  #checkSource(ssrc: number): void {
    if (ssrc !== this.#ssrc) this.#offset = undefined
    this.#ssrc = ssrc
  }
}
