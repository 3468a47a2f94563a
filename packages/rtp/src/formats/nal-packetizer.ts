import { checkMaxSize, PayloadFormatError } from './errors.ts'
import { ParameterSets, type NalCodec } from './nal-codec.ts'
import { hasStartCode, nalUnits } from './nal-units.ts'
import type { EncodedFrame, Packetizer } from './types.ts'

/** NAL units of an access unit into payloads: neighbours that fit together are aggregated, what does not fit alone is fragmented. */
export class NalPacketizer implements Packetizer {
  readonly #codec: NalCodec
  readonly #singleUnits: boolean
  readonly #sets: ParameterSets

  /** `singleUnits`: one NAL unit a payload, nothing else. */
  constructor(codec: NalCodec, singleUnits: boolean) {
    this.#codec = codec
    this.#singleUnits = singleUnits
    this.#sets = new ParameterSets(codec)
  }

  packetize(frame: EncodedFrame, maxSize: number): Uint8Array[] {
    checkMaxSize(maxSize)
    const found = nalUnits(frame.payload)
    if (found.length === 0 && frame.payload.length > 0 && !hasStartCode(frame.payload)) {
      throw new PayloadFormatError('ERR_RTP_FRAME_FORM', 'a frame of H.264 or H.265 has start codes (Annex B)')
    }
    const codec = this.#codec
    let randomAccess = false
    const units: Uint8Array[] = []
    for (const unit of found) {
      if (unit.length < codec.headerLength || !codec.isNalUnit(codec.typeOf(unit))) continue
      this.#sets.remember(unit)
      randomAccess ||= codec.isRandomAccess(unit)
      units.push(unit)
    }
    return this.#pack(randomAccess ? this.#sets.complete(units) : units, maxSize)
  }

  #pack(units: readonly Uint8Array[], maxSize: number): Uint8Array[] {
    const payloads: Uint8Array[] = []
    const slab = new Slab(this.#slabLength(units, maxSize))
    let index = 0
    while (index < units.length) {
      const unit = units[index]!
      if (unit.length > maxSize) {
        if (this.#singleUnits) {
          throw new PayloadFormatError(
            'ERR_RTP_NAL_UNIT_SIZE',
            `a NAL unit of ${unit.length} bytes does not fit into ${maxSize}, and packetization-mode 0 has no fragments`,
          )
        }
        this.#fragment(unit, maxSize, slab, payloads)
        index++
        continue
      }
      const end = this.#singleUnits ? index + 1 : this.#aggregateEnd(units, index, maxSize)
      payloads.push(end === index + 1 ? unit : this.#aggregate(units, index, end, slab))
      index = end
    }
    return payloads
  }

  /** Enough for whatever becomes of each unit; those that go out as they are need nothing. */
  #slabLength(units: readonly Uint8Array[], maxSize: number): number {
    const header = this.#codec.headerLength
    let length = 0
    for (const unit of units) {
      const fragments = unit.length > maxSize ? Math.ceil(unit.length / (maxSize - header - 1)) : 1
      length += unit.length + fragments * (header + 2)
    }
    return length
  }

  /** Behind the last unit that fits into one payload together with `units[from]`. */
  #aggregateEnd(units: readonly Uint8Array[], from: number, maxSize: number): number {
    let size = this.#codec.headerLength
    let end = from
    while (end < units.length) {
      size += 2 + units[end]!.length
      if (size > maxSize) break
      end++
    }
    return Math.max(end, from + 1)
  }

  #aggregate(units: readonly Uint8Array[], from: number, to: number, slab: Slab): Uint8Array {
    const out = slab.bytes
    const start = slab.used
    this.#codec.writeAggregationHeader(units, from, to, out, start)
    let offset = start + this.#codec.headerLength
    for (let index = from; index < to; index++) {
      const unit = units[index]!
      out[offset] = unit.length >> 8
      out[offset + 1] = unit.length & 0xff
      out.set(unit, offset + 2)
      offset += 2 + unit.length
    }
    slab.used = offset
    return out.subarray(start, offset)
  }

  #fragment(unit: Uint8Array, maxSize: number, slab: Slab, payloads: Uint8Array[]): void {
    const codec = this.#codec
    const header = codec.headerLength
    const type = codec.typeOf(unit)
    const body = unit.length - header // the unit's header travels in those of the fragments
    const count = Math.ceil(body / (maxSize - header - 1))
    const size = Math.floor(body / count)
    const larger = body - size * count
    const out = slab.bytes
    let read = header
    for (let index = 0; index < count; index++) {
      const start = slab.used
      const length = size + (index < larger ? 1 : 0)
      codec.writeFragmentHeader(unit, out, start)
      out[start + header] = (index === 0 ? 0x80 : 0) | (index === count - 1 ? 0x40 : 0) | type
      out.set(unit.subarray(read, read + length), start + header + 1)
      read += length
      slab.used = start + header + 1 + length
      payloads.push(out.subarray(start, slab.used))
    }
  }
}

class Slab {
  readonly bytes: Uint8Array
  used = 0

  constructor(length: number) {
    this.bytes = new Uint8Array(length)
  }
}
