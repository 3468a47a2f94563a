import { writeUint16, writeUint24, writeUint32, writeUint64 } from '../bytes.ts'
import { RtpError } from '../errors.ts'
import { HEADER_SIZE } from './packet-types.ts'

/** Datagrams are cut from slabs: an array of its own for each would cost more than what is written into it. */
const SLAB_SIZE = 8192
/** Less than this left in a slab is not worth beginning with. */
const MIN_ROOM = 1500

let slab: Uint8Array = new Uint8Array(0)
let slabUsed = 0

/**
 * Lays RTCP packets one behind the other. What is finished is a view of a slab that is never written there again; a datagram
 * that outgrows its slab moves to an array of its own.
 */
export class RtcpWriter {
  #bytes: Uint8Array
  #first: number
  #offset: number
  #start: number

  constructor() {
    if (slab.length - slabUsed < MIN_ROOM) {
      slab = new Uint8Array(SLAB_SIZE)
      slabUsed = 0
    }
    this.#bytes = slab
    this.#first = this.#offset = this.#start = slabUsed
  }

  begin(packetType: number, count: number): void {
    this.#reserve(HEADER_SIZE)
    this.#start = this.#offset
    this.#bytes[this.#offset] = 0x80 | (count & 0x1f)
    this.#bytes[this.#offset + 1] = packetType
    this.#offset += HEADER_SIZE
  }

  /** Fills up to 32 bits with zeros and writes the length: words minus one (RFC 3550 §6.4.1). */
  end(): void {
    this.align()
    const words = (this.#offset - this.#start) / 4 - 1
    if (words > 0xffff) throw new RtpError('ERR_RTP_ARGUMENT', 'an RTCP packet has at most 256 KiB')
    writeUint16(this.#bytes, this.#start + 2, words)
  }

  align(): void {
    while (((this.#offset - this.#first) & 3) !== 0) this.uint8(0)
  }

  uint8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#offset++] = value
  }

  uint16(value: number): void {
    this.#reserve(2)
    writeUint16(this.#bytes, this.#offset, value)
    this.#offset += 2
  }

  uint24(value: number): void {
    this.#reserve(3)
    writeUint24(this.#bytes, this.#offset, value)
    this.#offset += 3
  }

  uint32(value: number): void {
    this.#reserve(4)
    writeUint32(this.#bytes, this.#offset, value)
    this.#offset += 4
  }

  uint64(value: bigint): void {
    this.#reserve(8)
    writeUint64(this.#bytes, this.#offset, value)
    this.#offset += 8
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#offset)
    this.#offset += value.length
  }

  /** What was written; the writer is done with. */
  finish(): Uint8Array {
    if (this.#bytes === slab) slabUsed = (this.#offset + 7) & ~7 // the next one begins aligned
    return this.#bytes.subarray(this.#first, this.#offset)
  }

  #reserve(size: number): void {
    const needed = this.#offset + size
    if (needed <= this.#bytes.length) return
    const written = this.#offset - this.#first
    const larger = new Uint8Array(2 * (written + size))
    larger.set(this.#bytes.subarray(this.#first, this.#offset))
    this.#start -= this.#first
    this.#bytes = larger
    this.#first = 0
    this.#offset = written
  }
}
