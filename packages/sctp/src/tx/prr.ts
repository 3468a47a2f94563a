/**
 * Proportional rate reduction (RFC 6937): during recovery spreads the way down to `ssthresh` over the acknowledgements that still
 * come in, instead of a silence and a burst. All in bytes.
 */
export class ProportionalRateReduction {
  private delivered = 0
  private out = 0
  private flightAtStart = 0
  private allowance = 0

  /** Recovery begins with this much in flight. The first retransmission goes at once. */
  begin(inFlight: number, segment: number): void {
    this.delivered = 0
    this.out = 0
    this.flightAtStart = Math.max(inFlight, segment)
    this.allowance = segment
  }

  /** Takes an acknowledgement; `inFlight` is what is left after it and after what it showed to be lost. */
  onAck(ackedBytes: number, inFlight: number, ssthresh: number, segment: number): void {
    this.delivered += ackedBytes
    if (inFlight > ssthresh) {
      this.allowance = Math.ceil((this.delivered * ssthresh) / this.flightAtStart) - this.out
    } else {
      // Slow start reduction bound: below the target, grow back towards it.
      const limit = Math.max(this.delivered - this.out, ackedBytes) + segment
      this.allowance = Math.min(ssthresh - inFlight, limit)
    }
    if (this.out === 0 && this.allowance < segment) this.allowance = segment
  }

  onSent(bytes: number): void {
    this.out += bytes
    this.allowance -= bytes
  }

  get maySend(): boolean {
    return this.allowance > 0
  }
}
