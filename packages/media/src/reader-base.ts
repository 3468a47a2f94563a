import { MediaError } from './errors.ts'
import type { ByteSource } from './io/byte-source.ts'
import type { FramesOptions, MediaFormat, MediaFrame, MediaReader, MediaTrackInfo } from './types.ts'

/** What all readers share: closing, choosing a track, and beginning at a time. */
export abstract class BaseReader implements MediaReader {
  abstract readonly format: MediaFormat
  abstract readonly tracks: readonly MediaTrackInfo[]
  readonly skipped: readonly string[] = []
  protected readonly source: ByteSource
  #closed = false

  constructor(source: ByteSource) {
    this.source = source
  }

  /** All frames of these tracks from the beginning. */
  protected abstract read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined>

  async *frames(options: FramesOptions = {}): AsyncGenerator<MediaFrame, void, undefined> {
    this.#requireOpen()
    const { track, startAt } = options
    if (track !== undefined && !this.tracks.includes(track)) {
      throw new MediaError('ERR_MEDIA_TRACK', 'The track is not one of this file')
    }
    const tracks = track === undefined ? this.tracks : [track]
    const start = startAt === undefined || startAt <= 0 ? -Infinity : await this.#findStart(tracks, startAt)
    for await (const entry of this.read(tracks)) {
      if (this.#closed) return
      if (entry.frame.timestamp >= start) yield entry
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.source.close()
  }

  /** The time of the last key frame at or before `startAt`: a pass through the file, since few formats have an index. */
  async #findStart(tracks: readonly MediaTrackInfo[], startAt: number): Promise<number> {
    const leading = tracks.find(({ kind }) => kind === 'video') ?? tracks[0]
    if (leading === undefined) return startAt
    let start = -Infinity
    for await (const { frame } of this.read([leading])) {
      if (this.#closed || frame.timestamp > startAt) break
      if (frame.keyFrame) start = frame.timestamp
    }
    return start
  }

  #requireOpen(): void {
    if (this.#closed) throw new MediaError('ERR_MEDIA_STATE', 'The file is closed')
  }
}
