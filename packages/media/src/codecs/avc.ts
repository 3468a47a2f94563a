import { BitReader } from './bits.ts'
import { unescapeNal } from './nal.ts'

// ITU-T H.264 §7.4.1, table 7-1
export const AVC_SLICE = 1
export const AVC_IDR = 5
export const AVC_SEI = 6
export const AVC_SPS = 7
export const AVC_PPS = 8
export const AVC_DELIMITER = 9

export function avcType(unit: Uint8Array): number {
  return unit[0]! & 0x1f
}

export interface AvcSps {
  readonly profile: number
  readonly constraints: number
  readonly level: number
  readonly chromaFormat: number
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
  readonly width: number
  readonly height: number
  /** Hz, where the VUI gives one. */
  readonly frameRate: number | undefined
}

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** ITU-T H.264 §7.3.2.1.1; undefined when it does not make sense. */
export function parseAvcSps(unit: Uint8Array): AvcSps | undefined {
  if (unit.length < 5 || avcType(unit) !== AVC_SPS) return undefined
  const bits = new BitReader(unescapeNal(unit.subarray(1)))
  const profile = bits.read(8)
  const constraints = bits.read(8)
  const level = bits.read(8)
  bits.exponential() // seq_parameter_set_id
  let chromaFormat = 1
  let bitDepthLuma = 8
  let bitDepthChroma = 8
  if (HIGH_PROFILES.has(profile)) {
    chromaFormat = bits.exponential()
    if (chromaFormat === 3) bits.flag() // separate_colour_plane_flag
    bitDepthLuma += bits.exponential()
    bitDepthChroma += bits.exponential()
    bits.flag() // qpprime_y_zero_transform_bypass_flag
    if (bits.flag() === 1) skipScalingMatrix(bits, chromaFormat === 3 ? 12 : 8)
  }
  bits.exponential() // log2_max_frame_num_minus4
  const orderType = bits.exponential()
  if (orderType === 0) {
    bits.exponential()
  } else if (orderType === 1) {
    bits.flag()
    bits.signedExponential()
    bits.signedExponential()
    const cycle = bits.exponential()
    if (cycle > 255) return undefined
    for (let index = 0; index < cycle; index++) bits.signedExponential()
  }
  bits.exponential() // max_num_ref_frames
  bits.flag() // gaps_in_frame_num_value_allowed_flag
  const widthInBlocks = bits.exponential() + 1
  const heightInUnits = bits.exponential() + 1
  const frameOnly = bits.flag()
  if (frameOnly === 0) bits.flag() // mb_adaptive_frame_field_flag
  bits.flag() // direct_8x8_inference_flag
  let width = widthInBlocks * 16
  let height = heightInUnits * 16 * (2 - frameOnly)
  if (bits.flag() === 1) {
    const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1
    const unitY = (chromaFormat === 1 ? 2 : 1) * (2 - frameOnly)
    width -= (bits.exponential() + bits.exponential()) * unitX
    height -= (bits.exponential() + bits.exponential()) * unitY
  }
  const sound = !bits.overrun && width > 0 && height > 0 && width <= 65536 && height <= 65536 && chromaFormat <= 3
  if (!sound) return undefined
  const frameRate = bits.flag() === 1 ? readFrameRate(bits) : undefined
  return { profile, constraints, level, chromaFormat, bitDepthLuma, bitDepthChroma, width, height, frameRate }
}

function skipScalingMatrix(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (bits.flag() === 0) continue
    let last = 8
    let next = 8
    for (let index = 0; index < (list < 6 ? 16 : 64) && !bits.overrun; index++) {
      if (next !== 0) next = (last + bits.signedExponential() + 256) & 0xff
      if (next !== 0) last = next
    }
  }
}

/** ITU-T H.264 §E.1.1, up to the timing. */
function readFrameRate(bits: BitReader): number | undefined {
  if (bits.flag() === 1 && bits.read(8) === 255) bits.skip(32) // aspect ratio
  if (bits.flag() === 1) bits.flag() // overscan
  if (bits.flag() === 1) {
    bits.skip(4) // video_format, video_full_range_flag
    if (bits.flag() === 1) bits.skip(24) // colour description
  }
  if (bits.flag() === 1) {
    bits.exponential() // chroma sample location
    bits.exponential()
  }
  if (bits.flag() === 0) return undefined
  const ticks = bits.read(32)
  const scale = bits.read(32)
  const rate = scale / ticks / 2 // a tick is a field (§E.2.1)
  return !bits.overrun && rate > 0 && rate <= 1000 ? rate : undefined
}

export function avcCodecString(sps: Uint8Array): string {
  return `avc1.${hex(sps[1]!)}${hex(sps[2]!)}${hex(sps[3]!)}`
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** AVCDecoderConfigurationRecord, ISO/IEC 14496-15 §5.3.3.1; undefined without a sound SPS. */
export function buildAvcC(spsUnits: readonly Uint8Array[], ppsUnits: readonly Uint8Array[]): Uint8Array | undefined {
  const sps = spsUnits[0] === undefined ? undefined : parseAvcSps(spsUnits[0])
  if (sps === undefined || spsUnits.length > 31 || ppsUnits.length > 255) return undefined
  const bytes = [1, sps.profile, sps.constraints, sps.level, 0xff, 0xe0 | spsUnits.length]
  for (const unit of spsUnits) bytes.push(unit.length >> 8, unit.length & 0xff, ...unit)
  bytes.push(ppsUnits.length)
  for (const unit of ppsUnits) bytes.push(unit.length >> 8, unit.length & 0xff, ...unit)
  if (HIGH_PROFILES.has(sps.profile) && sps.profile !== 44 && sps.profile >= 100) {
    bytes.push(0xfc | sps.chromaFormat, 0xf8 | (sps.bitDepthLuma - 8), 0xf8 | (sps.bitDepthChroma - 8), 0)
  }
  return Uint8Array.from(bytes)
}

/** How samples of an MP4 or Matroska file are to be read: the size of length fields, and what stands before them. */
export interface NalConfiguration {
  readonly lengthSize: number
  readonly parameterSets: readonly Uint8Array[]
}

export function parseAvcC(record: Uint8Array): NalConfiguration | undefined {
  if (record.length < 7 || record[0] !== 1) return undefined
  const parameterSets: Uint8Array[] = []
  let offset = 6
  let count = record[5]! & 0x1f
  for (let pass = 0; pass < 2; pass++) {
    for (let index = 0; index < count; index++) {
      if (offset + 2 > record.length) return undefined
      const length = (record[offset]! << 8) | record[offset + 1]!
      offset += 2
      if (offset + length > record.length) return undefined
      if (length > 0) parameterSets.push(record.subarray(offset, offset + length))
      offset += length
    }
    if (pass === 0) {
      if (offset >= record.length) return undefined
      count = record[offset++]!
    }
  }
  return { lengthSize: (record[4]! & 3) + 1, parameterSets }
}
