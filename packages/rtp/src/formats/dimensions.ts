import { OBU_SEQUENCE_HEADER, obus } from './av1-obu.ts'
import { readAv1SequenceHeader } from './av1-sequence.ts'
import { readH264Sps } from './h264-sps.ts'
import { readH265Sps } from './h265-sps.ts'
import { nalUnits } from './nal-units.ts'
import { readVp8Dimensions } from './vp8-header.ts'
import { readVp9Header } from './vp9-header.ts'

/**
 * Width and height in pixels of a key frame in the form of `EncodedFrame`: from the frame's own header (VP8, VP9) or from the
 * parameter sets in it. Undefined for audio, for frames that do not tell, and for bytes that are no such frame. `mimeType` in any case.
 */
export function frameDimensions(mimeType: string, frame: Uint8Array): { width: number; height: number } | undefined {
  switch (mimeType.toLowerCase()) {
    case 'video/vp8':
      return readVp8Dimensions(frame)
    case 'video/vp9':
      return size(readVp9Header(frame))
    case 'video/h264':
      return firstOf(nalUnits(frame), readH264Sps)
    case 'video/h265':
      return firstOf(nalUnits(frame), readH265Sps)
    case 'video/av1':
      return firstOf(obus(frame) ?? [], (obu) =>
        obu.type === OBU_SEQUENCE_HEADER ? readAv1SequenceHeader(obu.payload) : undefined,
      )
    default:
      return undefined
  }
}

function firstOf<T>(list: readonly T[], read: (item: T) => { width: number; height: number } | undefined) {
  for (const item of list) {
    const found = read(item)
    if (found !== undefined) return size(found)
  }
  return undefined
}

function size(of: { width?: number; height?: number } | undefined): { width: number; height: number } | undefined {
  return of?.width === undefined || of.height === undefined ? undefined : { width: of.width, height: of.height }
}
