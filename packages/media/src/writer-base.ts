import { MediaError } from './errors.ts'
import { codecOf, formatTakes } from './formats.ts'
import { MAX_FRAME_SIZE } from './limits.ts'
import type { ByteSink } from './io/byte-sink.ts'
import { SinkWriter } from './io/byte-sink.ts'
import type { EncodedFrame, MediaFormat, MediaTrackInfo, MediaTrackOptions, MediaWriter } from './types.ts'

/** What all writers share: the tracks, order of calls, and checks of what is written. */
export abstract class BaseWriter implements MediaWriter {
  abstract readonly format: MediaFormat
  abstract readonly acceptsLateTracks: boolean
  readonly tracks: MediaTrackInfo[] = []
  protected readonly out: SinkWriter
  protected started = false
  #finished = false
  #busy: Promise<void> = Promise.resolve()

  constructor(sink: ByteSink) {
    this.out = new SinkWriter(sink)
  }

  protected abstract readonly maxTracks: number
  protected abstract writeFrame(track: MediaTrackInfo, frame: EncodedFrame): Promise<void>
  protected abstract writeEnd(): Promise<void>

  addTrack(options: MediaTrackOptions): MediaTrackInfo {
    if (this.#finished) throw new MediaError('ERR_MEDIA_STATE', 'The file is finished')
    if (this.started && !this.acceptsLateTracks) {
      throw new MediaError('ERR_MEDIA_STATE', 'Tracks of this file are added before its first frame')
    }
    const codec = codecOf(options.mimeType)
    if (codec === undefined || !formatTakes(this.format, codec.mimeType)) {
      throw new MediaError('ERR_MEDIA_CODEC', `A ${this.format} file does not take ${options.mimeType}`)
    }
    if (this.tracks.length >= this.maxTracks) {
      throw new MediaError('ERR_MEDIA_TRACK', `A ${this.format} file takes no more than ${this.maxTracks} tracks`)
    }
    const id = this.tracks.length + 1
    const { kind, mimeType } = codec
    const { width, height } = options
    const track: MediaTrackInfo =
      kind === 'video'
        ? { id, kind, mimeType, ...(width !== undefined && height !== undefined && { width, height }) }
        : {
            id,
            kind,
            mimeType,
            sampleRate: options.sampleRate ?? codec.sampleRate,
            channels: options.channels ?? codec.channels,
          }
    requireShape(track)
    this.tracks.push(track)
    this.trackAdded(track)
    return track
  }

  protected trackAdded(_track: MediaTrackInfo): void {}

  /** One call after the other, however they come. */
  async write(track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    if (this.#finished) throw new MediaError('ERR_MEDIA_STATE', 'The file is finished')
    if (!this.tracks.includes(track)) throw new MediaError('ERR_MEDIA_TRACK', 'The track is not one of this file')
    if (!Number.isFinite(frame.timestamp) || frame.payload.length > MAX_FRAME_SIZE) {
      throw new MediaError('ERR_MEDIA_ARGUMENT', 'A frame without a time, or larger than any')
    }
    this.started = true
    return this.#enqueue(() => this.writeFrame(track, frame))
  }

  async finish(): Promise<void> {
    if (this.#finished) return this.#busy
    this.#finished = true
    return this.#enqueue(async () => {
      try {
        await this.writeEnd()
      } finally {
        await this.out.sink.close()
      }
    })
  }

  #enqueue(action: () => Promise<void>): Promise<void> {
    const result = this.#busy.then(action)
    this.#busy = result.catch(() => {})
    return result
  }
}

function requireShape(track: MediaTrackInfo): void {
  const { width = 1, height = 1, sampleRate = 8000, channels = 1 } = track
  const within = (value: number, most: number): boolean => Number.isInteger(value) && value > 0 && value <= most
  if (!within(width, 65535) || !within(height, 65535) || !within(sampleRate, 384_000) || !within(channels, 2)) {
    throw new MediaError('ERR_MEDIA_ARGUMENT', 'Width, height, sample rate or channels are out of range')
  }
}
