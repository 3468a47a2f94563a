import { leb128Length, OBU_SEQUENCE_HEADER, writeLeb128, type Obu } from './av1-obu.ts'

/** An OBU, or a part of it, as an element of a payload; positions count from the OBU's header, which has no size. */
interface Element {
  readonly obu: Obu
  readonly from: number
  readonly to: number
}

interface Plan {
  readonly elements: Element[]
  /** Bytes with a length in front of every element. */
  size: number
  /** temporal_id and spatial_id of the OBUs in it, −1 as long as none has any. */
  layer: number
}

/**
 * Lays OBUs out in payloads of a size (AV1 RTP §4.4, §4.5, §5), all in one buffer.
 *
 * Between two payloads of a temporal unit there is always an OBU that goes on, if need be with its last byte alone: libwebrtc, when it
 * has no dependency descriptor, takes a payload that ends with an OBU for the end of the frame. Only layers and sequences part.
 */
export class Av1Packer {
  readonly #maxSize: number
  readonly #plans: Plan[] = []
  #plan: Plan

  constructor(maxSize: number) {
    this.#maxSize = maxSize
    this.#plan = { elements: [], size: 1, layer: -1 }
  }

  add(obu: Obu): void {
    const layer = obu.extension < 0 ? -1 : obu.extension >> 3
    // OBUs of different layers do not share a packet, and a sequence header is the first in its (§5).
    const apart = layer >= 0 && this.#plan.layer >= 0 && layer !== this.#plan.layer
    if (apart || obu.type === OBU_SEQUENCE_HEADER) this.#close()
    const length = headerLength(obu) + obu.payload.length
    let from = 0
    while (from < length) {
      const { elements, size } = this.#plan
      // Up to three elements are counted in W, and the last of them needs no length.
      const room = this.#maxSize - size - (elements.length < 3 ? 0 : leb128Length(this.#maxSize))
      if (room < 1) {
        this.#closeWithin()
        continue
      }
      const to = Math.min(length, from + room)
      elements.push({ obu, from, to })
      this.#plan.size += leb128Length(to - from) + to - from
      if (layer >= 0) this.#plan.layer = layer
      if (to < length) this.#close()
      from = to
    }
  }

  /** Ends the payload, and leaves the last byte of its last OBU to the next one, with whole elements of one byte behind it. */
  #closeWithin(): void {
    const { elements } = this.#plan
    let index = elements.length - 1
    while (index >= 0 && elements[index]!.to - elements[index]!.from < 2) index--
    if (index < 0) return this.#close()
    const moved = elements.splice(index)
    const { obu, from, to } = moved[0]!
    elements.push({ obu, from, to: to - 1 })
    moved[0] = { obu, from: to - 1, to }
    this.#close()
    for (const element of moved) {
      this.#plan.elements.push(element)
      this.#plan.size += 2
      if (element.obu.extension >= 0) this.#plan.layer = element.obu.extension >> 3
    }
  }

  #close(): void {
    if (this.#plan.elements.length === 0) return
    this.#plans.push(this.#plan)
    this.#plan = { elements: [], size: 1, layer: -1 }
  }

  /** `sequenceStart` sets N in the first payload. */
  finish(sequenceStart: boolean): Uint8Array[] {
    this.#close()
    let total = 0
    for (const plan of this.#plans) total += plan.size
    const slab = new Uint8Array(total)
    const payloads: Uint8Array[] = []
    let offset = 0
    for (const plan of this.#plans) {
      const end = writePlan(plan, slab, offset)
      payloads.push(slab.subarray(offset, end))
      offset = end
    }
    if (sequenceStart && payloads.length > 0) payloads[0]![0]! |= 0x08
    return payloads
  }
}

function writePlan({ elements }: Plan, out: Uint8Array, start: number): number {
  const count = elements.length
  const first = elements[0]!
  const last = elements[count - 1]!
  const continues = first.from > 0 ? 0x80 : 0
  const unfinished = last.to < headerLength(last.obu) + last.obu.payload.length ? 0x40 : 0
  out[start] = continues | unfinished | (count <= 3 ? count << 4 : 0)
  let offset = start + 1
  for (let index = 0; index < count; index++) {
    const element = elements[index]!
    if (count > 3 || index < count - 1) offset = writeLeb128(out, offset, element.to - element.from)
    offset = writeElement(element, out, offset)
  }
  return offset
}

function writeElement({ obu, from, to }: Element, out: Uint8Array, offset: number): number {
  const header = headerLength(obu)
  if (from === 0) out[offset++] = obu.header & ~2 // obu_has_size_field
  if (from <= 1 && to > 1 && header === 2) out[offset++] = obu.extension
  const start = Math.max(from - header, 0)
  out.set(obu.payload.subarray(start, to - header), offset)
  return offset + to - header - start
}

function headerLength(obu: Obu): number {
  return obu.extension < 0 ? 1 : 2
}
