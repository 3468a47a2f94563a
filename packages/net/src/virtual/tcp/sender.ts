// The sending half of a TCP connection (RFC 9293 §3.8): what may go out now, and what must go out again.

import { Congestion, RetransmissionTimeout } from './congestion.ts'
import { SendBuffer } from './send-buffer.ts'
import { ACK, EMPTY, FIN } from './segment.ts'

/** Repetitions before a connection is given up: Linux's `tcp_retries2` and, when nobody holds it any more, `tcp_orphan_retries`. */
const MAX_RETRIES = 15
const MAX_ORPHAN_RETRIES = 8
const LONGEST_PROBE_INTERVAL = 60_000

/** Sends one segment; false when the own link does not carry so much. */
export type Emit = (flags: number, sequence: number, data: Uint8Array) => boolean

export class Sender {
  readonly buffer: SendBuffer
  readonly timeout: RetransmissionTimeout = new RetransmissionTimeout()
  readonly congestion: Congestion
  /** When `timedOut` is due; Infinity when all is acknowledged. */
  deadline: number = Infinity
  isOrphan = false
  /** SND.UNA */
  #unacknowledged: number
  /** SND.NXT: after a time-out it goes back. */
  #next: number
  /** The highest SND.NXT so far. */
  #highest: number
  /** SND.WND, and where it comes from (RFC 9293 §3.10.7.4: SND.WL1). */
  #window = 0
  #windowFrom = -1
  #finAt: number | undefined
  #retries = 0
  #timedSequence = -1
  #timedAt = 0
  readonly #maxSegment: number
  readonly #emit: Emit

  constructor(start: number, maxSegment: number, emit: Emit) {
    this.buffer = new SendBuffer(start)
    this.congestion = new Congestion(maxSegment)
    this.#unacknowledged = start
    this.#next = start
    this.#highest = start
    this.#maxSegment = maxSegment
    this.#emit = emit
  }

  /** What a segment without data is numbered with: it must not look old after a time-out. */
  get highest(): number {
    return this.#highest
  }

  /** Bytes that were written and not acknowledged. */
  get backlog(): number {
    return this.buffer.end - this.buffer.start
  }

  get isFinished(): boolean {
    return this.#finAt !== undefined
  }

  get isFinAcknowledged(): boolean {
    return this.#finAt !== undefined && this.#unacknowledged > this.#finAt
  }

  get #inFlight(): number {
    return this.#next - this.#unacknowledged
  }

  /** Nothing is written after it. Again after the buffer was truncated: the FIN follows what is left, unless it was sent. */
  finish(): void {
    if (this.#finAt === undefined || this.#highest <= this.#finAt) this.#finAt = this.buffer.end
  }

  /** Sends all that the windows allow. */
  pump(now: number): void {
    const { buffer, congestion } = this
    for (;;) {
      const available = buffer.end - this.#next
      if (available <= 0) break
      const room = Math.min(congestion.window, this.#window) - this.#inFlight
      const size = Math.min(this.#maxSegment, available, room)
      // RFC 9293 §3.8.6.2.1: no tiny segments just because a little room has opened.
      if (size <= 0 || (size < available && size < this.#maxSegment && this.#inFlight > 0)) break
      if (!this.#send(this.#next, size, now)) break
    }
    if (this.#finAt !== undefined && this.#next === this.#finAt) {
      this.#emit(FIN | ACK, this.#next++, EMPTY)
      this.#highest = Math.max(this.#highest, this.#next)
    }
    this.#arm(now)
  }

  /** @returns false for an acknowledgement of what was never sent (RFC 9293 §3.10.7.4) */
  acknowledge(upTo: number, window: number, sequence: number, isBare: boolean, now: number): boolean {
    if (upTo > this.#highest) return false
    if (upTo < this.#unacknowledged) return true
    const isSameWindow = window === this.#window
    if (sequence >= this.#windowFrom) {
      if (this.#window === 0 && window > 0) this.#restart()
      this.#window = window
      this.#windowFrom = sequence
    }
    this.#retries = 0
    if (upTo > this.#unacknowledged) this.#progress(upTo, now)
    else if (isBare && isSameWindow && this.#inFlight > 0) {
      if (this.congestion.duplicate(upTo, this.#inFlight, this.#highest)) this.#repeat(now)
    }
    this.pump(now)
    return true
  }

  /** @returns false when it is time to give up */
  timedOut(now: number): boolean {
    if (++this.#retries > (this.isOrphan ? MAX_ORPHAN_RETRIES : MAX_RETRIES)) return false
    this.deadline = Infinity
    this.timeout.backOff()
    if (this.#isWindowShut) {
      // RFC 9293 §3.8.6.1: what nobody asked for is answered with an acknowledgement, and that has the window.
      this.#emit(ACK, this.#unacknowledged - 1, EMPTY)
      this.#arm(now)
      return true
    }
    this.congestion.timedOut(this.#inFlight, this.#highest)
    this.#timedSequence = -1 // Karn's algorithm (RFC 6298 §3): of a repetition nobody knows what was acknowledged
    this.#next = this.#unacknowledged
    this.#repeat(now)
    this.#arm(now)
    return true
  }

  /** The timer was one of probes. */
  #restart(): void {
    this.timeout.reset()
    this.deadline = Infinity
  }

  get #isWindowShut(): boolean {
    return this.#inFlight === 0 && this.#window === 0 && this.buffer.end > this.#next
  }

  #progress(upTo: number, now: number): void {
    if (this.#timedSequence >= 0 && upTo > this.#timedSequence) {
      this.timeout.measured(now - this.#timedAt)
      this.#timedSequence = -1
    }
    this.timeout.reset()
    const isPartial = this.congestion.acknowledged(upTo - this.#unacknowledged, upTo)
    this.#unacknowledged = upTo
    this.#next = Math.max(this.#next, upTo)
    this.buffer.acknowledge(upTo)
    this.deadline = Infinity
    if (isPartial) this.#repeat(now)
  }

  /** The first unacknowledged segment once more. */
  #repeat(now: number): void {
    const from = this.#unacknowledged
    if (from === this.#finAt) {
      this.#emit(FIN | ACK, from, EMPTY)
      this.#next = Math.max(this.#next, from + 1)
      return
    }
    this.#timedSequence = -1
    // Not beyond the window, but for a byte if it has closed since.
    const size = Math.min(this.#maxSegment, this.buffer.end - from, Math.max(1, this.#window))
    if (this.#emit(ACK, from, this.buffer.read(from, size))) this.#next = Math.max(this.#next, from + size)
    if (this.deadline === Infinity) this.#arm(now)
  }

  #send(sequence: number, size: number, now: number): boolean {
    if (!this.#emit(ACK, sequence, this.buffer.read(sequence, size))) return false
    this.#next = sequence + size
    if (this.#next > this.#highest) {
      this.#highest = this.#next
      if (this.#timedSequence < 0) {
        this.#timedSequence = sequence
        this.#timedAt = now
      }
    }
    return true
  }

  #arm(now: number): void {
    if (this.#inFlight > 0 || this.buffer.end > this.#next) {
      if (this.deadline !== Infinity) return
      const interval = this.timeout.value
      this.deadline = now + (this.#isWindowShut ? Math.min(interval, LONGEST_PROBE_INTERVAL) : interval)
    } else {
      this.deadline = Infinity
    }
  }
}
