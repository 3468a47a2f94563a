import { openFile } from '@kaon/media/node'
import type { EncodedFrame } from '@kaon/rtp/formats'
import { MediaStreamTrack } from '../../src/index.ts'

/** Plays the frames of a file round and round in real time, and winds back to its key frame when one is asked for. */
export class Reel {
  readonly track: MediaStreamTrack
  /** Frames that were written. */
  sent = 0
  keyFramesSent = 0
  keyFramesAsked = 0
  /** Called right before a key frame is written. */
  onKeyFrame: (() => void) | undefined
  readonly #frames: readonly EncodedFrame[]
  readonly #interval: number
  #next = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  private constructor(codec: string, frames: readonly EncodedFrame[], rate: number) {
    this.track = new MediaStreamTrack({ kind: 'video', codec })
    this.#frames = frames
    this.#interval = 1000 / rate
    this.track.onkeyframerequest = () => {
      this.keyFramesAsked++
      this.wind()
    }
  }

  /** `rate`: frames a second. */
  static async load(path: string, rate: number): Promise<Reel> {
    const file = await openFile(path)
    const frames: EncodedFrame[] = []
    for await (const { frame } of file.frames()) frames.push(frame)
    await file.close()
    return new Reel(file.tracks[0]!.mimeType, frames, rate)
  }

  /** Back to the beginning: the next frame is a key frame. */
  wind(): void {
    this.#next = 0
  }

  /** `rids`: writes each frame for these layers, one as the other. */
  start(...rids: string[]): void {
    const begun = performance.now()
    const play = (): void => {
      const { payload, keyFrame } = this.#frames[this.#next]!
      this.#next = (this.#next + 1) % this.#frames.length
      if (keyFrame) {
        this.onKeyFrame?.()
        this.keyFramesSent++
      }
      // Taken over by the track: what is played again needs to be another's.
      const timestamp = this.sent * this.#interval * 1000
      for (const rid of rids.length === 0 ? [undefined] : rids) {
        const layer = rid === undefined ? {} : { rid }
        this.track.writeFrame({ payload: payload.slice(), keyFrame, timestamp, ...layer })
      }
      this.sent++
      this.#timer = setTimeout(play, begun + this.sent * this.#interval - performance.now())
    }
    play()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
