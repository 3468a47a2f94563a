import type { AckResult, OutstandingData } from './outstanding-data.ts'
import type { RetransmissionTimeout } from './rto.ts'

/** What a peer may hold its SACK back for when there is but one packet to acknowledge, ms; doubled when it turns out to be more. */
const PEER_SACK_DELAY = 40
const MAX_PEER_SACK_DELAY = 220

/**
 * Tail loss probes (RFC 8985 §7): when the last packets of a flight are not acknowledged after two round trips, one more packet makes the
 * peer say what it has, so that loss detection finds what is missing long before a timeout would empty the window.
 */
export class TailLossProbe {
  /** When the probe is due, absolute ms. */
  deadline: number = Infinity
  /** A packet is to be sent whatever the window says. */
  pending = false
  /** Sent and not answered; there is no second one. */
  private outstanding = false
  /** The probe repeated this chunk, in this packet; -1 when it carried a new one. */
  private copied = -1
  private copiedIn = 0
  private peerSackDelay: number = PEER_SACK_DELAY

  /** Sets the deadline for what is in flight (§7.2). It is never later than T3-rtx, which it goes before. */
  arm(data: OutstandingData, rto: RetransmissionTimeout, now: number, t3Deadline: number): void {
    const { newest, oldest } = data
    const { smoothed } = rto
    if (newest === undefined || smoothed === undefined || this.outstanding || rto.backoffs > 0) {
      this.deadline = Infinity
      return
    }
    let timeout = Math.max(2 * smoothed, 2)
    if (newest.packetNumber === oldest!.packetNumber) timeout += this.peerSackDelay
    this.deadline = Math.min(Math.max(now, newest.sentAt + timeout), t3Deadline)
  }

  /** Whether a probe falls due now. */
  onTime(now: number, data: OutstandingData): boolean {
    if (now < this.deadline) return false
    this.deadline = Infinity
    this.pending = data.oldest !== undefined
    return this.pending
  }

  /** A packet was made while a probe was pending; `wrote` when it carries data. */
  onSent(wrote: boolean): void {
    this.pending = false
    this.outstanding = wrote
  }

  /** The probe repeats this chunk. */
  onCopied(seq: number, packetNumber: number): void {
    this.copied = seq
    this.copiedIn = packetNumber
  }

  /**
   * Something was acknowledged for the first time. Returns true when that was the copy: it has repaired the loss that it looked for, and
   * nobody else will notice that one (§7.4).
   */
  onAck(result: AckResult, now: number, minRoundTripTime: number): boolean {
    this.outstanding = false
    return this.copied >= 0 && result.newestPacket === this.copiedIn && now - result.newestSentAt >= minRoundTripTime
  }

  /** The peer got this TSN twice. Returns true when that is due to the probe: the peer only was slower than was allowed for. */
  onDuplicate(seq: number): boolean {
    if (seq !== this.copied) return false
    this.copied = -1
    this.peerSackDelay = Math.min(MAX_PEER_SACK_DELAY, this.peerSackDelay * 2)
    return true
  }

  /** After a timeout there is nothing left to probe. */
  reset(): void {
    this.deadline = Infinity
    this.pending = false
    this.outstanding = false
    this.copied = -1
  }
}
