import { nalUnits, readH264Sps } from '@kaon/rtp/formats'
import { AVC_SPS, avcType } from '../codecs/avc.ts'
import { describeKeyFrame } from '../codecs/video.ts'
import { MediaError } from '../errors.ts'
import { ByteReader } from '../io/byte-source.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { BaseReader } from '../reader-base.ts'
import type { MediaFrame, MediaTrackInfo } from '../types.ts'
import { AccessUnits } from './access-units.ts'
import type { AccessUnit } from './access-units.ts'
import { NalScanner } from './nal-scanner.ts'

const DEFAULT_FRAME_RATE = 30
const PIECE = 64 * 1024

/** Elementary streams have no time: frames come at a rate, in the order of decoding. */
export class AnnexBReader extends BaseReader {
  readonly format: 'h264' | 'h265'
  #tracks: readonly MediaTrackInfo[] = []
  #frameRate = DEFAULT_FRAME_RATE

  private constructor(source: ByteSource, format: 'h264' | 'h265') {
    super(source)
    this.format = format
  }

  get tracks(): readonly MediaTrackInfo[] {
    return this.#tracks
  }

  /** `frameRate` in Hz. Default: what the H.264 stream says, 30 where it does not. */
  static async open(source: ByteSource, format: 'h264' | 'h265', frameRate?: number): Promise<AnnexBReader> {
    const reader = new AnnexBReader(source, format)
    let first: AccessUnit | undefined
    for await (const unit of reader.#units()) {
      first = unit
      break
    }
    if (first === undefined) throw new MediaError('ERR_MEDIA_MALFORMED', 'No picture in this stream')
    const mimeType = format === 'h264' ? 'video/H264' : 'video/H265'
    const described = describeKeyFrame(mimeType, first.payload)
    const sps = format === 'h264' && nalUnits(first.payload).find((unit) => avcType(unit) === AVC_SPS)
    reader.#frameRate = frameRate ?? (sps ? readH264Sps(sps)?.frameRate : undefined) ?? DEFAULT_FRAME_RATE
    const { codec, width, height } = described ?? {}
    const shape = codec !== undefined && { codec, width: width!, height: height! }
    reader.#tracks = [{ id: 1, kind: 'video', mimeType, ...shape }]
    return reader
  }

  async *#units(): AsyncGenerator<AccessUnit, void, undefined> {
    const input = new ByteReader(this.source)
    const scanner = new NalScanner()
    const units = new AccessUnits(this.format)
    for (;;) {
      const bytes = await input.readSome(PIECE)
      for (const nal of bytes.length === 0 ? scanner.end() : scanner.push(bytes)) {
        const unit = units.push(nal)
        if (unit !== undefined) yield unit
      }
      if (bytes.length === 0) break
    }
    const last = units.end()
    if (last !== undefined) yield last
  }

  protected async *read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined> {
    const track = tracks[0]!
    let index = 0
    for await (const { payload, keyFrame } of this.#units()) {
      const timestamp = Math.round((index++ * 1e6) / this.#frameRate)
      const duration = Math.round((index * 1e6) / this.#frameRate) - timestamp
      yield { track, frame: { payload, timestamp, duration, keyFrame } }
    }
  }
}
