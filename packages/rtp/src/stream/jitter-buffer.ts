import type { RtpPacket } from '../packet/rtp-packet.ts'
import { SequenceUnwrapper } from '../packet/sequence.ts'

export interface JitterBufferOptions {
  /** Most packets from the first to the last, a power of two. Default 2048. */
  readonly maxPackets?: number
  /** Most bytes of payload. Default 8 MiB. */
  readonly maxBytes?: number
  /** How many packets may still come that are older than the first. Default 0. */
  readonly lead?: number
}

/** `full` when the packet lies too far ahead or has too many bytes: the reader has to give something up first. */
export type Insertion = 'inserted' | 'duplicate' | 'late' | 'full'

const FIRST_CAPACITY = 32

/**
 * Puts packets into their order. It holds what lies from `next` on, by sequence numbers that do not wrap; whoever reads it decides how long to wait
 * for what is missing and then moves `next`.
 */
export class JitterBuffer {
  /** The first packet that has not been consumed. */
  next = 0
  /** Held packets. */
  length = 0
  /** Their bytes of payload. */
  bytes = 0
  readonly #maxPackets: number
  readonly #maxBytes: number
  readonly #lead: number
  #unwrapper = new SequenceUnwrapper()
  #packets: (RtpPacket | undefined)[] = new Array<RtpPacket | undefined>(FIRST_CAPACITY).fill(undefined)
  #receivedAt = new Float64Array(FIRST_CAPACITY)

  constructor(options: JitterBufferOptions = {}) {
    this.#maxPackets = options.maxPackets ?? 2048
    this.#maxBytes = options.maxBytes ?? 8 * 1024 * 1024
    this.#lead = options.lead ?? 0
  }

  /** The newest sequence number so far, −Infinity before the first. */
  get highest(): number {
    return this.#unwrapper.highest ?? -Infinity
  }

  /** The packet's number on the axis of this buffer. */
  sequenceOf(packet: RtpPacket): number {
    return this.#unwrapper.peek(packet.sequenceNumber)
  }

  insert(packet: RtpPacket, now: number): Insertion {
    const sequence = this.#unwrapper.peek(packet.sequenceNumber)
    if (this.#unwrapper.highest === undefined) this.next = sequence - this.#lead
    if (sequence < this.next) return 'late'
    if (sequence - this.next >= this.#maxPackets || this.bytes + packet.payload.length > this.#maxBytes) return 'full'
    while (sequence - this.next >= this.#packets.length) this.#grow()
    const slot = sequence & (this.#packets.length - 1)
    if (this.#packets[slot] !== undefined) return 'duplicate'
    this.#unwrapper.unwrap(packet.sequenceNumber)
    this.#packets[slot] = packet
    this.#receivedAt[slot] = now
    this.length++
    this.bytes += packet.payload.length
    return 'inserted'
  }

  /** The packet with that number, undefined while it is missing. */
  at(sequence: number): RtpPacket | undefined {
    if (sequence < this.next || sequence - this.next >= this.#packets.length) return undefined
    return this.#packets[sequence & (this.#packets.length - 1)]
  }

  /** When the packet with that number came; only good for one that is held. */
  receivedAt(sequence: number): number {
    return this.#receivedAt[sequence & (this.#packets.length - 1)]!
  }

  /** When the first of those behind `sequence` came, so since when it is missed; Infinity when it is not. */
  missedSince(sequence: number): number {
    let since = Infinity
    let left = this.length
    for (let i = this.highest; i > sequence && left > 0; i--) {
      if (this.at(i) === undefined) continue
      since = Math.min(since, this.receivedAt(i))
      left--
    }
    return since
  }

  /** Forgets what lies before `sequence`, the new `next`. Returns how many packets that were. */
  consume(sequence: number): number {
    const before = this.length
    const end = Math.min(sequence, this.next + this.#packets.length)
    for (let i = this.next; i < end && this.length > 0; i++) {
      const slot = i & (this.#packets.length - 1)
      const packet = this.#packets[slot]
      if (packet === undefined) continue
      this.bytes -= packet.payload.length
      this.length--
      this.#packets[slot] = undefined
    }
    if (sequence > this.next) this.next = sequence
    return before - this.length
  }

  /** The source began anew: everything held is forgotten, and the next packet is the first. Returns how many packets that were. */
  reset(): number {
    const { length } = this
    this.#packets.fill(undefined)
    this.#unwrapper = new SequenceUnwrapper()
    this.length = 0
    this.bytes = 0
    return length
  }

  #grow(): void {
    const [packets, receivedAt, mask] = [this.#packets, this.#receivedAt, this.#packets.length - 1]
    const capacity = packets.length * 2
    this.#packets = new Array<RtpPacket | undefined>(capacity).fill(undefined)
    this.#receivedAt = new Float64Array(capacity)
    for (let i = this.next; i < this.next + packets.length; i++) {
      this.#packets[i & (capacity - 1)] = packets[i & mask]
      this.#receivedAt[i & (capacity - 1)] = receivedAt[i & mask]!
    }
  }
}
