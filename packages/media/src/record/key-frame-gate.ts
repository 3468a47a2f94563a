import { describeKeyFrame } from '../codecs/video.ts'
import { codecOf } from '../formats.ts'
import type { ReceivedFrame } from '../types.ts'

/** ms between two requests, as long as there is none. */
const REQUEST_INTERVAL = 500

/** Lets video begin with a key frame, and go on with one after a loss; asks for it. Audio passes. */
export class KeyFrameGate {
  readonly #isVideo: boolean
  readonly #request: () => void
  #waiting: boolean
  #begun = false
  #asked = -Infinity

  constructor(isVideo: boolean, request: () => void) {
    this.#isVideo = isVideo
    this.#waiting = isVideo
    this.#request = request
    if (isVideo) request()
  }

  passes(frame: ReceivedFrame): boolean {
    if (!this.#isVideo) return true
    if (frame.keyFrame && (this.#begun || canBegin(frame))) {
      this.#begun = true
      this.#waiting = false
      return true
    }
    if (frame.discontinuity) this.#waiting = true
    if (this.#waiting) this.#ask(frame.receiveTime)
    return !this.#waiting
  }

  /** Something was left out here. */
  close(): void {
    if (this.#isVideo) this.#waiting = true
  }

  #ask(now: number): void {
    if (now - this.#asked < REQUEST_INTERVAL) return
    this.#asked = now
    this.#request()
  }
}

/** The first one has to tell the size of the picture and have its parameter sets with it. A codec that is unknown here is refused elsewhere. */
function canBegin({ mimeType, payload }: ReceivedFrame): boolean {
  const codec = codecOf(mimeType)
  return codec === undefined || describeKeyFrame(codec.mimeType, payload) !== undefined
}
