import { MemorySink, record, type ByteSink, type MediaFormat, type Recorder, type TrackSource } from '@kaon/media'

const limits = { seconds: 60, bytes: 24 << 20 }

/** A finished recording, ready for download. */
export interface Recorded {
  name: string
  contentType: string
  bytes: Uint8Array
  seconds: number
  /** What is in it, for people: `320 frames of VP8, 641 of opus`. */
  summary: string
}

/** The file lives in memory: nothing is left behind, however the process ends. */
class LimitedSink implements ByteSink {
  readonly seekable = true
  readonly memory: MemorySink = new MemorySink()
  readonly #maxBytes: number
  readonly #onFull: () => void

  constructor(maxBytes: number, onFull: () => void) {
    this.#maxBytes = maxBytes
    this.#onFull = onFull
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    await this.memory.write(data, position)
    if (this.memory.bytes.length > this.#maxBytes) this.#onFull()
  }

  close(): Promise<void> {
    return this.memory.close()
  }
}

/** Records tracks until it is stopped, they end, or it is as long or as large as it may become. */
export class Recording {
  /** Resolves when the file is complete; rejects when it failed. */
  readonly ended: Promise<Recorded>
  readonly #recorder: Recorder
  readonly #timer: ReturnType<typeof setTimeout>

  constructor(tracks: readonly TrackSource[], format: MediaFormat, { seconds, bytes } = limits) {
    const sink = new LimitedSink(bytes, () => this.stop())
    this.#recorder = record(tracks, sink, { format })
    this.#timer = setTimeout(() => this.stop(), seconds * 1000)
    this.ended = this.#recorder.ended
      .then(({ tracks, duration }) => ({
        name: `kaon-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.${format}`,
        contentType: `${tracks.some((track) => track.kind === 'video') ? 'video' : 'audio'}/${format}`,
        bytes: sink.memory.bytes.slice(), // the sink's own array is up to twice as long
        seconds: duration / 1e6,
        summary: tracks.map(({ frames, mimeType }) => `${frames} frames of ${mimeType.split('/')[1]}`).join(', '),
      }))
      .finally(() => clearTimeout(this.#timer))
  }

  stop(): void {
    this.#recorder.stop().catch(() => {}) // `ended` tells
  }
}
