import { BitReader } from '../bit-reader.ts'

/** What a sequence header tells about the picture (AV1 §5.5). */
export interface Av1SequenceHeader {
  readonly profile: number
  /** seq_level_idx of the first operating point. */
  readonly level: number
  readonly tier: number
  /** Bits per sample: 8, 10 or 12. */
  readonly bitDepth: number
  readonly monochrome: boolean
  /** 1: chroma has half the width. */
  readonly subsamplingX: number
  /** 1: chroma has half the height. */
  readonly subsamplingY: number
  /** chroma_sample_position, 0 where there is none. */
  readonly chromaSamplePosition: number
  /** The largest frame of the sequence, in pixels. */
  readonly width: number
  readonly height: number
}

/** Reads the payload of a sequence header OBU. Undefined when it makes no sense. */
export function readAv1SequenceHeader(payload: Uint8Array): Av1SequenceHeader | undefined {
  const reader = new BitReader(payload)
  const profile = reader.bits(3)
  reader.bit() // still_picture
  const reduced = reader.flag()
  const { level, tier } = reduced ? { level: reader.bits(5), tier: 0 } : readOperatingPoints(reader)
  const widthBits = reader.bits(4) + 1
  const heightBits = reader.bits(4) + 1
  const width = reader.bits(widthBits) + 1
  const height = reader.bits(heightBits) + 1
  if (!reduced && reader.flag()) reader.skip(7) // delta_frame_id_length_minus_2, additional_frame_id_length_minus_1
  reader.skip(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!reduced) skipTools(reader)
  reader.skip(3) // enable_superres, enable_cdef, enable_restoration
  const colour = readColour(reader, profile)
  return reader.overrun || profile > 2 ? undefined : { profile, level, tier, ...colour, width, height }
}

/** Level and tier of the first. */
function readOperatingPoints(reader: BitReader): { level: number; tier: number } {
  let delayLength = 0
  if (reader.flag()) {
    reader.skip(64) // num_units_in_display_tick, time_scale
    if (reader.flag()) reader.ue() // num_ticks_per_picture_minus_1
    if (reader.flag()) {
      delayLength = reader.bits(5) + 1
      reader.skip(32 + 5 + 5)
    }
  }
  const displayDelay = reader.flag()
  const operatingPoints = reader.bits(5) + 1
  let level = 0
  let tier = 0
  for (let index = 0; index < operatingPoints; index++) {
    reader.skip(12) // operating_point_idc
    const pointLevel = reader.bits(5)
    const pointTier = pointLevel > 7 ? reader.bit() : 0
    if (index === 0) {
      level = pointLevel
      tier = pointTier
    }
    if (delayLength > 0 && reader.flag()) reader.skip(delayLength * 2 + 1)
    if (displayDelay && reader.flag()) reader.skip(4)
  }
  return { level, tier }
}

function skipTools(reader: BitReader): void {
  reader.skip(4) // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
  const orderHint = reader.flag()
  if (orderHint) reader.skip(2) // enable_jnt_comp, enable_ref_frame_mvs
  // Tools for screen content: chosen in each frame, or forced on or off here; the same of integer motion vectors.
  const screenContent = reader.flag() || reader.flag()
  if (screenContent && !reader.flag()) reader.bit() // seq_force_integer_mv
  if (orderHint) reader.skip(3) // order_hint_bits_minus_1
}

type Colour = Pick<
  Av1SequenceHeader,
  'bitDepth' | 'monochrome' | 'subsamplingX' | 'subsamplingY' | 'chromaSamplePosition'
>

/** BT.709 primaries, the transfer of sRGB, no matrix: 4:4:4 in full range, and no more is said of it. */
const SRGB = 0x01_0d_00

/** color_config(), §5.5.2 */
function readColour(reader: BitReader, profile: number): Colour {
  const high = reader.flag()
  const twelve = profile === 2 && high && reader.flag()
  const bitDepth = twelve ? 12 : high ? 10 : 8
  const monochrome = profile !== 1 && reader.flag()
  const description = reader.flag() ? reader.bits(24) : undefined
  if (monochrome) {
    reader.bit() // color_range
    return { bitDepth, monochrome, subsamplingX: 1, subsamplingY: 1, chromaSamplePosition: 0 }
  }
  if (description === SRGB) {
    return { bitDepth, monochrome, subsamplingX: 0, subsamplingY: 0, chromaSamplePosition: 0 }
  }
  reader.bit() // color_range
  let subsamplingX = profile === 1 ? 0 : 1
  let subsamplingY = profile === 0 ? 1 : 0
  if (twelve) {
    subsamplingX = reader.bit()
    subsamplingY = subsamplingX === 1 ? reader.bit() : 0
  }
  const chromaSamplePosition = subsamplingX === 1 && subsamplingY === 1 ? reader.bits(2) : 0
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaSamplePosition }
}
