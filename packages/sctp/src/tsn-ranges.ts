/**
 * A sorted set of unwrapped sequence numbers, held as disjoint, non-adjacent ranges. Both ends of an association keep one:
 * the receiver of what arrived beyond the cumulative TSN, the sender of what gap ack blocks have acknowledged.
 */
export class TsnRanges {
  /** First and last (inclusive) of each range. */
  readonly starts: number[] = []
  readonly ends: number[] = []

  get length(): number {
    return this.starts.length
  }

  /** Index of the first range that ends at or after `seq`. */
  find(seq: number): number {
    const ends = this.ends
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (ends[middle]! < seq) low = middle + 1
      else high = middle
    }
    return low
  }

  has(seq: number): boolean {
    const i = this.find(seq)
    return i < this.starts.length && this.starts[i]! <= seq
  }

  /** Adds all of `first` to `last`, joining what touches. */
  add(first: number, last: number): void {
    const { starts, ends } = this
    const count = starts.length
    // Appending to or after the last range is the usual case.
    if (count === 0 || first > ends[count - 1]! + 1) {
      starts.push(first)
      ends.push(last)
      return
    }
    const from = this.find(first - 1)
    let to = from
    while (to < count && starts[to]! <= last + 1) to++
    if (to === from) {
      starts.splice(from, 0, first)
      ends.splice(from, 0, last)
      return
    }
    starts[from] = Math.min(starts[from]!, first)
    ends[from] = Math.max(ends[to - 1]!, last)
    if (to - from > 1) {
      starts.splice(from + 1, to - from - 1)
      ends.splice(from + 1, to - from - 1)
    }
  }

  /** Removes everything up to and including `seq`. */
  removeThrough(seq: number): void {
    const { starts, ends } = this
    let gone = 0
    while (gone < ends.length && ends[gone]! <= seq) gone++
    if (gone > 0) {
      starts.splice(0, gone)
      ends.splice(0, gone)
    }
    if (starts.length > 0 && starts[0]! <= seq) starts[0] = seq + 1
  }

  clear(): void {
    this.starts.length = 0
    this.ends.length = 0
  }
}
