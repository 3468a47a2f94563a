import type { MediaFrame } from '../types.ts'

/** Frames that were read ahead of their time. */
export interface Timed {
  readonly entry: MediaFrame
  /** µs from the beginning of the playback, loops included. */
  readonly time: number
}

const MAX_FRAMES = 64
const MAX_BYTES = 4 * 1024 * 1024

/** Bounded by number and bytes; one frame always fits. */
export class FrameQueue {
  #frames: Timed[] = []
  #head = 0
  #bytes = 0

  get isFull(): boolean {
    return this.#frames.length - this.#head >= MAX_FRAMES || this.#bytes >= MAX_BYTES
  }

  peek(): Timed | undefined {
    return this.#frames[this.#head]
  }

  push(timed: Timed): void {
    this.#frames.push(timed)
    this.#bytes += timed.entry.frame.payload.length
  }

  shift(): Timed | undefined {
    const timed = this.#frames[this.#head]
    if (timed === undefined) return undefined
    this.#bytes -= timed.entry.frame.payload.length
    if (++this.#head === this.#frames.length) {
      this.#frames = []
      this.#head = 0
    } else if (this.#head >= MAX_FRAMES) {
      this.#frames = this.#frames.slice(this.#head)
      this.#head = 0
    }
    return timed
  }

  clear(): void {
    this.#frames = []
    this.#head = 0
    this.#bytes = 0
  }
}
