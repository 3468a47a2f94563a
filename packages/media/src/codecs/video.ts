import {
  frameDimensions,
  isAv1KeyFrame,
  nalUnits,
  obus,
  readH264Sps,
  readH265Sps,
  readVp9Header,
} from '@kaon/rtp/formats'
import { av1CodecString, describeAv1 } from './av1.ts'
import { AVC_IDR, AVC_PPS, AVC_SPS, avcCodecString, avcType, buildAvcC } from './avc.ts'
import { buildHvcC, HEVC_FIRST_IRAP, HEVC_LAST_IRAP, HEVC_PPS, HEVC_SPS, HEVC_VPS } from './hevc.ts'
import { hevcCodecString, hevcType } from './hevc.ts'
import { vp9CodecString } from './vp9.ts'

/** What a key frame says of its stream. */
export interface VideoDescription {
  /** RFC 6381 */
  readonly codec: string
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
  /** The decoder configuration record that MP4 and Matroska have for this codec; VP8 and VP9 need none. */
  readonly configuration: Uint8Array | undefined
  /** Those NAL units of the frame that are in `configuration`. */
  readonly parameterSets: readonly Uint8Array[]
}

/** Undefined when the frame is no key frame, or its headers make no sense. `frame` is in the form of `EncodedFrame`. */
export function describeKeyFrame(mimeType: string, frame: Uint8Array): VideoDescription | undefined {
  switch (mimeType) {
    case 'video/VP8': {
      const size = isVp8KeyFrame(frame) ? frameDimensions(mimeType, frame) : undefined
      return size && { codec: 'vp8', ...size, configuration: undefined, parameterSets: [] }
    }
    case 'video/VP9': {
      const header = readVp9Header(frame)
      if (header?.width === undefined || header.height === undefined) return undefined
      const { profile, bitDepth = 8, width, height } = header
      const codec = vp9CodecString(profile, bitDepth, width, height)
      return { codec, width, height, configuration: undefined, parameterSets: [] }
    }
    case 'video/AV1': {
      const described = describeAv1(frame)
      if (described === undefined) return undefined
      const { width, height } = described.sequence
      const codec = av1CodecString(described.sequence)
      return { codec, width, height, configuration: described.configuration, parameterSets: [] }
    }
    case 'video/H264':
      return describeAvc(nalUnits(frame))
    case 'video/H265':
      return describeHevc(nalUnits(frame))
    default:
      return undefined
  }
}

function describeAvc(units: readonly Uint8Array[]): VideoDescription | undefined {
  const spsUnits = units.filter((unit) => avcType(unit) === AVC_SPS)
  const ppsUnits = units.filter((unit) => avcType(unit) === AVC_PPS)
  const sps = spsUnits[0] === undefined ? undefined : readH264Sps(spsUnits[0])
  const configuration = buildAvcC(spsUnits, ppsUnits)
  if (sps === undefined || configuration === undefined || ppsUnits.length === 0) return undefined
  const { width, height } = sps
  return {
    codec: avcCodecString(spsUnits[0]!),
    width,
    height,
    configuration,
    parameterSets: [...spsUnits, ...ppsUnits],
  }
}

function describeHevc(units: readonly Uint8Array[]): VideoDescription | undefined {
  const parameterSets = units.filter((unit) => [HEVC_VPS, HEVC_SPS, HEVC_PPS].includes(hevcType(unit)))
  const first = parameterSets.find((unit) => hevcType(unit) === HEVC_SPS)
  const sps = first === undefined ? undefined : readH265Sps(first)
  const configuration = buildHvcC(parameterSets)
  if (sps === undefined || configuration === undefined) return undefined
  const { width, height } = sps
  return { codec: hevcCodecString(sps), width, height, configuration, parameterSets }
}

function isVp8KeyFrame(frame: Uint8Array): boolean {
  return frame.length >= 10 && (frame[0]! & 1) === 0 // RFC 6386 §9.1
}

/** Decoding can begin with this frame, as far as its own headers tell. */
export function isKeyFrame(mimeType: string, frame: Uint8Array): boolean {
  switch (mimeType) {
    case 'video/VP8':
      return isVp8KeyFrame(frame)
    case 'video/VP9':
      return readVp9Header(frame)?.keyFrame === true
    case 'video/AV1':
      return isAv1KeyFrame(obus(frame) ?? [])
    case 'video/H264':
      return hasAvcKey(nalUnits(frame))
    case 'video/H265':
      return hasHevcKey(nalUnits(frame))
    default:
      return true
  }
}

export function hasAvcKey(units: readonly Uint8Array[]): boolean {
  return units.some((unit) => avcType(unit) === AVC_IDR)
}

export function hasHevcKey(units: readonly Uint8Array[]): boolean {
  return units.some((unit) => hevcType(unit) >= HEVC_FIRST_IRAP && hevcType(unit) <= HEVC_LAST_IRAP)
}
