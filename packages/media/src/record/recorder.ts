import { frameDimensions } from '@kaon/rtp/formats'
import { MediaError } from '../errors.ts'
import { codecOf, formatTakes } from '../formats.ts'
import type { MediaTrackInfo, MediaWriter, ReceivedFrame } from '../types.ts'
import { FileClock } from './file-clock.ts'
import { Interleaver } from './interleaver.ts'
import { KeyFrameGate } from './key-frame-gate.ts'
import { LayerChoice } from './layer-choice.ts'
import { StartHold } from './start-hold.ts'
import type { RecordedTrack, RecordingDrops, RecordingInfo, TrackSource } from './types.ts'

/** Bytes that wait for the sink, at most: a disk that stands still for longer loses frames. */
const MAX_PENDING = 32 * 1024 * 1024

/** Tracks of the file, refused ones too: one for each codec that each source has had. */
const MAX_CODECS = 64

/** What comes within an audio track beside its codec (RFC 4733, RFC 3389), and is no sound of its own. */
const ACCOMPANYING: ReadonlySet<string> = new Set(['audio/telephone-event', 'audio/cn'])

interface Lane {
  readonly source: TrackSource
  readonly layers: LayerChoice
  readonly gate: KeyFrameGate
  readonly clock: FileClock
  ended: boolean
}

interface Written {
  readonly track: MediaTrackInfo
  readonly sourceId: string
  frames: number
  size: { width: number; height: number } | undefined
}

/** A recording in progress. */
export class Recorder {
  /** Called once when the recording fails; `ended` rejects too. */
  onerror: ((error: unknown) => void) | undefined
  /**
   * Resolves when the file is complete: after `stop`, or when all tracks have ended. Rejects when it failed: a codec that the format does not
   * take, a sink that does not write. Nobody has to look at it.
   */
  readonly ended: Promise<RecordingInfo>
  readonly #writer: MediaWriter
  readonly #lanes: readonly Lane[]
  readonly #hold: StartHold
  readonly #interleaver: Interleaver<ReceivedFrame>
  readonly #abort: AbortController = new AbortController()
  readonly #written: Map<string, Written | 'refused'> = new Map()
  readonly #dropped: RecordingDrops = { otherLayers: 0, waitingForKeyFrame: 0, sinkTooSlow: 0, notTaken: 0 }
  #started = false
  #over = false
  #failed = false
  #pending = 0
  /** µs on the axis of arrival that is 0 in the file. */
  #zero: number | undefined
  #end = 0
  #settle!: { resolve(info: RecordingInfo): void; reject(error: unknown): void }

