import { frameDimensions, type EncodedFrame } from '@kaon/rtp/formats'

/** How large the frames of a stream are, and how many come in a second (webrtc-stats: `frameWidth`, `framesPerSecond`). */
export class Picture {
  width: number | undefined
  height: number | undefined
  #from = -Infinity
  #count = 0
  #rate: number | undefined

  /** Sizes are read from key frames, which alone tell them in every format. */
  note(frame: EncodedFrame, mimeType: string, now: number): void {
    if (frame.keyFrame) {
      const dimensions = frameDimensions(mimeType, frame.payload)
      if (dimensions !== undefined) ({ width: this.width, height: this.height } = dimensions)
    }
    if (now - this.#from >= 1000) {
      // After a pause there was no whole second to count in.
      this.#rate = now - this.#from < 2000 ? (this.#count * 1000) / (now - this.#from) : undefined
      this.#from = now
      this.#count = 0
    }
    this.#count++
  }

  /** In the last whole second; undefined before there was one, and 0 when nothing came since. */
  framesPerSecond(now: number): number | undefined {
    return this.#rate !== undefined && now - this.#from >= 2000 ? 0 : this.#rate
  }
}
