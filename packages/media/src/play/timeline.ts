import type { MediaFrame } from '../types.ts'

/** µs between the last frame of a pass and the first of the next, where nobody says how long the last one lasts. */
const DEFAULT_DURATION = 33_333

/** Lays the passes through a file behind each other: times that begin with 0 and go on when the file begins anew. */
export class Timeline {
  #first: number | undefined
  #offset = 0
  #end = 0

  /** µs; never below 0. Frames of reordered video may lie before the one that came before them. */
  timeOf({ frame }: MediaFrame): number {
    this.#first ??= frame.timestamp
    const time = Math.max(0, this.#offset + frame.timestamp - this.#first)
    this.#end = Math.max(this.#end, time + (frame.duration ?? DEFAULT_DURATION))
    return time
  }

  /** The file begins anew. */
  nextPass(): void {
    this.#offset = this.#end
    this.#first = undefined
  }
}
