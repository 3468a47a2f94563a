import { readUint32, writeUint16, writeUint32 } from '../bytes.ts'
import { FIXED_HEADER_SIZE, parseRtp } from '../packet/parse.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import { SequenceUnwrapper } from '../packet/sequence.ts'
import { type MutableExtensions, removeMutable, xorMutable } from './mutable-extensions.ts'
import type { Repair } from './repair.ts'
import type { FecStats } from './stats.ts'

/** Media packets that are kept, a power of two: more than twice what the longest mask spans. */
export const WINDOW = 256

/** Repair packets that wait for all but one of their packets. */
export const MAX_REPAIRS = 64

interface PendingRepair {
  readonly repair: Repair
  /** Of the base, unwrapped. */
  readonly base: number
  missing: number
}

/**
 * Brings lost packets back from repair packets, each the XOR of some packets of one stream: whichever is the last to be missing
 * of them is the XOR of all the others (RFC 5109 §8). What is recovered helps other repair packets in turn.
 */
export class ParityDecoder {
  readonly #ssrc: number
  readonly #mutable: MutableExtensions
  readonly #stats: FecStats
  readonly #unwrapper = new SequenceUnwrapper()
  readonly #numbers: (number | undefined)[] = new Array<number | undefined>(WINDOW).fill(undefined)
  readonly #packets: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(WINDOW).fill(undefined)
  #pending: PendingRepair[] = []

  constructor(ssrc: number, mutable: MutableExtensions, stats: FecStats) {
    this.#ssrc = ssrc
    this.#mutable = mutable
    this.#stats = stats
  }

  /** A packet of the stream, well-formed and as its parity was taken; it is kept. */
  media(sequenceNumber: number, datagram: Uint8Array): RtpPacket[] {
    const number = this.#unwrapper.unwrap(sequenceNumber)
    const recovered: RtpPacket[] = []
    if (this.#isOld(number) || this.#has(number)) return recovered
    this.#keep(number, datagram)
    if (this.#pending.length > 0) this.#arrived(number, recovered)
    return recovered
  }

  repair(repair: Repair): RtpPacket[] {
    const recovered: RtpPacket[] = []
    // Repair packets come among or after what they cover: without a packet before, or far off from all, there is no telling.
    const { highest } = this.#unwrapper
    const base = this.#unwrapper.peek(repair.sequenceNumberBase)
    if (highest === undefined || base > highest + WINDOW || this.#isOld(base + repair.offsets[0]!)) {
      this.#stats.dropped.outOfRange++
      return recovered
    }
    let missing = 0
    for (const offset of repair.offsets) if (!this.#has(base + offset)) missing++
    if (missing === 0) {
      this.#stats.unneeded++
      return recovered
    }
    const pending = { repair, base, missing }
    if (missing === 1) {
      const back = this.#recover(pending, recovered)
      if (back !== undefined) this.#arrived(back, recovered)
      return recovered
    }
    if (this.#pending.length >= MAX_REPAIRS) {
      this.#pending.shift()
      this.#stats.dropped.overflow++
    }
    this.#pending.push(pending)
    return recovered
  }

  #isOld(number: number): boolean {
    const { highest } = this.#unwrapper
    return highest !== undefined && number <= highest - WINDOW
  }

  #has(number: number): boolean {
    return this.#numbers[number & (WINDOW - 1)] === number
  }

  #keep(number: number, datagram: Uint8Array): void {
    this.#numbers[number & (WINDOW - 1)] = number
    this.#packets[number & (WINDOW - 1)] = datagram
  }

  /** Looks which repair packets waited for this one. */
  #arrived(first: number, recovered: RtpPacket[]): void {
    const arrived = [first]
    for (let number = arrived.pop(); number !== undefined; number = arrived.pop()) {
      const ready: PendingRepair[] = []
      const waiting: PendingRepair[] = []
      for (const pending of this.#pending) {
        if (pending.repair.offsets.includes(number - pending.base)) pending.missing--
        if (this.#isOld(pending.base + pending.repair.offsets[0]!)) this.#stats.dropped.outOfRange++
        else if (pending.missing === 0) this.#stats.unneeded++
        else if (pending.missing === 1) ready.push(pending)
        else waiting.push(pending)
      }
      this.#pending = waiting
      for (const pending of ready) {
        const back = this.#recover(pending, recovered)
        if (back !== undefined) arrived.push(back)
      }
    }
  }

  /** The missing packet is the XOR of the repair packet and all others. Returns its number. */
  #recover({ repair, base }: PendingRepair, recovered: RtpPacket[]): number | undefined {
    const out = new Uint8Array(FIXED_HEADER_SIZE + repair.payload.length)
    out.set(repair.payload, FIXED_HEADER_SIZE)
    let { first, second, length, timestamp } = repair
    let lost: number | undefined
    let missing = 0
    for (const offset of repair.offsets) {
      const number = base + offset
      if (!this.#has(number)) {
        lost = number
        missing++
        continue
      }
      const packet = this.#packets[number & (WINDOW - 1)]!
      first ^= packet[0]!
      second ^= packet[1]!
      length ^= packet.length - FIXED_HEADER_SIZE
      timestamp ^= readUint32(packet, 4)
      const end = Math.min(packet.length, out.length)
      for (let i = FIXED_HEADER_SIZE; i < end; i++) out[i]! ^= packet[i]!
      xorMutable(out, packet, this.#mutable)
    }
    if (lost === undefined) {
      this.#stats.unneeded++ // another repair packet was faster
      return undefined
    }
    // One that was recovered just before may have pushed the oldest out.
    if (missing > 1) {
      this.#stats.dropped.outOfRange++
      return undefined
    }
    // More than is protected came from a repair packet that covers the beginnings of its packets only, or is broken.
    if (length > repair.payload.length) {
      this.#stats.dropped.unrecoverable++
      return undefined
    }
    out[0] = 0x80 | (first & 0x3f)
    out[1] = second
    writeUint16(out, 2, lost)
    writeUint32(out, 4, timestamp)
    writeUint32(out, 8, this.#ssrc)
    const datagram = out.subarray(0, FIXED_HEADER_SIZE + length)
    const packet = parseRtp(datagram)
    if (packet === undefined) {
      this.#stats.dropped.unrecoverable++
      return undefined
    }
    this.#keep(this.#unwrapper.unwrap(lost & 0xffff), datagram)
    removeMutable(packet, this.#mutable)
    recovered.push(packet)
    this.#stats.recovered++
    return lost
  }
}
