/** From `start` up to, not including, `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Which bytes beyond the acknowledged ones have arrived, as selective acknowledgements told (RFC 2018, RFC 6675 §3). */
export class Scoreboard {
  /** In order, not touching each other. */
  #ranges: Range[] = []

  /** After the last byte that has arrived; -1 if there is none. */
  get highest(): number {
    return this.#ranges.at(-1)?.end ?? -1
  }

  /** Takes note of what lies between `from` and `to`. */
  add(ranges: readonly Range[], from: number, to: number): void {
    for (const range of ranges) {
      const start = Math.max(range.start, from)
      const end = Math.min(range.end, to)
      if (start < end) this.#insert(start, end)
    }
  }

  /** What lies before `upTo` is acknowledged. */
  forget(upTo: number): void {
    while (this.#ranges.length > 0 && this.#ranges[0]!.end <= upTo) this.#ranges.shift()
    const first = this.#ranges[0]
    if (first !== undefined && first.start < upTo) this.#ranges[0] = { start: upTo, end: first.end }
  }

  /** How many bytes between `from` and `to` have not arrived. */
  missing(from: number, to: number): number {
    if (to <= from) return 0
    let bytes = to - from
    for (const { start, end } of this.#ranges) bytes -= Math.max(0, Math.min(end, to) - Math.max(start, from))
    return bytes
  }

  /** The first gap between `from` and `to`. */
  hole(from: number, to: number): Range | undefined {
    let at = from
    for (const { start, end } of this.#ranges) {
      if (end <= at) continue
      if (start > at) return at < to ? { start: at, end: Math.min(start, to) } : undefined
      at = end
    }
    return at < to ? { start: at, end: to } : undefined
  }

  #insert(start: number, end: number): void {
    const ranges = this.#ranges
    let index = 0
    while (index < ranges.length && ranges[index]!.end < start) index++
    let last = index
    for (; last < ranges.length && ranges[last]!.start <= end; last++) {
      start = Math.min(start, ranges[last]!.start)
      end = Math.max(end, ranges[last]!.end)
    }
    ranges.splice(index, last - index, { start, end })
  }
}
