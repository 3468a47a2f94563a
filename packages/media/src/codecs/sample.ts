// Frames in the form of `EncodedFrame` to samples of MP4 and blocks of Matroska, and back.

import { joinNalUnits, nalUnits } from '@kaon/rtp/formats'
import { cleanTemporalUnit } from './av1.ts'
import { AVC_DELIMITER, AVC_PPS, AVC_SPS, avcType, parseAvcC } from './avc.ts'
import type { NalConfiguration } from './avc.ts'
import { HEVC_DELIMITER, HEVC_PPS, HEVC_VPS, hevcType, parseHvcC } from './hevc.ts'
import { equalBytes, joinLengthPrefixed, splitLengthPrefixed } from './nal.ts'
import { hasAvcKey, hasHevcKey } from './video.ts'

/**
 * Makes samples of frames: NAL units behind lengths, without delimiters, and without parameter sets as long as they are those of the
 * decoder configuration; OBUs without temporal delimiter; otherwise the frame itself.
 */
export class SampleWriter {
  readonly #mimeType: string
  readonly #configured: readonly Uint8Array[]
  /** Other parameter sets came (another resolution): from then on they stay in the samples, all of them, since one set may be used by another. */
  #changed = false

  constructor(mimeType: string, configured: readonly Uint8Array[]) {
    this.#mimeType = mimeType
    this.#configured = configured
  }

  sample(frame: Uint8Array): Uint8Array {
    if (this.#mimeType === 'video/AV1') return cleanTemporalUnit(frame) ?? frame
    const isAvc = this.#mimeType === 'video/H264'
    if (!isAvc && this.#mimeType !== 'video/H265') return frame
    const units = nalUnits(frame).filter(
      (unit) => !(isAvc ? avcType(unit) === AVC_DELIMITER : hevcType(unit) === HEVC_DELIMITER),
    )
    const sets = units.filter((unit) => (isAvc ? isAvcParameterSet(unit) : isHevcParameterSet(unit)))
    this.#changed ||= sets.some((unit) => !this.#isConfigured(unit))
    return joinLengthPrefixed(this.#changed ? units : units.filter((unit) => !sets.includes(unit)))
  }

  #isConfigured(unit: Uint8Array): boolean {
    return this.#configured.some((other) => equalBytes(unit, other))
  }
}

function isAvcParameterSet(unit: Uint8Array): boolean {
  return avcType(unit) === AVC_SPS || avcType(unit) === AVC_PPS
}

function isHevcParameterSet(unit: Uint8Array): boolean {
  return hevcType(unit) >= HEVC_VPS && hevcType(unit) <= HEVC_PPS
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
    const hasSets = units.some((unit) => (isAvc ? isAvcParameterSet(unit) : isHevcParameterSet(unit)))
    if (!isKey || hasSets) return joinNalUnits(units)
    // An access unit delimiter stays first (ITU-T H.264 §7.4.1.2.3).
    const delimited = isAvc ? avcType(units[0]!) === AVC_DELIMITER : hevcType(units[0]!) === HEVC_DELIMITER
    return joinNalUnits(delimited ? [units[0]!, ...parameterSets, ...units.slice(1)] : [...parameterSets, ...units])
  }
}
