import type { EncodedFrame, ReceivedFrame, TrackSource } from '@kaon/media'

/** A track whose frames a test pushes. */
export class PushedTrack implements TrackSource {
  readonly id: string
  readonly kind: 'audio' | 'video'
  keyFrameRequests = 0
  #queue: ReceivedFrame[] = []
  #wake: (() => void) | undefined
  #ended = false
  #mimeType: string

  constructor(mimeType: string, id = mimeType) {
    this.#mimeType = mimeType
    this.kind = mimeType.startsWith('video') ? 'video' : 'audio'
    this.id = id
  }

  /** `receiveTime` in ms. */
  push(
    frame: EncodedFrame,
    receiveTime: number,
    extra: { discontinuity?: boolean; mimeType?: string; ssrc?: number; rid?: string } = {},
  ): void {
    const { discontinuity = false, mimeType = this.#mimeType, ssrc = 1 } = extra
    const rtp = { rtpTimestamp: 0, ssrc, payloadType: 96, ...(extra.rid !== undefined && { rid: extra.rid }) }
    this.#queue.push({ ...frame, ...rtp, mimeType, receiveTime, discontinuity })
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  requestKeyFrame(): void {
    this.keyFrameRequests++
  }

  async *frames({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<ReceivedFrame> {
    signal?.addEventListener('abort', () => this.#wake?.())
    for (;;) {
      const frame = this.#queue.shift()
      if (frame !== undefined) {
        yield frame
      } else {
        if (this.#ended || signal?.aborted) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}

/** Lets everything that was pushed be taken. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
