import { BitReader } from '../bit-reader.ts'
import { unescapeNalUnit } from './nal-units.ts'

/** What a sequence parameter set of H.264 tells about the picture (ITU-T H.264 §7.3.2.1.1). */
export interface H264Sps {
  readonly id: number
  readonly profileIdc: number
  /** constraint_set0_flag is the highest bit. */
  readonly constraints: number
  readonly levelIdc: number
  /** Pixels, after cropping. */
  readonly width: number
  readonly height: number
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
  if (HIGH_PROFILES.has(profileIdc)) {
    chromaFormat = reader.ue()
    if (chromaFormat === 3) separatePlanes = reader.flag()
    reader.ue() // bit_depth_luma_minus8
    reader.ue() // bit_depth_chroma_minus8
    reader.bit() // qpprime_y_zero_transform_bypass_flag
    if (reader.flag()) skipScalingLists(reader, chromaFormat === 3 ? 12 : 8)
  }
  reader.ue() // log2_max_frame_num_minus4
  skipPictureOrder(reader)
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
  if (reader.overrun || id > 31 || !plausible(width, height)) return undefined
  return { id, profileIdc, constraints, levelIdc, width, height }
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.ue()
  if (type === 0) {
    reader.ue() // log2_max_pic_order_cnt_lsb_minus4
  } else if (type === 1) {
    reader.bit() // delta_pic_order_always_zero_flag
    reader.se() // offset_for_non_ref_pic
    reader.se() // offset_for_top_to_bottom_field
    const count = reader.ue()
    for (let index = 0; index < count && index < 256 && !reader.overrun; index++) reader.se()
  }
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
