// HyStart++ (RFC 9406): leaves slow start when the round trip grows, before the queue overflows.

const MIN_RTT_THRESHOLD = 4
const MAX_RTT_THRESHOLD = 16
const RTT_DIVISOR = 8
const SAMPLES = 8
const CSS_GROWTH_DIVISOR = 4
const CSS_ROUNDS = 5

export class HyStart {
  private lastRoundMin = Infinity
  private roundMin = Infinity
  private samples = 0
  /** Conservative slow start: the round trip at its beginning, and rounds so far. */
  private baseline = Infinity
  private cssRounds = 0
  private inCss = false

  /** Takes an acknowledgement in slow start. Returns the bytes to grow by, or -1: slow start is over. */
  onAck(ackedBytes: number, roundTripTime: number, roundStart: boolean): number {
    if (roundStart) {
      if (this.inCss && ++this.cssRounds >= CSS_ROUNDS) return -1
      this.lastRoundMin = this.roundMin
      this.roundMin = Infinity
      this.samples = 0
    }
    if (roundTripTime > 0) {
      if (roundTripTime < this.roundMin) this.roundMin = roundTripTime
      this.samples++
    }
    if (this.samples >= SAMPLES && this.roundMin !== Infinity && this.lastRoundMin !== Infinity) {
      if (!this.inCss) {
        const threshold = Math.max(MIN_RTT_THRESHOLD, Math.min(this.lastRoundMin / RTT_DIVISOR, MAX_RTT_THRESHOLD))
        if (this.roundMin >= this.lastRoundMin + threshold) {
          this.inCss = true
          this.baseline = this.roundMin
          this.cssRounds = 0
        }
      } else if (this.roundMin < this.baseline) {
        // It was jitter: back to slow start.
        this.inCss = false
        this.baseline = Infinity
      }
    }
    return this.inCss ? ackedBytes / CSS_GROWTH_DIVISOR : ackedBytes
  }

  reset(): void {
    this.lastRoundMin = Infinity
    this.roundMin = Infinity
    this.samples = 0
    this.baseline = Infinity
    this.inCss = false
  }
}
