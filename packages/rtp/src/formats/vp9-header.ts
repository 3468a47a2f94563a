import { BitReader } from '../bit-reader.ts'

/** The beginning of a VP9 frame (VP9 bitstream specification §6.2, uncompressed_header), as far as it is in the clear. */
export interface Vp9Header {
  readonly profile: number
  readonly keyFrame: boolean
  /** Bits per sample. Of key frames only, as the rest. */
  readonly bitDepth?: number
  readonly width?: number
  readonly height?: number
}

const SYNC_CODE = 0x498342

/** Reads the header of a frame, or of the first frame of a superframe. Undefined when it is no VP9. */
export function readVp9Header(frame: Uint8Array): Vp9Header | undefined {
  const reader = new BitReader(frame)
  if (reader.bits(2) !== 2) return undefined // frame_marker
  const profile = reader.bit() | (reader.bit() << 1)
  if (profile === 3 && reader.flag()) return undefined // reserved_zero
  if (reader.flag()) return { profile, keyFrame: false } // show_existing_frame
  const keyFrame = reader.bit() === 0
  reader.bits(2) // show_frame, error_resilient_mode
  if (reader.overrun) return undefined
  if (!keyFrame) return { profile, keyFrame }
  if (reader.bits(24) !== SYNC_CODE) return undefined
  let bitDepth = 8
  if (profile >= 2) bitDepth = reader.flag() ? 12 : 10
  const colourSpace = reader.bits(3)
  if (colourSpace !== 7) {
    reader.bit() // color_range
    if ((profile & 1) === 1) reader.skip(3) // subsampling, reserved_zero
  } else if ((profile & 1) === 1) {
    reader.skip(1)
  } else {
    return undefined // RGB has no place in profiles 0 and 2
  }
  const width = reader.bits(16) + 1
  const height = reader.bits(16) + 1
  return reader.overrun ? undefined : { profile, keyFrame, bitDepth, width, height }
}
