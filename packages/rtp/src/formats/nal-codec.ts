/**
 * What H.264 (RFC 6184) and H.265 (RFC 7798) do differently in payload formats that are otherwise the same: NAL units alone, several
 * in an aggregation packet, or one in fragments.
 */
export interface NalCodec {
  /** Bytes of a NAL unit's header, and of a payload's: 1 or 2. */
  readonly headerLength: 1 | 2
  /** STAP-A, AP */
  readonly aggregationType: number
  /** FU-A, FU */
  readonly fragmentationType: number
  typeOf(unit: Uint8Array): number
  /** Types that are NAL units, not payload structures, and may stand in a payload. */
  isNalUnit(type: number): boolean
  /** Writes the payload header of an aggregation packet of `units[from…to)`. */
  writeAggregationHeader(units: readonly Uint8Array[], from: number, to: number, out: Uint8Array, offset: number): void
  /** Writes the payload header of a fragment; the FU header (start, end, type) follows it. */
  writeFragmentHeader(unit: Uint8Array, out: Uint8Array, offset: number): void
  /** The header of the NAL unit that a first fragment begins. */
  fragmentedHeader(payload: Uint8Array): Uint8Array
  /** Bits of the FU header that are the type. */
  readonly fragmentTypeMask: number
  /** The types of parameter sets, in the order in which they must come. */
  readonly parameterSetTypes: readonly number[]
  /** Undefined when it cannot be read. */
  parameterSetId(unit: Uint8Array): number | undefined
  /** Decoding can begin with the picture that this unit belongs to. */
  isRandomAccess(unit: Uint8Array): boolean
  /** The unit is the first of an access unit, or could be: parameter sets, SEI, delimiters, and the first slice of a picture. */
  mayStartAccessUnit(unit: Uint8Array): boolean
  /** An access unit delimiter. */
  readonly delimiterType: number
}

const MAX_SETS = 64
const MAX_SET_SIZE = 1024

/** Remembers the parameter sets of a stream, so that key frames can have theirs in front. At most 64 of at most 1024 bytes each. */
export class ParameterSets {
  readonly #codec: NalCodec
  readonly #sets = new Map<number, Uint8Array>()

  constructor(codec: NalCodec) {
    this.#codec = codec
  }

  remember(unit: Uint8Array): void {
    const type = this.#codec.typeOf(unit)
    if (!this.#codec.parameterSetTypes.includes(type) || unit.length > MAX_SET_SIZE) return
    const id = this.#codec.parameterSetId(unit)
    if (id === undefined) return
    const key = type * 256 + id
    const known = this.#sets.get(key)
    if (known === undefined && this.#sets.size >= MAX_SETS) return
    if (known === undefined || !sameBytes(known, unit)) this.#sets.set(key, unit.slice())
  }

  /**
   * The units of an access unit, with the remembered sets of each type of which it has none in front of them (but behind a delimiter).
   * The same array when nothing is missing.
   */
  complete(units: readonly Uint8Array[]): readonly Uint8Array[] {
    const missing: Uint8Array[] = []
    for (const type of this.#codec.parameterSetTypes) {
      if (units.some((unit) => this.#codec.typeOf(unit) === type)) continue
      for (const [key, unit] of this.#sets) if (key >> 8 === type) missing.push(unit)
    }
    if (missing.length === 0) return units
    const first = units[0]
    const front = first !== undefined && this.#codec.typeOf(first) === this.#codec.delimiterType ? 1 : 0
    return [...units.slice(0, front), ...missing, ...units.slice(front)]
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}
