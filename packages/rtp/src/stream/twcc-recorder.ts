import type { TransportFeedback } from '../rtcp/types.ts'
import { ArrivalWindow } from './arrival-window.ts'

export interface TwccRecorderOptions {
  readonly localSsrc: number
  /** Time from a first arrival to the packet that reports it, ms. Default 50. */
  readonly interval?: number
  /** Arrivals that are reported without waiting. Default 100. */
  readonly maxArrivals?: number
}

/** Packets that one feedback speaks of: its status chunks and deltas then fit a datagram. */
const MAX_STATUSES = 400
/** Packets between the oldest unreported and the newest. */
const WINDOW = 8192
/** A delta is 16 bits of 250 µs. */
const MAX_DELTA = 32_767
/** Ticks of 250 µs in one unit of the reference time, 64 ms. */
const REFERENCE_TICKS = 256

/** Records arrivals by transport-wide sequence number and reports them (draft-holmer-rmcat-transport-wide-cc-extensions). */
export class TwccRecorder {
  /** When a report is due, absolute ms; Infinity when there is nothing to tell. */
  deadline: number = Infinity
  readonly #localSsrc: number
  readonly #interval: number
  readonly #maxArrivals: number
  /** Arrival in ticks of 250 µs. */
  readonly #window = new ArrivalWindow(WINDOW)
  #arrivals = 0
  #mediaSsrc = 0
  #count = 0

  constructor(options: TwccRecorderOptions) {
    this.#localSsrc = options.localSsrc
    this.#interval = options.interval ?? 50
    this.#maxArrivals = options.maxArrivals ?? 100
  }

  /** `sequenceNumber` is the transport-wide one, `ssrc` that of the packet which carried it. */
  receive(sequenceNumber: number, ssrc: number, now: number): void {
    if (!this.#window.add(sequenceNumber, Math.round(now * 4))) return
    this.#mediaSsrc = ssrc
    this.#arrivals++
    if (this.#arrivals >= this.#maxArrivals) this.deadline = now
    else if (this.deadline === Infinity) this.deadline = now + this.#interval
  }

  /** The next report that is due. Call until undefined. */
  poll(now: number): TransportFeedback | undefined {
    if (now < this.deadline) return undefined
    const window = this.#window
    let base = window.begin
    // A window begins with a packet that arrived, except after a report that ended within a gap.
    while (base < window.end && window.at(base) === undefined) base++
    if (base >= window.end) {
      this.#window.reported(window.end)
      this.#arrivals = 0
      this.deadline = Infinity
      return undefined
    }
    // What is missing in front is worth telling: it begins where the last report ended.
    const begin = Math.max(window.begin, base - MAX_STATUSES / 2)
    const reference = Math.floor(window.at(base)! / REFERENCE_TICKS)
    let previous = reference * REFERENCE_TICKS
    const deltas: (number | undefined)[] = []
    let told = 0
    for (let sequence = begin; sequence < window.end && deltas.length < MAX_STATUSES; sequence++) {
      const time = window.at(sequence)
      if (time === undefined) {
        deltas.push(undefined)
        continue
      }
      const delta = time - previous
      if (delta > MAX_DELTA || delta < -MAX_DELTA - 1) break
      deltas.push(delta)
      previous = time
      told = deltas.length
    }
    // The report ends with a packet that arrived: what is missing behind it may still come.
    deltas.length = told
    window.reported(begin + told)
    if (window.empty) {
      this.#arrivals = 0
      this.deadline = Infinity
    }
    const feedbackPacketCount = this.#count
    this.#count = (this.#count + 1) & 0xff
    return {
      type: 'TWCC',
      senderSsrc: this.#localSsrc,
      mediaSsrc: this.#mediaSsrc,
      baseSequenceNumber: begin & 0xffff,
      referenceTime: (reference << 8) >> 8,
      feedbackPacketCount,
      deltas,
    }
  }
}
