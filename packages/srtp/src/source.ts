import { estimateIndex } from './packet-index.ts'
import { ReplayWindow } from './replay-window.ts'

const SEQUENCE_NUMBERS = 0x10000

/** One SSRC that sends: which of its packet indices were used. */
export class Source {
  readonly ssrc: number
  readonly window: ReplayWindow
  /** The rollover counter of the next packet, whatever its sequence number, or -1 when the packets so far tell. */
  #counter = -1

  constructor(ssrc: number, windowSize: number) {
    this.ssrc = ssrc
    this.window = new ReplayWindow(windowSize)
  }

  /** The index that a packet with this sequence number has. */
  estimate(sequenceNumber: number): number {
    if (this.#counter >= 0) return this.#counter * SEQUENCE_NUMBERS + sequenceNumber
    return estimateIndex(this.window.highest, sequenceNumber)
  }

  /** A packet with this index is authentic, or is being sent. */
  markSeen(index: number): void {
    this.#counter = -1
    this.window.markSeen(index)
  }

  /** The next packet has this rollover counter; all of earlier ones are long past. */
  startAt(counter: number): void {
    this.#counter = counter
    this.window.forgetUpTo(counter * SEQUENCE_NUMBERS - 1)
  }
}
