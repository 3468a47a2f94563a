import { frameDimensions } from '@kaon/rtp/formats'
import type { ReceivedFrame } from '../types.ts'

/** ms: a layer that gives nothing for so long is left, at the next key frame of another one. */
const SILENCE = 1000

/**
 * A simulcast track brings several encodings of one picture at once: one of them is recorded. It is the largest that comes: a key
 * frame of a larger picture is where another one takes over.
 */
export class LayerChoice {
  #rid: string | undefined
  #pixels = 0
  #lastTime = -Infinity

  accepts(frame: ReceivedFrame): boolean {
    const { rid, receiveTime, keyFrame } = frame
    if (rid === undefined) return true
    if (rid !== this.#rid) {
      if (!keyFrame) return this.#rid === undefined // the gate asks for a key frame
      const pixels = pixelsOf(frame)
      if (pixels <= this.#pixels && receiveTime - this.#lastTime < SILENCE) return false
      this.#rid = rid
      this.#pixels = pixels
    } else if (keyFrame) {
      this.#pixels = pixelsOf(frame)
    }
    this.#lastTime = receiveTime
    return true
  }
}

function pixelsOf({ mimeType, payload }: ReceivedFrame): number {
  const { width, height } = frameDimensions(mimeType, payload) ?? { width: 0, height: 0 }
  return width * height
}
