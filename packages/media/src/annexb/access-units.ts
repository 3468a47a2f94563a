import { joinNalUnits } from '@kaon/rtp/formats'
import { AVC_DELIMITER, AVC_PPS, AVC_SEI, AVC_SPS, avcType } from '../codecs/avc.ts'
import { HEVC_DELIMITER, HEVC_PPS, HEVC_PREFIX_SEI, HEVC_SPS, HEVC_VPS, hevcType } from '../codecs/hevc.ts'
import { hasAvcKey, hasHevcKey } from '../codecs/video.ts'
import { MediaError } from '../errors.ts'
import { MAX_FRAME_SIZE } from '../limits.ts'

/** Where access units begin, and which NAL units do what: the differences between H.264 and H.265. */
interface Rules {
  readonly delimiter: number
  readonly parameterSets: readonly number[]
  type(unit: Uint8Array): number
  isSlice(type: number): boolean
  /** The first slice of a picture. */
  isFirstSlice(unit: Uint8Array): boolean
  /** Units that stand before the slices of their access unit. */
  isLeading(type: number): boolean
  hasKey(units: readonly Uint8Array[]): boolean
}

// ITU-T H.264 §7.4.1.2.3. first_mb_in_slice is ue(v): 0 is the bit 1. (With arbitrary slice order, which WebRTC has not, it would not do.)
const avc: Rules = {
  delimiter: AVC_DELIMITER,
  parameterSets: [AVC_SPS, AVC_PPS],
  type: avcType,
  isSlice: (type) => type >= 1 && type <= 5,
  isFirstSlice: (unit) => ((unit[1] ?? 0) & 0x80) !== 0,
  isLeading: (type) => (type >= AVC_SEI && type <= AVC_DELIMITER) || (type >= 14 && type <= 18),
  hasKey: hasAvcKey,
}

// ITU-T H.265 §7.4.2.4.4. first_slice_segment_in_pic_flag is the first bit behind the header.
const hevc: Rules = {
  delimiter: HEVC_DELIMITER,
  parameterSets: [HEVC_VPS, HEVC_SPS, HEVC_PPS],
  type: hevcType,
  isSlice: (type) => type < 32,
  isFirstSlice: (unit) => ((unit[2] ?? 0) & 0x80) !== 0,
  isLeading: (type) =>
    (type >= HEVC_VPS && type <= HEVC_DELIMITER) ||
    type === HEVC_PREFIX_SEI ||
    (type >= 41 && type <= 44) ||
    (type >= 48 && type <= 55),
  hasKey: hasHevcKey,
}

export interface AccessUnit {
  readonly payload: Uint8Array
  readonly keyFrame: boolean
}

const MAX_PARAMETER_SETS = 32

/** Collects NAL units into access units, without delimiters, with the latest parameter sets in front of key frames that come without. */
export class AccessUnits {
  readonly #rules: Rules
  #units: Uint8Array[] = []
  #size = 0
  #hasSlice = false
  readonly #parameterSets: Map<string, Uint8Array> = new Map()

  constructor(codec: 'h264' | 'h265') {
    this.#rules = codec === 'h264' ? avc : hevc
  }

  /** The access unit that ends before this NAL unit, if one does. */
  push(unit: Uint8Array): AccessUnit | undefined {
    const rules = this.#rules
    const type = rules.type(unit)
    const isSlice = rules.isSlice(type)
    const begins = this.#hasSlice && (isSlice ? rules.isFirstSlice(unit) : rules.isLeading(type))
    const finished = begins ? this.end() : undefined
    if (type === rules.delimiter) return finished
    this.#size += unit.length + 4
    if (this.#size > MAX_FRAME_SIZE)
      throw new MediaError('ERR_MEDIA_LIMIT', `An access unit of more than ${MAX_FRAME_SIZE} bytes`)
    if (isSlice) this.#hasSlice = true
    this.#units.push(unit)
    return finished
  }

  end(): AccessUnit | undefined {
    const units = this.#units
    const hasSlice = this.#hasSlice
    this.#units = []
    this.#size = 0
    this.#hasSlice = false
    const own = units.filter((unit) => this.#rules.parameterSets.includes(this.#rules.type(unit)))
    if (own.length > 0) this.#remember(own)
    if (!hasSlice) return undefined
    const keyFrame = this.#rules.hasKey(units)
    if (!keyFrame || own.length > 0) return { payload: joinNalUnits(units), keyFrame }
    return { payload: joinNalUnits([...this.#parameterSets.values(), ...units]), keyFrame }
  }

  /** By type and by the first bytes behind the header, where the id is. */
  #remember(sets: readonly Uint8Array[]): void {
    const { parameterSets, type } = this.#rules
    if (sets.some((unit) => type(unit) === parameterSets[0])) this.#parameterSets.clear()
    for (const unit of sets) {
      if (this.#parameterSets.size < MAX_PARAMETER_SETS) this.#parameterSets.set(`${type(unit)}:${unit[2] ?? 0}`, unit)
    }
  }
}
