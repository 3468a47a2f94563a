import { describeKeyFrame } from '../codecs/video.ts'
import { concat } from '../bytes.ts'
import type { EncodedFrame, MediaTrackInfo } from '../types.ts'
import { BaseWriter } from '../writer-base.ts'
import { buildIvfFrameHeader, buildIvfHeader, IVF_TIME_BASE } from './header.ts'

const TEMPORAL_DELIMITER = Uint8Array.of(0x12, 0x00)

/** The header is written with the first frame, and once more at the end, when the number of frames is known. */
export class IvfWriter extends BaseWriter {
  readonly format = 'ivf'
  readonly acceptsLateTracks = false
  protected readonly maxTracks = 1
  #frames = 0
  #width = 0
  #height = 0

  protected async writeFrame(track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    if (this.#frames === 0) {
      const described = describeKeyFrame(track.mimeType, frame.payload)
      this.#width = track.width ?? described?.width ?? 0
      this.#height = track.height ?? described?.height ?? 0
      await this.out.append(this.#header(0))
    }
    const parts = track.mimeType === 'video/AV1' ? [TEMPORAL_DELIMITER, frame.payload] : [frame.payload]
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    const timestamp = Math.max(0, Math.round(frame.timestamp))
    await this.out.append(concat([buildIvfFrameHeader(size, timestamp), ...parts]))
    this.#frames++
  }

  protected async writeEnd(): Promise<void> {
    if (this.tracks.length === 0) return
    if (this.#frames === 0) await this.out.append(this.#header(0))
    else await this.out.patch(this.#header(this.#frames), 0)
  }

  #header(frames: number): Uint8Array {
    const { mimeType } = this.tracks[0]!
    return buildIvfHeader({ mimeType, width: this.#width, height: this.#height, rate: IVF_TIME_BASE, scale: 1, frames })
  }
}
