import { joinObus, obus } from '@kaon/rtp/formats'
import { BitReader } from './bits.ts'

// AV1 Bitstream & Decoding Process Specification §6.2.2
const OBU_SEQUENCE_HEADER = 1
const OBU_TEMPORAL_DELIMITER = 2
const OBU_TILE_LIST = 8
const OBU_PADDING = 15

/** The unit in the form of `EncodedFrame`: sizes on all OBUs, and neither delimiter nor padding. Undefined when it makes no sense. */
export function cleanTemporalUnit(unit: Uint8Array): Uint8Array | undefined {
  const list = obus(unit)
  if (list === undefined) return undefined
  const kept = list.filter(
    ({ type }) => type !== OBU_TEMPORAL_DELIMITER && type !== OBU_PADDING && type !== OBU_TILE_LIST,
  )
  return joinObus(kept)
}

export interface Av1SequenceHeader {
  readonly profile: number
  readonly level: number
  readonly tier: number
  readonly bitDepth: number
  readonly monochrome: number
  readonly subsamplingX: number
  readonly subsamplingY: number
  readonly samplePosition: number
  readonly width: number
  readonly height: number
}

/** §5.5; undefined when it does not make sense. */
export function parseAv1SequenceHeader(payload: Uint8Array): Av1SequenceHeader | undefined {
  const bits = new BitReader(payload)
  const profile = bits.read(3)
  bits.flag() // still_picture
  const reduced = bits.flag()
  let level = 0
  let tier = 0
  if (reduced === 1) {
    level = bits.read(5)
  } else {
    let decoderModel = 0
    let delayLength = 0
    if (bits.flag() === 1) {
      bits.skip(64) // num_units_in_display_tick, time_scale
      if (bits.flag() === 1) bits.exponential()
      decoderModel = bits.flag()
      if (decoderModel === 1) {
        delayLength = bits.read(5) + 1
        bits.skip(32 + 5 + 5)
      }
    }
    const initialDelay = bits.flag()
    const points = bits.read(5) + 1
    for (let point = 0; point < points; point++) {
      bits.skip(12) // operating_point_idc
      const pointLevel = bits.read(5)
      const pointTier = pointLevel > 7 ? bits.flag() : 0
      if (point === 0) {
        level = pointLevel
        tier = pointTier
      }
      if (decoderModel === 1 && bits.flag() === 1) bits.skip(2 * delayLength + 1)
      if (initialDelay === 1 && bits.flag() === 1) bits.skip(4)
    }
  }
  const widthBits = bits.read(4) + 1
  const heightBits = bits.read(4) + 1
  const width = bits.read(widthBits) + 1
  const height = bits.read(heightBits) + 1
  if (reduced === 0) {
    if (bits.flag() === 1) bits.skip(7) // frame ids
  }
  bits.skip(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (reduced === 0) skipTools(bits)
  bits.skip(3) // enable_superres, enable_cdef, enable_restoration
  const colour = readColour(bits, profile)
  if (bits.overrun || profile > 2) return undefined
  return { profile, level, tier, ...colour, width, height }
}

function skipTools(bits: BitReader): void {
  bits.skip(4) // interintra, masked compound, warped motion, dual filter
  const orderHint = bits.flag()
  if (orderHint === 1) bits.skip(2)
  const screenContent = bits.flag() === 1 ? 2 : bits.flag()
  if (screenContent > 0 && bits.flag() === 0) bits.flag() // integer motion vectors
  if (orderHint === 1) bits.skip(3)
}

type Colour = Pick<Av1SequenceHeader, 'bitDepth' | 'monochrome' | 'subsamplingX' | 'subsamplingY' | 'samplePosition'>

/** §5.5.2 */
function readColour(bits: BitReader, profile: number): Colour {
  const high = bits.flag()
  const bitDepth = profile === 2 && high === 1 ? (bits.flag() === 1 ? 12 : 10) : high === 1 ? 10 : 8
  const monochrome = profile === 1 ? 0 : bits.flag()
  let description = 0x02_0202
  if (bits.flag() === 1) description = bits.read(24)
  if (monochrome === 1) return { bitDepth, monochrome, subsamplingX: 1, subsamplingY: 1, samplePosition: 0 }
  if (description === 0x01_0d00) return { bitDepth, monochrome, subsamplingX: 0, subsamplingY: 0, samplePosition: 0 } // sRGB
  bits.flag() // color_range
  let subsamplingX = profile === 1 ? 0 : 1
  let subsamplingY = profile === 0 ? 1 : 0
  if (profile === 2 && bitDepth === 12) {
    subsamplingX = bits.flag()
    subsamplingY = subsamplingX === 1 ? bits.flag() : 0
  }
  const samplePosition = subsamplingX === 1 && subsamplingY === 1 ? bits.read(2) : 0
  return { bitDepth, monochrome, subsamplingX, subsamplingY, samplePosition }
}

/** AV1 Codec ISO Media File Format Binding §5 */
export function av1CodecString(sequence: Av1SequenceHeader): string {
  const level = sequence.level.toString().padStart(2, '0')
  const depth = sequence.bitDepth.toString().padStart(2, '0')
  const chroma = `${sequence.subsamplingX}${sequence.subsamplingY}${sequence.samplePosition}`
  const short = `av01.${sequence.profile}.${level}${sequence.tier === 1 ? 'H' : 'M'}.${depth}`
  // The optional rest is given only where it is not the default 4:2:0.
  return sequence.monochrome === 0 && chroma.startsWith('11') ? short : `${short}.${sequence.monochrome}.${chroma}`
}

export interface Av1Description {
  readonly sequence: Av1SequenceHeader
  /** AV1CodecConfigurationRecord (binding §2.3), with the sequence header in it. */
  readonly configuration: Uint8Array
}

/** Of a temporal unit with a sequence header. */
export function describeAv1(unit: Uint8Array): Av1Description | undefined {
  const obu = obus(unit)?.find(({ type }) => type === OBU_SEQUENCE_HEADER)
  const sequence = obu === undefined ? undefined : parseAv1SequenceHeader(obu.payload)
  if (obu === undefined || sequence === undefined) return undefined
  const { profile, level, tier, bitDepth, monochrome, subsamplingX, subsamplingY, samplePosition } = sequence
  const depth = (bitDepth > 8 ? 0x40 : 0) | (bitDepth === 12 ? 0x20 : 0)
  const colour = (monochrome << 4) | (subsamplingX << 3) | (subsamplingY << 2) | samplePosition
  const start = [0x81, (profile << 5) | level, (tier << 7) | depth | colour, 0]
  return { sequence, configuration: Uint8Array.from([...start, ...joinObus([obu])]) }
}
