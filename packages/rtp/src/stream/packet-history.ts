import type { RtpPacket } from '../packet/rtp-packet.ts'

export interface PacketHistoryOptions {
  /** Most packets kept, a power of two. Default 2048. */
  readonly maxPackets?: number
  /** How long a packet can be asked for again, ms. Default 1000. */
  readonly maxAge?: number
}

const FIRST_CAPACITY = 64

/**
 * The packets sent last, by sequence number, for those who ask for them again. A ring that begins small and grows only while
 * what it would overwrite is still young.
 */
export class PacketHistory {
  readonly #maxPackets: number
  readonly #maxAge: number
  #packets: (RtpPacket | undefined)[]
  #sentAt: Float64Array
  /** When it was sent again last; −Infinity for never. */
  #resentAt: Float64Array

  constructor(options: PacketHistoryOptions = {}) {
    this.#maxPackets = 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(32_768, options.maxPackets ?? 2048))))
    this.#maxAge = options.maxAge ?? 1000
    const capacity = Math.min(FIRST_CAPACITY, this.#maxPackets)
    this.#packets = new Array<RtpPacket | undefined>(capacity).fill(undefined)
    this.#sentAt = new Float64Array(capacity)
    this.#resentAt = new Float64Array(capacity)
  }

  /** Slots at present. */
  get capacity(): number {
    return this.#packets.length
  }

  put(packet: RtpPacket, now: number): void {
    let slot = packet.sequenceNumber & (this.#packets.length - 1)
    while (
      this.#packets[slot] !== undefined &&
      this.#packets[slot]!.sequenceNumber !== packet.sequenceNumber &&
      now - this.#sentAt[slot]! <= this.#maxAge &&
      this.#packets.length < this.#maxPackets
    ) {
      this.#grow()
      slot = packet.sequenceNumber & (this.#packets.length - 1)
    }
    this.#packets[slot] = packet
    this.#sentAt[slot] = now
    this.#resentAt[slot] = -Infinity
  }

  /** The packet, if it is known and not too old. */
  get(sequenceNumber: number, now: number): RtpPacket | undefined {
    const slot = sequenceNumber & (this.#packets.length - 1)
    const packet = this.#packets[slot]
    if (packet === undefined || packet.sequenceNumber !== sequenceNumber) return undefined
    return now - this.#sentAt[slot]! <= this.#maxAge ? packet : undefined
  }

  /** Whether the packet, which is known, may be sent again; from then on not before `interval` ms have passed. */
  markResent(sequenceNumber: number, now: number, interval: number): boolean {
    const slot = sequenceNumber & (this.#packets.length - 1)
    if (now - this.#resentAt[slot]! < interval) return false
    this.#resentAt[slot] = now
    return true
  }

  clear(): void {
    this.#packets.fill(undefined)
  }

  #grow(): void {
    const [packets, sentAt, resentAt] = [this.#packets, this.#sentAt, this.#resentAt]
    const capacity = packets.length * 2
    this.#packets = new Array<RtpPacket | undefined>(capacity).fill(undefined)
    this.#sentAt = new Float64Array(capacity)
    this.#resentAt = new Float64Array(capacity)
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i]
      if (packet === undefined) continue
      const slot = packet.sequenceNumber & (capacity - 1)
      this.#packets[slot] = packet
      this.#sentAt[slot] = sentAt[i]!
      this.#resentAt[slot] = resentAt[i]!
    }
  }
}