  constructor(writer: MediaWriter, sources: readonly TrackSource[], signal: AbortSignal | undefined) {
    this.#writer = writer
    this.#hold = new StartHold(sources.length)
    this.#interleaver = new Interleaver(sources.length)
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.ended.catch(() => {})
    this.#lanes = sources.map((source) => ({
      source,
      layers: new LayerChoice(),
      gate: new KeyFrameGate(source.kind === 'video', () => source.requestKeyFrame?.()),
      clock: new FileClock(),
      ended: false,
    }))
    signal?.addEventListener('abort', () => void this.stop(), { once: true })
    this.#lanes.forEach((lane, index) => void this.#pump(lane, index))
  }

  /** Frames that came and will not be in the file, until now. */
  get dropped(): Readonly<RecordingDrops> {
    return { ...this.#dropped }
  }

  /** Ends the recording and completes the file. Idempotent; the same promise as `ended`. */
  stop(): Promise<RecordingInfo> {
    if (!this.#over) this.#finish()
    return this.ended
  }

  async #pump(lane: Lane, index: number): Promise<void> {
    try {
      for await (const frame of lane.source.frames({ signal: this.#abort.signal })) {
        if (this.#over) return
        this.#take(lane, index, frame)
      }
    } catch (error) {
      if (!this.#over) this.#fail(error)
      return
    }
    if (this.#over) return
    lane.ended = true
    this.#hold.end(index)
    this.#interleaver.end(index)
    if (this.#lanes.every(({ ended }) => ended)) this.#finish()
    else this.#drain(false)
  }

  #take(lane: Lane, index: number, frame: ReceivedFrame): void {
    if (ACCOMPANYING.has(frame.mimeType.toLowerCase())) {
      this.#dropped.notTaken++
    } else if (!lane.layers.accepts(frame)) {
      this.#dropped.otherLayers++
    } else if (!lane.gate.passes(frame)) {
      this.#dropped.waitingForKeyFrame++
    } else if (this.#pending > MAX_PENDING) {
      lane.gate.close()
      this.#dropped.sinkTooSlow++
    } else if (this.#started) {
      this.#place(lane, index, frame)
    } else {
      lane.clock.observe(frame)
      this.#hold.push({ lane: index, frame })
    }
    if (!this.#started && this.#hold.isOver(frame.receiveTime)) this.#start()
    if (this.#started) this.#drain(false)
  }

  #start(): void {
    this.#started = true
    const held = this.#hold.take()
    // All tracks are announced before the first frame, in the order in which they were given: some formats take them only then.
    const known = held.map(({ lane }) => lane)
    const first = held.filter(({ lane }, index) => known.indexOf(lane) === index)
    for (const { lane, frame } of first.sort((a, b) => a.lane - b.lane)) {
      if (this.#trackOrFail(this.#lanes[lane]!, frame) === undefined) return
    }
    for (const { lane, frame } of held) this.#place(this.#lanes[lane]!, lane, frame)
  }

  #place(lane: Lane, index: number, item: ReceivedFrame): void {
    this.#interleaver.push({ lane: index, time: lane.clock.timeOf(item), size: item.payload.length, item })
  }

  #drain(flush: boolean): void {
    for (let next = this.#interleaver.shift(flush); next; next = this.#interleaver.shift(flush)) {
      if (this.#failed) return
      this.#write(this.#lanes[next.lane]!, next.time, next.item)
    }
  }

  #write(lane: Lane, time: number, frame: ReceivedFrame): void {
    const written = this.#trackOrFail(lane, frame)
    if (written === undefined) return
    if (written === 'refused') {
      this.#dropped.notTaken++
      return
    }
    this.#zero ??= time
    const timestamp = Math.max(0, Math.round(time - this.#zero))
    this.#end = Math.max(this.#end, timestamp + (frame.duration ?? 0))
    written.frames++
    written.size ??= frameDimensions(frame.mimeType, frame.payload)
    const { payload, keyFrame, duration } = frame
    this.#pending += payload.length
    const entry = { payload, timestamp, keyFrame, ...(duration !== undefined && { duration }) }
    this.#writer.write(written.track, entry).then(
      () => {
        this.#pending -= payload.length
      },
      (error: unknown) => this.#fail(error),
    )
  }

  /** Undefined when the recording has failed over it. */
  #trackOrFail(lane: Lane, frame: ReceivedFrame): Written | 'refused' | undefined {
    const key = `${this.#lanes.indexOf(lane)} ${frame.mimeType}`
    const known = this.#written.get(key)
    if (known !== undefined) return known
    if (this.#written.size >= MAX_CODECS) return 'refused'
    let written: Written | 'refused' = 'refused'
    try {
      written = { track: this.#addTrack(frame.mimeType), sourceId: lane.source.id, frames: 0, size: undefined }
    } catch (error) {
      // A source that goes on with a codec, or begins at a time, that the file has no place for: the others go on.
      if (this.#zero === undefined) {
        this.#fail(error)
        return undefined
      }
    }
    this.#written.set(key, written)
    return written
  }

  #addTrack(name: string): MediaTrackInfo {
    const { format } = this.#writer
    const mimeType = codecOf(name)?.mimeType ?? name
    if (formatTakes(format, mimeType)) return this.#writer.addTrack({ mimeType })
    const hint = format === 'webm' || format === 'mp4' ? '; mkv takes all' : ''
    throw new MediaError('ERR_MEDIA_CODEC', `A ${format} file does not take ${mimeType}${hint}`)
  }

  #finish(): void {
    this.#over = true
    this.#abort.abort()
    if (!this.#started) this.#start()
    this.#drain(true)
    if (this.#failed) return
    this.#writer.finish().then(
      () => this.#settle.resolve(this.#info()),
      (error: unknown) => this.#report(error),
    )
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#over = true
    this.#abort.abort()
    // What is there stays readable as far as it goes.
    this.#writer.finish().catch(() => {})
    this.#report(error)
  }

  #report(error: unknown): void {
    this.#settle.reject(error)
    this.onerror?.(error)
  }

  #info(): RecordingInfo {
    const tracks: RecordedTrack[] = []
    for (const written of this.#written.values()) {
      if (written === 'refused') continue
      const { track, sourceId, frames, size } = written
      tracks.push({ sourceId, kind: track.kind, mimeType: track.mimeType, frames, ...size })
    }
    return { format: this.#writer.format, tracks, duration: this.#end, dropped: this.dropped }
  }
}
