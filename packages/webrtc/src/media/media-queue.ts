/** `for await` over the media of a track: a bounded queue that sheds the oldest when nobody reads. */
import type { RtpPacket } from '@kaon/rtp'
import type { ReceivedFrame } from '@kaon/rtp/formats'
import type { TrackCore } from './track-core.ts'
import type { TrackSink } from './track-source.ts'

export interface MediaQueueOptions {
  /** Only this simulcast layer. Default: every one. */
  rid?: string
  /** Frames or packets that wait for a reader. Default 256 frames, 1024 packets. */
  maxQueue?: number
  /** Aborting makes the iterator throw the signal's reason. */
  signal?: AbortSignal
}

const DEFAULT_MAX_FRAMES = 256
const DEFAULT_MAX_PACKETS = 1024
/** Of frames that wait: a key frame may be a megabyte. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024

abstract class MediaQueue<T> implements AsyncIterableIterator<T> {
  readonly #core: TrackCore
  readonly #signal: AbortSignal | undefined
  readonly #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = []
  protected readonly items: T[] = []
  protected readonly rid: string | undefined
  protected readonly maxQueue: number
  #done = false
  #error: { reason: unknown } | undefined

  constructor(core: TrackCore, options: MediaQueueOptions, defaultMaximum: number) {
    this.#core = core
    this.rid = options.rid
    const maximum = options.maxQueue ?? defaultMaximum
    if (!(maximum >= 1)) throw new RangeError('maxQueue is at least 1')
    this.maxQueue = maximum
    this.#signal = options.signal
  }

  /** The sink is what the subclass made of this queue. */
  protected abstract readonly sink: TrackSink

  protected open(): void {
    if (this.#signal?.aborted === true) this.#abort()
    else {
      this.#signal?.addEventListener('abort', this.#abort)
      this.#core.subscribe(this.sink)
    }
  }

  readonly #abort = (): void => {
    this.#error = { reason: this.#signal!.reason }
    this.items.length = 0
    this.close()
  }

  protected push(item: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.items.push(item)
    else waiting.resolve({ done: false, value: item })
  }

  protected close(): void {
    if (this.#done) return
    this.#done = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#core.unsubscribe(this.sink)
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#error === undefined) resolve({ done: true, value: undefined })
      else reject(this.#takeError())
    }
  }

  /** Told once; what is asked afterwards is answered with the end. */
  #takeError(): unknown {
    const reason = this.#error?.reason
    this.#error = undefined
    return reason
  }

  next(): Promise<IteratorResult<T>> {
    if (this.items.length > 0) return Promise.resolve({ done: false, value: this.items.shift()! })
    if (this.#error !== undefined) return Promise.reject(this.#takeError())
    if (this.#done) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T>> {
    this.items.length = 0
    this.close()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/**
 * Frames in decoding order. When it overflows, the oldest frame of video goes, and with it all that cannot be decoded
 * without it: everything up to the next key frame of the same layer, which is marked as a discontinuity.
 */
export class FrameQueue extends MediaQueue<ReceivedFrame> {
  /** Layers that wait for a key frame. */
  readonly #broken = new Set<string | undefined>()
  readonly #isVideo: boolean
  readonly #requestKeyFrame: (rid: string | undefined) => void
  #bytes = 0
  protected readonly sink: TrackSink = {
    frame: (frame) => this.#frame(frame as ReceivedFrame),
    ended: () => this.close(),
  }

  constructor(core: TrackCore, options: MediaQueueOptions) {
    super(core, options, DEFAULT_MAX_FRAMES)
    this.#isVideo = core.source.kind === 'video'
    this.#requestKeyFrame = (rid) => core.requestKeyFrame(rid)
    this.open()
  }

  #frame(frame: ReceivedFrame): void {
    const { rid } = frame
    if (this.rid !== undefined && rid !== this.rid) return
    let taken = frame
    if (this.#broken.has(rid)) {
      if (!frame.keyFrame) return
      this.#broken.delete(rid)
      taken = { ...frame, discontinuity: true }
    }
    this.push(taken)
    if (this.items.length > 0) this.#bytes += taken.payload.length
    else this.#bytes = 0
    while (this.items.length > this.maxQueue || (this.#bytes > MAX_FRAME_BYTES && this.items.length > 1)) this.#shed()
  }

  override next(): Promise<IteratorResult<ReceivedFrame>> {
    if (this.items.length > 0) this.#bytes -= this.items[0]!.payload.length
    return super.next()
  }

  #shed(): void {
    const oldest = this.items.shift()!
    this.#bytes -= oldest.payload.length
    if (!this.#isVideo) {
      this.#markDiscontinuity(0)
      return
    }
    const { rid } = oldest
    let kept = 0
    let isFound = false
    for (let i = 0; i < this.items.length; i++) {
      const frame = this.items[i]!
      if (!isFound && frame.rid === rid && !frame.keyFrame) {
        this.#bytes -= frame.payload.length
        continue
      }
      this.items[kept++] = frame
      if (!isFound && frame.rid === rid) {
        isFound = true
        this.#markDiscontinuity(kept - 1)
      }
    }
    this.items.length = kept
    if (isFound) return
    this.#broken.add(rid)
    this.#requestKeyFrame(rid)
  }

  #markDiscontinuity(index: number): void {
    const frame = this.items[index]
    if (frame !== undefined && !frame.discontinuity) this.items[index] = { ...frame, discontinuity: true }
  }
}

/** Packets in the order of their arrival. When it overflows, the oldest goes. */
export class PacketQueue extends MediaQueue<RtpPacket> {
  protected readonly sink: TrackSink = {
    packet: (packet, encoding) => {
      if (this.rid !== undefined && encoding.rid !== this.rid) return
      this.push(packet)
      if (this.items.length > this.maxQueue) this.items.shift()
    },
    ended: () => this.close(),
  }

  constructor(core: TrackCore, options: MediaQueueOptions) {
    super(core, options, DEFAULT_MAX_PACKETS)
    this.open()
  }
}
