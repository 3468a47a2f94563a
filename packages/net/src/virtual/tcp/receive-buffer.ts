import type { Range } from './scoreboard.ts'
import { EMPTY, NO_SACKS } from './segment.ts'

interface Piece {
  readonly at: number
  readonly data: Uint8Array
}

/** Puts segments into order (RFC 9293 §3.10.7.4) and keeps what nobody has read yet. Never holds more than its capacity. */
export class ReceiveBuffer {
  /** RCV.NXT: the sequence number that is expected next. */
  next: number
  /** Sequence number of the FIN, once it was seen. */
  finAt: number | undefined = undefined
  /** Bytes in order that wait for the reader. */
  unread = 0
  readonly #capacity: number
  readonly #ready: Uint8Array[] = []
  #readyFirst = 0
  /** Beyond a gap, in order, without overlaps. */
  readonly #ahead: Piece[] = []

  constructor(next: number, capacity: number) {
    this.next = next
    this.#capacity = capacity
  }

  /** What may come beyond `next`, in bytes. */
  get window(): number {
    return this.#capacity - this.unread
  }

  /** The other side has finished, and all of it is here. */
  get isFinished(): boolean {
    return this.finAt !== undefined && this.next > this.finAt
  }

  /** What is here beyond a gap. */
  get sacks(): readonly Range[] {
    if (this.#ahead.length === 0) return NO_SACKS
    const ranges: { start: number; end: number }[] = []
    for (const { at, data } of this.#ahead) {
      const last = ranges.at(-1)
      if (last?.end === at) last.end += data.length
      else ranges.push({ start: at, end: at + data.length })
    }
    return ranges
  }

  /** True when `next` moved on. */
  receive(sequence: number, data: Uint8Array, fin: boolean): boolean {
    const before = this.next
    const edge = before + this.window
    const end = Math.min(sequence + data.length, edge)
    if (fin && end === sequence + data.length) this.finAt ??= end
    const from = Math.max(sequence, before)
    if (end > from) {
      const piece = { at: from, data: data.subarray(from - sequence, end - sequence) }
      if (from === before) this.#take(piece)
      else this.#keep(piece)
    }
    while (this.#ahead.length > 0 && this.#ahead[0]!.at <= this.next) this.#take(this.#ahead.shift()!)
    if (this.next === this.finAt) this.next++
    return this.next > before
  }

  /** The next bytes for the reader. */
  read(): Uint8Array | undefined {
    const data = this.#ready[this.#readyFirst]
    if (data === undefined) {
      this.#ready.length = 0
      this.#readyFirst = 0
      return undefined
    }
    this.#ready[this.#readyFirst++] = EMPTY
    this.unread -= data.length
    return data
  }

  clear(): void {
    this.#ready.length = 0
    this.#readyFirst = 0
    this.#ahead.length = 0
    this.unread = 0
  }

  #take({ at, data }: Piece): void {
    const fresh = at < this.next ? data.subarray(this.next - at) : data
    if (fresh.length === 0) return
    this.#ready.push(fresh)
    this.unread += fresh.length
    this.next += fresh.length
  }

  /** Inserts without overlaps, so that the pieces together never exceed the window. */
  #keep({ at, data }: Piece): void {
    const ahead = this.#ahead
    let index = ahead.length
    while (index > 0 && ahead[index - 1]!.at > at) index--
    const before = ahead[index - 1]
    let from = before === undefined ? at : Math.max(at, before.at + before.data.length)
    const end = at + data.length
    for (; from < end; index++) {
      const after = ahead[index]
      const until = after === undefined ? end : Math.min(end, after.at)
      if (until > from) {
        ahead.splice(index, 0, { at: from, data: data.subarray(from - at, until - at) })
        index++
      }
      if (after === undefined) break
      from = after.at + after.data.length
    }
  }
}
