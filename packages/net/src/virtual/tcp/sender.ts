// The sending half of a TCP connection (RFC 9293 §3.8): what may go out now, and what must go out again. Losses are found
// by selective acknowledgement (RFC 6675), without which a full queue would cost a round trip for each lost segment.

import { Congestion, RetransmissionTimeout } from './congestion.ts'
import { Scoreboard } from './scoreboard.ts'
import { SendBuffer } from './send-buffer.ts'
import { ACK, EMPTY, FIN } from './segment.ts'
import type { TcpSegment } from './segment.ts'

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
  isOrphan: boolean = false
  readonly #scoreboard: Scoreboard = new Scoreboard()
  readonly #maxSegment: number
  readonly #emit: Emit
  /** SND.UNA */
  #unacknowledged: number
  /** SND.NXT */
  #next: number
  /** SND.WND, and where it comes from (RFC 9293 §3.10.7.4: SND.WL1). */
  #window = 0
  #windowFrom = -1
  #finAt: number | undefined
  /** Lost segments before it have been sent again. */
  #repairedTo: number
  /** What nobody has acknowledged before it was given up with the last time-out. */
  #timedOutBelow: number
  #retries = 0
  #timedSequence = -1
  #timedAt = 0

  constructor(start: number, maxSegment: number, emit: Emit) {
    this.buffer = new SendBuffer(start)
    this.congestion = new Congestion(maxSegment)
    this.#maxSegment = maxSegment
    this.#emit = emit
    this.#unacknowledged = start
    this.#next = start
    this.#repairedTo = start
    this.#timedOutBelow = start
  }

  get next(): number {
    return this.#next
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

  /** Nothing is written after it. Again after the buffer was truncated: the FIN follows what is left, unless it was sent. */
  finish(): void {
    if (this.#finAt === undefined || this.#next <= this.#finAt) this.#finAt = this.buffer.end
  }

  /** Sends all that the windows allow. */
  pump(now: number): void {
    const { buffer, congestion } = this
    let pipe = this.#repair(congestion.window, now)
    for (;;) {
      const available = buffer.end - this.#next
      if (available <= 0) break
      const inFlight = this.#next - this.#unacknowledged
      const room = Math.min(congestion.window - pipe, this.#window - inFlight)
      const size = Math.min(this.#maxSegment, available, room)
      // RFC 9293 §3.8.6.2.1: no tiny segments just because a little room has opened.
      if (size <= 0 || (size < available && size < this.#maxSegment && inFlight > 0)) break
      if (!this.#emit(ACK, this.#next, buffer.read(this.#next, size))) break
      if (this.#timedSequence < 0) {
        this.#timedSequence = this.#next
        this.#timedAt = now
      }
      this.#next += size
      pipe += size
    }
    if (this.#finAt !== undefined && this.#next === this.#finAt) this.#emit(FIN | ACK, this.#next++, EMPTY)
    this.#arm(now)
  }

  /** @returns false for an acknowledgement of what was never sent (RFC 9293 §3.10.7.4) */
  acknowledge({ acknowledgement, window, sequence, sacks }: TcpSegment, now: number): boolean {
    if (acknowledgement > this.#next) return false
    if (acknowledgement < this.#unacknowledged) return true
    if (sequence >= this.#windowFrom) {
      if (this.#window === 0 && window > 0) {
        this.timeout.reset() // it was a matter of probes
        this.deadline = Infinity
      }
      this.#window = window
      this.#windowFrom = sequence
    }
    this.#retries = 0
    if (acknowledgement > this.#unacknowledged) this.#progress(acknowledgement, now)
    if (sacks.length > 0) {
      this.#scoreboard.add(sacks, this.#unacknowledged, this.#next)
      this.#detectLoss(now)
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
    } else {
      this.congestion.timedOut(this.#next - this.#unacknowledged, this.#next)
      this.#timedOutBelow = this.#next
      this.#repairedTo = this.#unacknowledged
    }
    this.pump(now)
    return true
  }

  get #isWindowShut(): boolean {
    return this.#next === this.#unacknowledged && this.#window === 0 && this.buffer.end > this.#next
  }

  #progress(upTo: number, now: number): void {
    if (this.#timedSequence >= 0 && upTo > this.#timedSequence) {
      this.timeout.measured(now - this.#timedAt)
      this.#timedSequence = -1
    }
    this.timeout.reset()
    this.congestion.acknowledged(upTo - this.#unacknowledged, upTo)
    this.#unacknowledged = upTo
    this.#repairedTo = Math.max(this.#repairedTo, upTo)
    this.#scoreboard.forget(upTo)
    this.buffer.acknowledge(upTo)
    this.deadline = Infinity
  }

  /** What is not acknowledged before it counts as lost: something three segments on has arrived (RFC 6675 §2, DupThresh, by distance). */
  get #lossEdge(): number {
    return Math.max(this.#timedOutBelow, this.#scoreboard.highest - 2 * this.#maxSegment)
  }

  #detectLoss(now: number): void {
    const edge = this.#lossEdge
    if (this.#scoreboard.missing(this.#unacknowledged, edge) === 0) return
    if (!this.congestion.lost(this.#unacknowledged, this.#next - this.#unacknowledged, this.#next)) return
    this.#repairedTo = this.#unacknowledged
    // RFC 6675 §5 (4.3): the first goes out at once, whatever the window.
    this.#repair(this.#pipe + 1, now)
  }

  /** Bytes that are thought to be on their way (RFC 6675 §4, "pipe"). */
  get #pipe(): number {
    const board = this.#scoreboard
    const from = Math.max(this.#repairedTo, this.#unacknowledged)
    return board.missing(this.#unacknowledged, this.#next) - board.missing(from, this.#lossEdge)
  }

  /** Sends lost segments again while less than `limit` bytes are on their way. @returns how many are now */
  #repair(limit: number, now: number): number {
    let pipe = this.#pipe
    const edge = this.#lossEdge
    while (pipe < limit) {
      const hole = this.#scoreboard.hole(Math.max(this.#repairedTo, this.#unacknowledged), edge)
      if (hole === undefined) break
      const { start } = hole
      this.#timedSequence = -1 // Karn's algorithm (RFC 6298 §3): of a repetition nobody knows what was acknowledged
      let size = 1
      if (start === this.#finAt) {
        this.#emit(FIN | ACK, start, EMPTY)
      } else {
        size = Math.min(this.#maxSegment, hole.end - start, this.buffer.end - start)
        if (!this.#emit(ACK, start, this.buffer.read(start, size))) break
      }
      this.#repairedTo = start + size
      pipe += size
      this.#arm(now)
    }
    return pipe
  }

  #arm(now: number): void {
    if (this.#next === this.#unacknowledged && this.buffer.end === this.#next) {
      this.deadline = Infinity
    } else if (this.deadline === Infinity) {
      const interval = this.timeout.value
      this.deadline = now + (this.#isWindowShut ? Math.min(interval, LONGEST_PROBE_INTERVAL) : interval)
    }
  }
}
