import { readH265Sps } from '@kaon/rtp/formats'
import type { H265Sps } from '@kaon/rtp/formats'
import type { NalConfiguration } from './avc.ts'

// ITU-T H.265 §7.4.2.2, table 7-1
export const HEVC_FIRST_IRAP = 16
export const HEVC_LAST_IRAP = 23
export const HEVC_VPS = 32
export const HEVC_SPS = 33
export const HEVC_PPS = 34
export const HEVC_DELIMITER = 35
export const HEVC_PREFIX_SEI = 39

export function hevcType(unit: Uint8Array): number {
  return (unit[0]! >> 1) & 0x3f
}

/** ISO/IEC 14496-15 §E.3 */
export function hevcCodecString(sps: H265Sps): string {
  const { profileTierLevel: general } = sps
  const space = ['', 'A', 'B', 'C'][general[0]! >> 6]!
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) {
    if (((general[1 + (bit >> 3)]! >> (7 - (bit & 7))) & 1) === 1) reversed += 2 ** bit
  }
  let last = 10
  while (last > 4 && general[last] === 0) last--
  let constraints = ''
  for (let index = 5; index <= last; index++) constraints += `.${general[index]!.toString(16).toUpperCase()}`
  const tier = (general[0]! & 0x20) === 0 ? 'L' : 'H'
  return `hvc1.${space}${general[0]! & 0x1f}.${reversed.toString(16).toUpperCase()}.${tier}${general[11]!}${constraints}`
}

/** HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 §8.3.3.1; undefined without a sound SPS. */
export function buildHvcC(units: readonly Uint8Array[]): Uint8Array | undefined {
  const first = units.find((unit) => hevcType(unit) === HEVC_SPS)
  const sps = first === undefined ? undefined : readH265Sps(first)
  if (sps === undefined) return undefined
  const bytes = [1, ...sps.profileTierLevel, 0xf0, 0, 0xfc, 0xfc | sps.chromaFormat]
  bytes.push(0xf8 | (sps.bitDepthLuma - 8), 0xf8 | (sps.bitDepthChroma - 8), 0, 0)
  bytes.push((sps.temporalLayers << 3) | (sps.temporalIdNested ? 4 : 0) | 3)
  const types = [HEVC_VPS, HEVC_SPS, HEVC_PPS]
  bytes.push(types.length)
  for (const type of types) {
    const ofType = units.filter((unit) => hevcType(unit) === type)
    // array_completeness is 0: parameter sets may also stand in the samples
    bytes.push(type, ofType.length >> 8, ofType.length & 0xff)
    for (const unit of ofType) bytes.push(unit.length >> 8, unit.length & 0xff, ...unit)
  }
  return Uint8Array.from(bytes)
}

export function parseHvcC(record: Uint8Array): NalConfiguration | undefined {
  if (record.length < 23) return undefined
  const parameterSets: Uint8Array[] = []
  let offset = 23
  for (let array = 0; array < record[22]!; array++) {
    if (offset + 3 > record.length) return undefined
    const count = (record[offset + 1]! << 8) | record[offset + 2]!
    offset += 3
    for (let index = 0; index < count; index++) {
      if (offset + 2 > record.length) return undefined
      const length = (record[offset]! << 8) | record[offset + 1]!
      offset += 2
      if (offset + length > record.length) return undefined
      if (length >= 2) parameterSets.push(record.subarray(offset, offset + length))
      offset += length
    }
  }
  return { lengthSize: (record[21]! & 3) + 1, parameterSets }
}
