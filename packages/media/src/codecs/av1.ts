import { joinObus, obus, readAv1SequenceHeader } from '@kaon/rtp/formats'
import type { Av1SequenceHeader } from '@kaon/rtp/formats'

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

/** AV1 Codec ISO Media File Format Binding §5 */
export function av1CodecString(sequence: Av1SequenceHeader): string {
  const level = sequence.level.toString().padStart(2, '0')
  const depth = sequence.bitDepth.toString().padStart(2, '0')
  const chroma = `${sequence.subsamplingX}${sequence.subsamplingY}${sequence.chromaSamplePosition}`
  const short = `av01.${sequence.profile}.${level}${sequence.tier === 1 ? 'H' : 'M'}.${depth}`
  // The optional rest is given only where it is not the default 4:2:0.
  return !sequence.monochrome && chroma.startsWith('11') ? short : `${short}.${sequence.monochrome ? 1 : 0}.${chroma}`
}

export interface Av1Description {
  readonly sequence: Av1SequenceHeader
  /** AV1CodecConfigurationRecord (binding §2.3), with the sequence header in it. */
  readonly configuration: Uint8Array
}

/** Of a temporal unit with a sequence header. */
export function describeAv1(unit: Uint8Array): Av1Description | undefined {
  const obu = obus(unit)?.find(({ type }) => type === OBU_SEQUENCE_HEADER)
  const sequence = obu === undefined ? undefined : readAv1SequenceHeader(obu.payload)
  if (obu === undefined || sequence === undefined) return undefined
  const { profile, level, tier, bitDepth, monochrome, subsamplingX, subsamplingY, chromaSamplePosition } = sequence
  const depth = (bitDepth > 8 ? 0x40 : 0) | (bitDepth === 12 ? 0x20 : 0)
  const colour = (monochrome ? 0x10 : 0) | (subsamplingX << 3) | (subsamplingY << 2) | chromaSamplePosition
  const start = [0x81, (profile << 5) | level, (tier << 7) | depth | colour, 0]
  return { sequence, configuration: Uint8Array.from([...start, ...joinObus([obu])]) }
}
