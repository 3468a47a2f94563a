import { readH264Sps } from '@kaon/rtp/formats'

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

export function avcCodecString(sps: Uint8Array): string {
  return `avc1.${hex(sps[1]!)}${hex(sps[2]!)}${hex(sps[3]!)}`
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** Profiles whose record tells the chroma format and bit depths. */
const CHROMA_PROFILES: ReadonlySet<number> = new Set([100, 110, 118, 122, 128, 134, 135, 138, 139, 244])

/** AVCDecoderConfigurationRecord, ISO/IEC 14496-15 §5.3.3.1; undefined without a sound SPS. */
export function buildAvcC(spsUnits: readonly Uint8Array[], ppsUnits: readonly Uint8Array[]): Uint8Array | undefined {
  const sps = spsUnits[0] === undefined ? undefined : readH264Sps(spsUnits[0])
  if (sps === undefined || spsUnits.length > 31 || ppsUnits.length > 255) return undefined
  const bytes = [1, sps.profileIdc, sps.constraints, sps.levelIdc, 0xff, 0xe0 | spsUnits.length]
  for (const unit of spsUnits) bytes.push(unit.length >> 8, unit.length & 0xff, ...unit)
  bytes.push(ppsUnits.length)
  for (const unit of ppsUnits) bytes.push(unit.length >> 8, unit.length & 0xff, ...unit)
  if (CHROMA_PROFILES.has(sps.profileIdc)) {
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
