import { concatenate } from './cut.ts'
import { ParameterSets, type NalCodec } from './nal-codec.ts'
import { joinNalUnits } from './nal-units.ts'
import type { Depacketizer } from './types.ts'

const START_CODE = Uint8Array.of(0, 0, 0, 1)

/** Payloads into an access unit in Annex B form, with parameter sets in front of key frames, remembered ones when it brings none. */
export class NalDepacketizer implements Depacketizer {
  readonly #codec: NalCodec
  readonly #sets: ParameterSets

  /** `known`: parameter sets that the session description brought. */
  constructor(codec: NalCodec, known: readonly Uint8Array[]) {
    this.#codec = codec
    this.#sets = new ParameterSets(codec)
    for (const unit of known) this.#sets.remember(unit)
  }

  depacketize(payloads: readonly Uint8Array[]): { payload: Uint8Array; keyFrame: boolean } | undefined {
    const pieces = this.#pieces(payloads)
    if (pieces === undefined) return undefined
    let total = 0
    for (const piece of pieces) total += piece.length
    const payload = concatenate(pieces, total)
    const units = unitsOf(pieces, payload)
    let keyFrame = false
    for (const unit of units) {
      this.#sets.remember(unit)
      keyFrame ||= this.#codec.isRandomAccess(unit)
    }
    const completed = keyFrame ? this.#sets.complete(units) : units
    return { payload: completed === units ? payload : joinNalUnits(completed), keyFrame }
  }

  /** Start codes, units and parts of units in order; undefined when the payloads do not make whole units. */
  #pieces(payloads: readonly Uint8Array[]): Uint8Array[] | undefined {
    const codec = this.#codec
    const pieces: Uint8Array[] = []
    let fragmented = -1 // the type of the unit whose fragments are coming
    for (const payload of payloads) {
      if (payload.length < codec.headerLength) return undefined
      const type = codec.typeOf(payload)
      if (type === codec.fragmentationType) {
        const next = this.#fragment(payload, fragmented, pieces)
        if (next === undefined) return undefined
        fragmented = next
        continue
      }
      if (fragmented >= 0) return undefined // the rest of a unit is missing
      if (type === codec.aggregationType) {
        if (!this.#disaggregate(payload, pieces)) return undefined
      } else if (codec.isNalUnit(type)) {
        pieces.push(START_CODE, trimmed(payload, codec.headerLength))
      } else {
        return undefined
      }
    }
    return fragmented >= 0 || pieces.length === 0 ? undefined : pieces
  }

  /** The type of the unit that goes on, −1 when it is whole, undefined when the fragment does not fit to what came before. */
  #fragment(payload: Uint8Array, fragmented: number, pieces: Uint8Array[]): number | undefined {
    const codec = this.#codec
    const body = codec.headerLength + 1
    if (payload.length <= body) return undefined
    const header = payload[codec.headerLength]!
    const start = (header & 0x80) !== 0
    const end = (header & 0x40) !== 0
    const type = header & codec.fragmentTypeMask
    if (start && end) return undefined // RFC 6184 §5.8, RFC 7798 §4.4.3
    if (start ? fragmented >= 0 || !codec.isNalUnit(type) : fragmented !== type) return undefined
    if (start) pieces.push(START_CODE, codec.fragmentedHeader(payload))
    pieces.push(end ? trimmed(payload.subarray(body), 0) : payload.subarray(body))
    return end ? -1 : type
  }

  #disaggregate(payload: Uint8Array, pieces: Uint8Array[]): boolean {
    const codec = this.#codec
    let offset = codec.headerLength
    if (offset === payload.length) return false
    while (offset < payload.length) {
      if (offset + 2 > payload.length) return false
      const length = (payload[offset]! << 8) | payload[offset + 1]!
      offset += 2
      if (length < codec.headerLength || offset + length > payload.length) return false
      const unit = payload.subarray(offset, offset + length)
      if (!codec.isNalUnit(codec.typeOf(unit))) return false
      pieces.push(START_CODE, trimmed(unit, codec.headerLength))
      offset += length
    }
    return true
  }
}

/**
 * Without zeros at the end. A unit has none there (H.264 §7.4.1), but senders that cut a byte stream at start codes of three bytes
 * (ffmpeg, libwebrtc's parameter sets) leave the first byte of those with four.
 */
function trimmed(unit: Uint8Array, least: number): Uint8Array {
  let end = unit.length
  while (end > least && unit[end - 1] === 0) end--
  return end === unit.length ? unit : unit.subarray(0, end)
}

/** The units where they are in the frame that was put together. */
function unitsOf(pieces: readonly Uint8Array[], frame: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = []
  let start = -1
  let offset = 0
  for (const piece of pieces) {
    if (piece === START_CODE) {
      if (start >= 0) units.push(frame.subarray(start, offset))
      start = offset + START_CODE.length
    }
    offset += piece.length
  }
  if (start >= 0) units.push(frame.subarray(start, offset))
  return units
}

/** The first NAL unit of a payload, or its beginning: as it is, the first of an aggregation, or rebuilt from a first fragment. */
export function firstUnit(codec: NalCodec, payload: Uint8Array): Uint8Array | undefined {
  const header = codec.headerLength
  if (payload.length < header) return undefined
  const type = codec.typeOf(payload)
  if (type === codec.aggregationType) {
    return payload.length < header * 2 + 2 ? undefined : payload.subarray(header + 2)
  }
  if (type === codec.fragmentationType) {
    if (payload.length <= header + 1 || (payload[header]! & 0x80) === 0) return undefined
    const head = codec.fragmentedHeader(payload)
    return concatenate(
      [head, payload.subarray(header + 1, header + 33)],
      head.length + Math.min(payload.length - header - 1, 32),
    )
  }
  return codec.isNalUnit(type) ? payload : undefined
}

/** Whether a payload is one that decoding can begin with: parameter sets, or (the beginning of) a random access picture. */
export function beginsRandomAccess(codec: NalCodec, payload: Uint8Array): boolean {
  const header = codec.headerLength
  if (payload.length < header) return false
  if (codec.typeOf(payload) !== codec.aggregationType) {
    const unit = firstUnit(codec, payload)
    if (unit === undefined || !codec.mayStartAccessUnit(unit)) return false
    return startsWithSets(codec, unit) || codec.isRandomAccess(unit)
  }
  let offset = header
  while (offset + 2 + header <= payload.length) {
    const length = (payload[offset]! << 8) | payload[offset + 1]!
    if (length < header) return false
    const unit = payload.subarray(offset + 2, offset + 2 + length)
    if (startsWithSets(codec, unit)) return true
    if (codec.isRandomAccess(unit)) return codec.mayStartAccessUnit(unit)
    offset += 2 + length
  }
  return false
}

/** A sequence (or video) parameter set; picture parameter sets alone may also come with other frames. */
function startsWithSets(codec: NalCodec, unit: Uint8Array): boolean {
  const type = codec.typeOf(unit)
  const last = codec.parameterSetTypes.length - 1
  return type !== codec.parameterSetTypes[last] && codec.parameterSetTypes.includes(type)
}
