// Frames in the form of `EncodedFrame` to samples of MP4 and blocks of Matroska, and back.

import { joinNalUnits, nalUnits } from '@kaon/rtp/formats'
import { cleanTemporalUnit } from './av1.ts'
import { AVC_DELIMITER, AVC_PPS, AVC_SPS, avcType, parseAvcC, withoutUnits } from './avc.ts'
import type { NalConfiguration } from './avc.ts'
import { HEVC_DELIMITER, HEVC_SPS, hevcType, parseHvcC } from './hevc.ts'
import { joinLengthPrefixed, splitLengthPrefixed } from './nal.ts'
import { hasAvcKey, hasHevcKey } from './video.ts'

/**
 * The sample of a frame: NAL units behind lengths, without delimiters and without the parameter sets that the decoder configuration has
 * (other ones stay: a stream may change its resolution); OBUs without temporal delimiter; otherwise the frame itself.
 */
export function toSample(mimeType: string, frame: Uint8Array, configured: readonly Uint8Array[]): Uint8Array {
  if (mimeType === 'video/AV1') return cleanTemporalUnit(frame) ?? frame
  if (mimeType !== 'video/H264' && mimeType !== 'video/H265') return frame
  const delimiter = mimeType === 'video/H264' ? AVC_DELIMITER : HEVC_DELIMITER
  const type = mimeType === 'video/H264' ? avcType : hevcType
  const units = nalUnits(frame).filter((unit) => type(unit) !== delimiter)
  return joinLengthPrefixed(withoutUnits(units, configured))
}

/** Makes frames of samples, with the parameter sets of the decoder configuration in front of each key frame that has none. */
export class SampleReader {
  readonly #mimeType: string
  readonly #configuration: NalConfiguration | undefined

  /** `description` is the decoder configuration record; without one H.264 and H.265 are in Annex B form already. */
  constructor(mimeType: string, description: Uint8Array | undefined) {
    this.#mimeType = mimeType
    if (description === undefined) return
    if (mimeType === 'video/H264') this.#configuration = parseAvcC(description)
    if (mimeType === 'video/H265') this.#configuration = parseHvcC(description)
  }

  /** Undefined for a sample that makes no sense. */
  frame(sample: Uint8Array): Uint8Array | undefined {
    if (this.#mimeType === 'video/AV1') return cleanTemporalUnit(sample)
    const isAvc = this.#mimeType === 'video/H264'
    if (!isAvc && this.#mimeType !== 'video/H265') return sample
    if (this.#configuration === undefined) return sample
    const { lengthSize, parameterSets } = this.#configuration
    const units = splitLengthPrefixed(sample, lengthSize)
    if (units === undefined || units.length === 0) return undefined
    const isKey = isAvc ? hasAvcKey(units) : hasHevcKey(units)
    const hasSets = units.some((unit) =>
      isAvc ? avcType(unit) === AVC_SPS || avcType(unit) === AVC_PPS : hevcType(unit) === HEVC_SPS,
    )
    if (!isKey || hasSets) return joinNalUnits(units)
    // An access unit delimiter stays first (ITU-T H.264 §7.4.1.2.3).
    const delimited = isAvc ? avcType(units[0]!) === AVC_DELIMITER : hevcType(units[0]!) === HEVC_DELIMITER
    return joinNalUnits(delimited ? [units[0]!, ...parameterSets, ...units.slice(1)] : [...parameterSets, ...units])
  }
}
