import { writeUint16, writeUint32 } from '../bytes.ts'
import { SACK_HEADER_SIZE, writeSackHeader } from '../packet/sack.ts'
import type { PacketWriter } from '../packet/writer.ts'
import { TsnRanges } from '../tsn-ranges.ts'
import { unwrap32 } from '../tsn.ts'

/** A gap ack block cannot say more (RFC 9260 §3.3.4). */
const MAX_OFFSET = 65535
/** Holes that are kept track of; a packet has room for about 290 blocks. */
const MAX_RANGES = 2048
/** Duplicates that one SACK reports. */
const MAX_DUPLICATES = 16

/** Which TSNs have arrived, and when and how to say so (RFC 9260 §6.2). Sequence numbers are unwrapped: 0 is the peer's initial TSN. */
export class DataTracker {
  /** Everything up to and including this has arrived or was given up. */
  cumulative = -1
  /** When a delayed SACK is due, absolute ms. */
  sackDeadline: number = Infinity
  /** A SACK is owed at once. */
  sackNow = false
  /** Data arrived since the last SACK, so one may ride along with outgoing data. */
  sackPending = false
  private readonly initialTsn: number
  private readonly ranges = new TsnRanges()
  private duplicates: number[] = []
  private packetsSinceSack = 0
  private first = true
  private packetHadNew = false
  private packetHadDuplicate = false
  private packetImmediate = false

  constructor(initialTsn: number) {
    this.initialTsn = initialTsn
  }

  get cumulativeTsn(): number {
    return (this.initialTsn + this.cumulative) >>> 0
  }

  /** Chunks beyond a hole. */
  get hasGaps(): boolean {
    return this.ranges.length > 0
  }

  unwrap(tsn: number): number {
    return unwrap32(tsn - this.initialTsn, this.cumulative)
  }

  isDuplicate(seq: number): boolean {
    return seq <= this.cumulative || (this.ranges.length > 0 && this.ranges.has(seq))
  }

  /** Whether a new chunk this far ahead can be kept track of. */
  accepts(seq: number): boolean {
    if (seq > this.cumulative + MAX_OFFSET) return false
    return this.ranges.length < MAX_RANGES || seq === this.cumulative + 1 || this.ranges.has(seq - 1)
  }

  addDuplicate(tsn: number): void {
    if (this.duplicates.length < MAX_DUPLICATES) this.duplicates.push(tsn)
    this.packetHadDuplicate = true
  }

  /** A chunk could not be taken: the peer is to learn at once how things are (RFC 9260 §6.2). */
  addRefused(): void {
    this.packetHadNew = true
    this.packetImmediate = true
  }

  /** Notes that a new chunk has arrived. */
  add(seq: number, immediate: boolean): void {
    this.packetHadNew = true
    if (immediate) this.packetImmediate = true
    if (seq === this.cumulative + 1) {
      this.cumulative = seq
      if (this.ranges.length > 0) {
        // What filled a hole is worth telling at once (RFC 5681 §4.2).
        this.packetImmediate = true
        this.advance()
      }
    } else {
      this.ranges.add(seq, seq)
    }
  }

  /** The peer gave up everything up to `seq` (RFC 3758 §3.6). Returns false when that is old. */
  forward(seq: number): boolean {
    this.packetHadNew = true
    if (seq <= this.cumulative) {
      // A SACK was probably lost.
      this.packetImmediate = true
      return false
    }
    this.cumulative = seq
    this.ranges.removeThrough(seq)
    this.advance()
    return true
  }

  /** At the end of each packet that carried data: decides when to acknowledge. `delay` in ms. */
  endPacket(now: number, delay: number): void {
    if (!this.packetHadNew && !this.packetHadDuplicate) return
    this.sackPending = true
    this.packetsSinceSack++
    // RFC 9260 §6.2: at once for the first data, for a packet of nothing but duplicates, while there is a hole, when asked to
    // (RFC 7053), and at least for every second packet.
    if (
      this.first ||
      !this.packetHadNew ||
      this.packetImmediate ||
      this.ranges.length > 0 ||
      this.packetsSinceSack >= 2
    ) {
      this.sackNow = true
    } else if (this.sackDeadline === Infinity) {
      this.sackDeadline = now + delay
    }
    this.first = false
    this.packetHadNew = false
    this.packetHadDuplicate = false
    this.packetImmediate = false
  }

  onTime(now: number): void {
    if (now >= this.sackDeadline) {
      this.sackDeadline = Infinity
      this.sackNow = true
    }
  }

  /** Writes a SACK into the packet, as many blocks as fit into `room` bytes. Returns false when not even its head does. */
  writeSack(packet: PacketWriter, room: number, receiverWindow: number): boolean {
    if (room < SACK_HEADER_SIZE) return false
    const { starts, ends } = this.ranges
    const fit = (room - SACK_HEADER_SIZE) >>> 2
    const duplicateCount = Math.min(this.duplicates.length, fit >>> 1)
    const blockCount = Math.min(starts.length, fit - duplicateCount)
    const { bytes, offset } = packet
    writeSackHeader(bytes, offset, this.cumulativeTsn, receiverWindow, blockCount, duplicateCount)
    let at = offset + SACK_HEADER_SIZE
    for (let i = 0; i < blockCount; i++) {
      writeUint16(bytes, at, starts[i]! - this.cumulative)
      writeUint16(bytes, at + 2, ends[i]! - this.cumulative)
      at += 4
    }
    for (let i = 0; i < duplicateCount; i++) {
      writeUint32(bytes, at, this.duplicates[i]!)
      at += 4
    }
    packet.offset = at
    if (this.duplicates.length > 0) this.duplicates = []
    this.packetsSinceSack = 0
    this.sackNow = false
    this.sackPending = false
    this.sackDeadline = Infinity
    return true
  }

  private advance(): void {
    const { starts, ends } = this.ranges
    if (starts.length === 0) return
    const first = starts[0]!
    if (first !== this.cumulative + 1) return
    this.cumulative = ends[0]!
    this.ranges.removeThrough(this.cumulative)
  }
}
