import { BitReader } from '../bit-reader.ts'
import { plausible } from './h264-sps.ts'
import { unescapeNalUnit } from './nal-units.ts'

/** What a sequence parameter set of H.265 tells about the picture (ITU-T H.265 §7.3.2.2). */
export interface H265Sps {
  readonly id: number
  readonly profileIdc: number
  /** 0: Main, 1: High. */
  readonly tier: number
  /** 30 times the level. */
  readonly levelIdc: number
  /** The first 12 bytes of profile_tier_level (§7.3.3), the general ones: profile, compatibility, constraints and level. */
  readonly profileTierLevel: Uint8Array
  readonly temporalLayers: number
  /** sps_temporal_id_nesting_flag */
  readonly temporalIdNested: boolean
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number
  /** Bits per sample. */
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
  /** Pixels, after cropping. */
  readonly width: number
  readonly height: number
}

/** Reads a sequence parameter set (the NAL unit, without start code). Undefined when it is something else or makes no sense. */
export function readH265Sps(unit: Uint8Array): H265Sps | undefined {
  if (unit.length < 16 || ((unit[0]! >> 1) & 0x3f) !== 33) return undefined
  const bytes = unescapeNalUnit(unit)
  const reader = new BitReader(bytes, 2)
  reader.skip(4) // sps_video_parameter_set_id
  const subLayers = reader.bits(3)
  const temporalIdNested = reader.flag()
  const profileTierLevel = bytes.slice(3, 15)
  reader.skip(2) // general_profile_space
  const tier = reader.bit()
  const profileIdc = reader.bits(5)
  reader.skip(32 + 48) // compatibility and constraint flags
  const levelIdc = reader.bits(8)
  skipSubLayers(reader, subLayers)
  const id = reader.ue()
  const chromaFormat = reader.ue()
  const separatePlanes = chromaFormat === 3 && reader.flag()
  let width = reader.ue()
  let height = reader.ue()
  if (reader.flag()) {
    // conformance_window_flag; in units of chroma samples (§7.4.3.2.1)
    const arrayType = separatePlanes ? 0 : chromaFormat
    width -= (reader.ue() + reader.ue()) * (arrayType === 1 || arrayType === 2 ? 2 : 1)
    height -= (reader.ue() + reader.ue()) * (arrayType === 1 ? 2 : 1)
  }
  const bitDepthLuma = reader.ue() + 8
  const bitDepthChroma = reader.ue() + 8
  if (reader.overrun || id > 15 || chromaFormat > 3 || !plausible(width, height)) return undefined
  if (bitDepthLuma > 16 || bitDepthChroma > 16) return undefined
  const general = { profileIdc, tier, levelIdc, profileTierLevel, temporalLayers: subLayers + 1, temporalIdNested }
  return { id, ...general, chromaFormat, bitDepthLuma, bitDepthChroma, width, height }
}

function skipSubLayers(reader: BitReader, count: number): void {
  if (count === 0) return
  let bits = 0
  for (let layer = 0; layer < 8; layer++) {
    // Beyond the layers there are, reserved bits up to the eighth.
    const profile = reader.flag()
    const level = reader.flag()
    if (layer < count) bits += (profile ? 88 : 0) + (level ? 8 : 0)
  }
  reader.skip(bits)
}

/** The id of a picture parameter set, undefined when it has none. */
export function readH265PpsId(unit: Uint8Array): number | undefined {
  const reader = new BitReader(unit, 2)
  const id = reader.ue()
  return reader.overrun || id > 63 ? undefined : id
}
