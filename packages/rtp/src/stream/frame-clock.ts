/** Turns the µs of frames into RTP timestamps: from a random beginning (RFC 3550 §5.1), and on across changes of source and clock. */
export class FrameClock {
  #clockRate: number
  /** A timestamp of the source and what it became; NaN before the next frame of a new source. */
  #origin = NaN
  #base: number
  #last: number
  #lastAt = -1

  /** `clockRate` in Hz, `base` is the RTP timestamp of the first frame. */
  constructor(clockRate: number, base: number) {
    this.#clockRate = clockRate
    this.#base = base
    this.#last = base
  }

  /** `microseconds` is the frame's own timestamp. */
  timestamp(microseconds: number, now: number): number {
    if (Number.isNaN(this.#origin)) {
      this.#origin = microseconds
      this.#base = this.next(now)
    }
    const timestamp = (this.#base + Math.round(((microseconds - this.#origin) / 1_000_000) * this.#clockRate)) >>> 0
    this.note(timestamp, now)
    return timestamp
  }

  /** The timestamp with which another source would begin now. */
  next(now: number): number {
    if (this.#lastAt < 0) return this.#base
    return (this.#last + Math.max(1, Math.round(((now - this.#lastAt) * this.#clockRate) / 1000))) >>> 0
  }

  /** A packet with a timestamp of its own was sent. */
  note(timestamp: number, now: number): void {
    this.#last = timestamp
    this.#lastAt = now
  }

  /** The next frame is of another source, whose timestamps have another origin. */
  rebase(): void {
    this.#origin = NaN
  }

  setClockRate(clockRate: number): void {
    if (clockRate === this.#clockRate) return
    this.#clockRate = clockRate
    this.rebase()
  }
}
