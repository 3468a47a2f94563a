import type { RtpPacket } from '../packet/rtp-packet.ts'
import type { PacketHistory } from './packet-history.ts'
import { Ring } from './ring.ts'

/** Least time between two copies of one packet, ms; before a round trip was measured, the receiver has to know when to ask again. */
const MIN_INTERVAL = 10
const MAX_QUEUED = 1024

/** Answers generic NACKs (RFC 4585 §6.2.1) out of a history, each packet at most about once a round trip. */
export class NackResponder {
  /** ms */
  roundTripTime: number | undefined
  /** Asked for, and not known any more. */
  expired = 0
  readonly #history: PacketHistory
  readonly #queue = new Ring<RtpPacket>()

  constructor(history: PacketHistory) {
    this.#history = history
  }

  receive(sequenceNumbers: readonly number[], now: number): void {
    // A receiver asks again after a round trip; what jitter takes off it must not cost the answer.
    const interval = Math.max(MIN_INTERVAL, (this.roundTripTime ?? 0) * 0.75)
    for (const sequenceNumber of sequenceNumbers) {
      const packet = this.#history.get(sequenceNumber, now)
      if (packet === undefined) this.expired++
      else if (this.#queue.length < MAX_QUEUED && this.#history.markResent(sequenceNumber, now, interval)) {
        this.#queue.push(packet)
      }
    }
  }

  get pending(): number {
    return this.#queue.length
  }

  /** The next packet to send again, as it was sent before. */
  poll(): RtpPacket | undefined {
    return this.#queue.shift()
  }

  clear(): void {
    this.#queue.clear()
  }
}
