import { BitReader } from '../bit-reader.ts'
import { unescapeNalUnit } from './nal-units.ts'

/** What a sequence parameter set of H.264 tells about the picture (ITU-T H.264 §7.3.2.1.1). */
export interface H264Sps {
  readonly id: number
  readonly profileIdc: number
  /** constraint_set0_flag is the highest bit. */
  readonly constraints: number
  readonly levelIdc: number
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number
  /** Bits per sample. */
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
  /** Pixels, after cropping. */
  readonly width: number
  readonly height: number
  /** Hz, where the timing information of the VUI gives one. */
  readonly frameRate: number | undefined
}

/** Profiles whose parameter sets have the chroma format and scaling lists in them. */
const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** Reads a sequence parameter set (the NAL unit, without start code). Undefined when it is something else or makes no sense. */
export function readH264Sps(unit: Uint8Array): H264Sps | undefined {
  if (unit.length < 5 || (unit[0]! & 0x1f) !== 7) return undefined
  const reader = new BitReader(unescapeNalUnit(unit), 1)
  const profileIdc = reader.bits(8)
  const constraints = reader.bits(8)
  const levelIdc = reader.bits(8)
  const id = reader.ue()
  let chromaFormat = 1
  let separatePlanes = false
  let bitDepthLuma = 8
  let bitDepthChroma = 8
  if (HIGH_PROFILES.has(profileIdc)) {
    chromaFormat = reader.ue()
    if (chromaFormat === 3) separatePlanes = reader.flag()
    bitDepthLuma += reader.ue()
    bitDepthChroma += reader.ue()
    reader.bit() // qpprime_y_zero_transform_bypass_flag
    if (reader.flag()) skipScalingLists(reader, chromaFormat === 3 ? 12 : 8)
  }
  reader.ue() // log2_max_frame_num_minus4
  if (!skipPictureOrder(reader)) return undefined
  reader.ue() // max_num_ref_frames
  reader.bit() // gaps_in_frame_num_value_allowed_flag
  const widthInMacroblocks = reader.ue() + 1
  const heightInMapUnits = reader.ue() + 1
  const framesOnly = reader.bit()
  if (framesOnly === 0) reader.bit() // mb_adaptive_frame_field_flag
  reader.bit() // direct_8x8_inference_flag
  let cropX = 0
  let cropY = 0
  if (reader.flag()) {
    // In units of chroma samples (formulas 7-19 to 7-22).
    const arrayType = separatePlanes ? 0 : chromaFormat
    cropX = (reader.ue() + reader.ue()) * (arrayType === 1 || arrayType === 2 ? 2 : 1)
    cropY = (reader.ue() + reader.ue()) * (arrayType === 1 ? 2 : 1) * (2 - framesOnly)
  }
  const width = widthInMacroblocks * 16 - cropX
  const height = heightInMapUnits * (2 - framesOnly) * 16 - cropY
  if (reader.overrun || id > 31 || chromaFormat > 3 || !plausible(width, height)) return undefined
  if (bitDepthLuma > 14 || bitDepthChroma > 14) return undefined
  const frameRate = reader.flag() ? readFrameRate(reader) : undefined
  const picture = { chromaFormat, bitDepthLuma, bitDepthChroma, width, height, frameRate }
  return { id, profileIdc, constraints, levelIdc, ...picture }
}

/** Of the VUI parameters (§E.1.1), as far as the timing. What is wrong here does not spoil what came before. */
function readFrameRate(reader: BitReader): number | undefined {
  if (reader.flag() && reader.bits(8) === 255) reader.skip(32) // sar_width, sar_height
  if (reader.flag()) reader.bit() // overscan_appropriate_flag
  if (reader.flag()) {
    reader.skip(4) // video_format, video_full_range_flag
    if (reader.flag()) reader.skip(24) // colour description
  }
  if (reader.flag()) {
    reader.ue() // chroma_sample_loc_type_top_field
    reader.ue() // chroma_sample_loc_type_bottom_field
  }
  if (!reader.flag()) return undefined
  const unitsInTick = reader.bits(32)
  const timeScale = reader.bits(32)
  const rate = timeScale / unitsInTick / 2 // a tick is a field (§E.2.1)
  return !reader.overrun && rate > 0 && rate <= 1000 ? rate : undefined
}

/** False when there are more offsets than there may be. */
function skipPictureOrder(reader: BitReader): boolean {
  const type = reader.ue()
  if (type === 0) {
    reader.ue() // log2_max_pic_order_cnt_lsb_minus4
  } else if (type === 1) {
    reader.bit() // delta_pic_order_always_zero_flag
    reader.se() // offset_for_non_ref_pic
    reader.se() // offset_for_top_to_bottom_field
    const count = reader.ue()
    if (count > 255) return false
    for (let index = 0; index < count; index++) reader.se()
  }
  return true
}

function skipScalingLists(reader: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!reader.flag()) continue
    const size = list < 6 ? 16 : 64
    let last = 8
    let next = 8
    for (let index = 0; index < size && !reader.overrun; index++) {
      if (next !== 0) next = (last + reader.se() + 256) & 0xff
      if (next !== 0) last = next
    }
  }
}

/** The id of a picture parameter set, undefined when it has none. */
export function readH264PpsId(unit: Uint8Array): number | undefined {
  const reader = new BitReader(unit, 1)
  const id = reader.ue()
  return reader.overrun || id > 255 ? undefined : id
}

/** No codec here has pictures beyond 65535 pixels a side. */
export function plausible(width: number, height: number): boolean {
  return width > 0 && height > 0 && width <= 0xffff && height <= 0xffff
}
