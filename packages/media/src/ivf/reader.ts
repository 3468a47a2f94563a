import { cleanTemporalUnit } from '../codecs/av1.ts'
import { describeKeyFrame, isKeyFrame } from '../codecs/video.ts'
import { u32le, u64le } from '../bytes.ts'
import { MediaError } from '../errors.ts'
import { ByteReader } from '../io/byte-source.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { MAX_FRAME_SIZE } from '../limits.ts'
import { BaseReader } from '../reader-base.ts'
import type { MediaFrame, MediaTrackInfo } from '../types.ts'
import { IVF_FRAME_HEADER_SIZE, parseIvfHeader } from './header.ts'
import type { IvfHeader } from './header.ts'

export class IvfReader extends BaseReader {
  readonly format = 'ivf'
  readonly tracks: readonly MediaTrackInfo[]
  readonly #header: IvfHeader
  readonly #headerSize: number

  private constructor(source: ByteSource, header: IvfHeader, headerSize: number, track: MediaTrackInfo) {
    super(source)
    this.#header = header
    this.#headerSize = headerSize
    this.tracks = [track]
  }

  static async open(source: ByteSource): Promise<IvfReader> {
    const reader = new ByteReader(source)
    const bytes = await reader.peek(32)
    const header = bytes && parseIvfHeader(bytes)
    if (bytes === undefined || header === undefined) throw new MediaError('ERR_MEDIA_MALFORMED', 'No IVF header')
    if (header.mimeType === '') throw new MediaError('ERR_MEDIA_CODEC', 'The codec of this IVF file is not known here')
    const headerSize = bytes[6]! | (bytes[7]! << 8)
    const { mimeType, width, height, frames, rate, scale } = header
    const first = await IvfReader.#firstFrame(reader, headerSize)
    const codec = first && describeKeyFrame(mimeType, first)?.codec
    const duration = frames > 0 && rate / scale < 1000 ? Math.round((frames * scale * 1e6) / rate) : undefined
    const track: MediaTrackInfo = {
      id: 1,
      kind: 'video',
      mimeType,
      ...(codec !== undefined && { codec }),
      ...(width > 0 && height > 0 && { width, height }),
      ...(duration !== undefined && { duration }),
    }
    return new IvfReader(source, header, headerSize, track)
  }

  static async #firstFrame(reader: ByteReader, headerSize: number): Promise<Uint8Array | undefined> {
    reader.position = headerSize
    const header = await reader.read(IVF_FRAME_HEADER_SIZE)
    if (header === undefined || u32le(header, 0) > MAX_FRAME_SIZE) return undefined
    return reader.read(u32le(header, 0))
  }

  protected async *read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined> {
    const track = tracks[0]!
    const { mimeType, rate, scale } = this.#header
    const reader = new ByteReader(this.source, this.#headerSize)
    // The tick of a frame is known when the next one's is: a frame's duration is the distance between them.
    let waiting: { payload: Uint8Array; timestamp: number } | undefined
    let distance: number | undefined
    for (;;) {
      const header = await reader.read(IVF_FRAME_HEADER_SIZE)
      if (header === undefined) break
      const size = u32le(header, 0)
      if (size > MAX_FRAME_SIZE) throw new MediaError('ERR_MEDIA_LIMIT', `A frame of ${size} bytes`)
      const timestamp = Math.round((u64le(header, 4) * scale * 1e6) / rate)
      const bytes = await reader.read(size)
      if (bytes === undefined) break // cut off
      if (size === 0) continue // a frame that the encoder dropped
      const payload = mimeType === 'video/AV1' ? cleanTemporalUnit(bytes) : bytes
      if (payload === undefined)
        throw new MediaError('ERR_MEDIA_MALFORMED', 'A temporal unit of AV1 that makes no sense')
      if (waiting !== undefined) {
        if (timestamp > waiting.timestamp) distance = timestamp - waiting.timestamp
        yield { track, frame: this.#frame(waiting, distance) }
      }
      waiting = { payload, timestamp }
    }
    if (waiting !== undefined) yield { track, frame: this.#frame(waiting, distance) } // the last one lasts as long as the one before it
  }

  #frame(waiting: { payload: Uint8Array; timestamp: number }, duration: number | undefined): MediaFrame['frame'] {
    const frame = { ...waiting, keyFrame: isKeyFrame(this.#header.mimeType, waiting.payload) }
    return duration === undefined ? frame : { ...frame, duration }
  }
}
