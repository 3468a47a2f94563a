/** A frame with its place on the time axis of the recording. */
export interface Placed<T> {
  /** Which of the tracks. */
  readonly lane: number
  /** µs */
  readonly time: number
  readonly size: number
  readonly item: T
}

/** µs for which a frame waits for other tracks to come up to its time. */
const PATIENCE = 500_000
const MAX_BYTES = 8 * 1024 * 1024
const MAX_ITEMS = 4096

/** Brings the frames of several tracks into the order of time: each track's own are in order, and none waits long for another. */
export class Interleaver<T> {
  readonly #lanes: { queue: Placed<T>[]; ended: boolean }[]
  #newest = -Infinity
  #bytes = 0
  #count = 0

  constructor(lanes: number) {
    this.#lanes = Array.from({ length: lanes }, () => ({ queue: [], ended: false }))
  }

  push(placed: Placed<T>): void {
    this.#lanes[placed.lane]!.queue.push(placed)
    this.#newest = Math.max(this.#newest, placed.time)
    this.#bytes += placed.size
    this.#count++
  }

  /** Nobody waits for this track any more. */
  end(lane: number): void {
    this.#lanes[lane]!.ended = true
  }

  /** The next frame whose turn has come; with `flush` the next one in any case. */
  shift(flush = false): Placed<T> | undefined {
    let best: Placed<T>[] | undefined
    let complete = true
    for (const { queue, ended } of this.#lanes) {
      const [head] = queue
      if (head === undefined) complete &&= ended
      else if (best === undefined || head.time < best[0]!.time) best = queue
    }
    if (best === undefined) return undefined
    const full = this.#bytes > MAX_BYTES || this.#count > MAX_ITEMS
    if (!flush && !complete && !full && this.#newest - best[0]!.time < PATIENCE) return undefined
    const placed = best.shift()!
    this.#bytes -= placed.size
    this.#count--
    return placed
  }
}
