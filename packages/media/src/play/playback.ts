import type { Timer } from '@kaon/net'
import { MediaError } from '../errors.ts'
import type { EncodedFrame, MediaFrame, MediaReader, MediaTrackInfo } from '../types.ts'
import { FrameQueue } from './frame-queue.ts'
import type { Timed } from './frame-queue.ts'
import type { Clock, PlayOptions, TrackSink } from './options.ts'
import { Timeline } from './timeline.ts'

/**
 * ms: a frame that is this late moves all that come after it, so that a process that stood still, or a disk that did, does not
 * throw seconds of media at the network at once.
 */
const MAX_LATE = 250

/** A file that plays. */
export class Playback {
  /** Called once, when the playback is over for whatever reason; after an error with it. */
  onended: ((error: unknown) => void) | undefined
  /**
   * Resolves at the end of the file and after `stop`; rejects when the file cannot be read on, or a track throws. Nobody has to
   * look at it.
   */
  readonly ended: Promise<void>
  readonly tracks: readonly MediaTrackInfo[]

  readonly #reader: MediaReader
  readonly #sinks: ReadonlyMap<MediaTrackInfo, TrackSink>
  readonly #clock: Clock
  readonly #rate: number
  readonly #loop: boolean
  readonly #startAt: number
  readonly #signal: AbortSignal | undefined
  readonly #queue: FrameQueue = new FrameQueue()
  readonly #timeline: Timeline = new Timeline()
  /** When time 0 of the playback is, ms on the clock. */
  #base: number | undefined
  #timer: Timer | undefined
  #position = 0
  #readerDone = false
  #over = false
  #wakeReader: (() => void) | undefined
  #settle!: { resolve(): void; reject(error: unknown): void }

  constructor(reader: MediaReader, sinks: ReadonlyMap<MediaTrackInfo, TrackSink>, clock: Clock, options: PlayOptions) {
    this.#reader = reader
    this.#sinks = sinks
    this.#clock = clock
    this.#rate = options.rate ?? 1
    this.#loop = options.loop ?? false
    this.#startAt = options.startAt ?? 0
    this.#signal = options.signal
    this.tracks = [...sinks.keys()]
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.ended.catch(() => {})
    this.#signal?.addEventListener('abort', this.#onAbort)
    void this.#read()
  }

  /** µs in the file: that of the frame that was played last. */
  get position(): number {
    return this.#position
  }

  /** Immediate and idempotent: no frame is written after it. */
  stop(): void {
    this.#finish(undefined)
  }

  readonly #onAbort = (): void => this.stop()

  /** Reads ahead while there is room, pass after pass. */
  async #read(): Promise<void> {
    try {
      let startAt = this.#startAt
      do {
        let count = 0
        for await (const entry of this.#reader.frames({ startAt })) {
          if (this.#over) return
          if (!this.#sinks.has(entry.track)) continue
          count++
          this.#queue.push({ entry, time: this.#timeline.timeOf(entry) })
          if (this.#timer === undefined) this.#arm()
          while (this.#queue.isFull && !this.#over) await this.#room()
        }
        if (count === 0) break // an empty file would loop forever
        startAt = 0
        this.#timeline.nextPass()
      } while (this.#loop && !this.#over)
      this.#readerDone = true
      if (this.#queue.peek() === undefined) this.#finish(undefined)
    } catch (error) {
      this.#finish(error ?? new MediaError('ERR_MEDIA_MALFORMED', 'The file cannot be read on'))
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = resolve
    })
  }

  #arm(): void {
    const next = this.#queue.peek()
    if (next === undefined || this.#over) return
    const now = this.#clock.now()
    this.#base ??= now - next.time / 1000 / this.#rate
    let due = this.#due(next)
    if (due < now - MAX_LATE) {
      this.#base += now - due
      due = now
    }
    this.#timer = this.#clock.setTimer(due, this.#onTimer)
  }

  #due(timed: Timed): number {
    return this.#base! + timed.time / 1000 / this.#rate
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      const due = this.#due(next)
      if (due > now || due < now - MAX_LATE) break
      this.#queue.shift()
      try {
        this.#play(next)
      } catch (error) {
        this.#finish(error)
        return
      }
      if (this.#over) return // a track's user stopped us
    }
    if (!this.#queue.isFull) this.#wake()
    if (this.#queue.peek() !== undefined) this.#arm()
    else if (this.#readerDone) this.#finish(undefined)
  }

  #play({ entry, time }: Timed): void {
    this.#position = entry.frame.timestamp
    const sink = this.#sinks.get(entry.track)!
    if (sink.readyState !== 'ended') sink.writeFrame(retimed(entry, time, this.#rate))
    else if ([...this.#sinks.values()].every(({ readyState }) => readyState === 'ended')) this.stop()
  }

  #wake(): void {
    const wake = this.#wakeReader
    this.#wakeReader = undefined
    wake?.()
  }

  #finish(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#queue.clear()
    this.#wake()
    const settle = (): void => {
      if (error === undefined) this.#settle.resolve()
      else this.#settle.reject(error)
      this.onended?.(error)
    }
    this.#reader.close().then(settle, settle)
  }
}

function retimed({ frame }: MediaFrame, time: number, rate: number): EncodedFrame {
  const { payload, duration, keyFrame } = frame
  const timestamp = Math.round(time / rate)
  return duration === undefined
    ? { payload, timestamp, keyFrame }
    : { payload, timestamp, duration: Math.round(duration / rate), keyFrame }
}
