/** Longer is no round trip but a clock that jumped. */
const MAX_ROUND_TRIP = 60_000

/** The round trip as reports tell it (RFC 3550 §6.4.1, figure 2; RFC 3611 §4.5 likewise). */
export class RoundTripTime {
  /** ms; undefined before the first measurement. */
  latest: number | undefined
  /** ms, a mean that forgets by an eighth (as RFC 6298 has it). */
  smoothed: number | undefined
  /** ms, sum of all. */
  total = 0
  measurements = 0

  /**
   * `now`, `lastReport` and `delay` are the middle of NTP timestamps, in 1/65536 s. Returns ms, undefined when the peer has no report of ours
   * yet or cannot be right.
   */
  measure(now: number, lastReport: number, delay: number): number | undefined {
    if (lastReport === 0) return undefined
    let ms = (((now - lastReport - delay) | 0) * 1000) / 65536
    // Rounding on both sides can make a short one negative.
    if (ms < -5 || ms > MAX_ROUND_TRIP) return undefined
    if (ms < 0) ms = 0
    this.latest = ms
    this.smoothed = this.smoothed === undefined ? ms : this.smoothed + (ms - this.smoothed) / 8
    this.total += ms
    this.measurements++
    return ms
  }
}
