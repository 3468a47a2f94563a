import type { EncodedFrame, MediaTrackInfo } from '../types.ts'
import { BaseWriter } from '../writer-base.ts'

/** Frames are in Annex B form already, so that they are written one behind the other. Their times are lost. */
export class AnnexBWriter extends BaseWriter {
  readonly acceptsLateTracks = false
  readonly format: 'h264' | 'h265'
  protected readonly maxTracks = 1

  constructor(sink: ConstructorParameters<typeof BaseWriter>[0], format: 'h264' | 'h265') {
    super(sink)
    this.format = format
  }

  protected async writeFrame(_track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    await this.out.append(frame.payload)
  }

  protected async writeEnd(): Promise<void> {}
}
