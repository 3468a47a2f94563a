import type { AckResult, OutstandingData } from './outstanding-data.ts'

// RACK (RFC 8985) in place of counted miss indications (RFC 9260 §7.2.4): a packet is lost when one that was sent later has
// arrived and enough time has passed for it to arrive too. That finds lost retransmissions and lost tails as well, works with one SACK
// per burst, and does not take reordering for loss.

/** Packets that overtake another before it counts as lost, while no reordering was seen (RFC 9002 §6.1.1; RFC 9260's three reports). */
const PACKET_THRESHOLD = 3
/** Recoveries after which a widened reordering window shrinks again (RFC 8985 §6.2 step 4). */
const REO_WND_PERSIST = 16
const MAX_MULTIPLIER = 64

export class LossDetection {
  /** When the oldest suspect counts as lost if nothing is heard of it, absolute ms. */
  deadline: number = Infinity
  reorderingSeen = false
  private newestPacket = -1
  private roundTripTime = 0
  private highestAcked = -1
  private multiplier = 1
  private persist = 0

  /** Takes what a SACK told (§6.2 steps 1 to 3). */
  onAck(result: AckResult, highestAcked: number, now: number, minRoundTripTime: number): void {
    if (result.newestPacket > this.newestPacket) {
      const sample = now - result.newestSentAt
      // Faster than light: the acknowledgement is for an earlier transmission.
      if (!result.newestRetransmitted || sample >= minRoundTripTime) {
        this.newestPacket = result.newestPacket
        this.roundTripTime = sample
      }
    }
    if (result.lowestOriginal < this.highestAcked) this.reorderingSeen = true
    if (highestAcked > this.highestAcked) this.highestAcked = highestAcked
  }

  /** The peer received something twice that we sent twice: we were too quick (§6.2 step 4). */
  onSpurious(): void {
    this.reorderingSeen = true
    if (this.multiplier < MAX_MULTIPLIER) this.multiplier++
    this.persist = REO_WND_PERSIST
  }

  onRecovered(): void {
    if (this.persist > 0 && --this.persist === 0) this.multiplier = 1
  }

  /** Marks what is lost (§6.2 step 5). Returns the number of bytes. */
  detect(data: OutstandingData, now: number, smoothed: number, minRoundTripTime: number): number {
    this.deadline = Infinity
    let lostBytes = 0
    const window = Math.min((this.multiplier * Math.min(minRoundTripTime, smoothed)) / 4, smoothed)
    let chunk = data.oldest
    while (chunk !== undefined && chunk.packetNumber < this.newestPacket) {
      const overtaken = !this.reorderingSeen && this.newestPacket - chunk.packetNumber >= PACKET_THRESHOLD
      if (!overtaken) {
        const due = chunk.sentAt + this.roundTripTime + window
        if (now < due) {
          this.deadline = due
          break
        }
      }
      const { next } = chunk
      lostBytes += chunk.size
      data.markLost(chunk)
      chunk = next
    }
    return lostBytes
  }

  reset(): void {
    this.deadline = Infinity
  }
}
