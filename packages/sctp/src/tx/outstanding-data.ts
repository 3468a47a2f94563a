import { readUint16 } from '../bytes.ts'
import type { SackView } from '../packet/sack.ts'
import { Ring } from '../ring.ts'
import { TsnRanges } from '../tsn-ranges.ts'
import { unwrap32 } from '../tsn.ts'
import type { QueuedMessage } from './outgoing-stream.ts'
import { ABANDONED, ACKED, FREE, IN_FLIGHT, LOST, TxChunk } from './tx-chunk.ts'

/** Chunks that may be outstanding. Less than half of the SSN space, so that even one message per chunk keeps its order. */
export const MAX_OUTSTANDING = 32767

/** What one SACK has told. The object is reused. */
export interface AckResult {
  /** Bytes acknowledged for the first time, as on the wire. */
  ackedBytes: number
  /** The cumulative TSN ack point moved. */
  advanced: boolean
  /** The newest packet of which something was acknowledged for the first time; -1: nothing was. */
  newestPacket: number
  newestSentAt: number
  newestRetransmitted: boolean
  /** When the newest chunk that was sent only once, and not lost, had been sent; -1: there was none. For the round-trip time (Karn). */
  sampleSentAt: number
  /** Lowest chunk acknowledged that had been sent only once; for the detection of reordering. */
  lowestOriginal: number
  /** Chunks acknowledged that were taken for lost. */
  spurious: number
}

/**
 * Chunks with a TSN that were not acknowledged cumulatively, in a ring indexed by TSN. Chunks in flight are also linked in the
 * order of sending. A SACK costs what it newly acknowledges, a loss what is lost: nothing walks the whole flight.
 */
export class OutstandingData {
  /** Unwrapped TSNs: the cumulative ack point, and the next to assign. */
  cumulative = -1
  next = 0
  /** Bytes in flight as on the wire, and of user data alone. */
  inFlight = 0
  inFlightPayload = 0
  /** Oldest and newest packet with a chunk in flight. */
  oldest: TxChunk | undefined
  newest: TxChunk | undefined
  readonly result: AckResult = {
    ackedBytes: 0,
    advanced: false,
    newestPacket: -1,
    newestSentAt: 0,
    newestRetransmitted: false,
    sampleSentAt: -1,
    lowestOriginal: Infinity,
    spurious: 0,
  }
  /** Unwrapped TSNs found lost, each once, oldest first; those whose chunk is not `LOST` any more are skipped. */
  private readonly lost = new Ring<number>()
  private readonly acked = new TsnRanges()
  private readonly initialTsn: number
  private readonly slots: TxChunk[] = []
  private mask = -1

  constructor(initialTsn: number) {
    this.initialTsn = initialTsn
  }

  tsn(seq: number): number {
    return (this.initialTsn + seq) >>> 0
  }

  get full(): boolean {
    return this.next - this.cumulative > MAX_OUTSTANDING
  }

  get empty(): boolean {
    return this.next === this.cumulative + 1
  }

  get(seq: number): TxChunk | undefined {
    return seq > this.cumulative && seq < this.next ? this.slots[seq & this.mask] : undefined
  }

  /** Gives the next TSN to a piece of a message. It is in flight once `sent` says so. */
  insert(
    message: QueuedMessage,
    offset: number,
    length: number,
    size: number,
    flags: number,
    fragment: number,
  ): TxChunk {
    const seq = this.next
    if (seq - this.cumulative > this.mask) this.grow()
    this.next++
    const chunk = this.slots[seq & this.mask]!
    chunk.seq = seq
    chunk.state = LOST
    chunk.message = message
    chunk.offset = offset
    chunk.length = length
    chunk.size = size
    chunk.flags = flags
    chunk.fragment = fragment
    chunk.transmissions = 0
    chunk.queued = false
    if (message.firstSeq < 0) message.firstSeq = seq
    message.lastSeq = seq
    return chunk
  }

  /** The chunk goes out, or out again, in packet `packetNumber`. */
  sent(chunk: TxChunk, packetNumber: number, now: number): void {
    chunk.state = IN_FLIGHT
    chunk.transmissions++
    chunk.packetNumber = packetNumber
    chunk.sentAt = now
    this.inFlight += chunk.size
    this.inFlightPayload += chunk.length
    const { newest } = this
    chunk.previous = newest
    chunk.next = undefined
    if (newest === undefined) this.oldest = chunk
    else newest.next = chunk
    this.newest = chunk
  }

  /** The next lost chunk to send again, without taking it. */
  peekLost(): TxChunk | undefined {
    for (;;) {
      const seq = this.lost.peek()
      if (seq === undefined) return undefined
      const chunk = this.get(seq)
      if (chunk !== undefined && chunk.state === LOST) return chunk
      this.takeLost()
    }
  }

  takeLost(): void {
    const chunk = this.get(this.lost.shift()!)
    if (chunk !== undefined) chunk.queued = false
  }

  markLost(chunk: TxChunk): void {
    this.land(chunk)
    this.lose(chunk)
  }

  /** A peer that acknowledges and takes back in turn has the same chunk lost again and again. */
  private lose(chunk: TxChunk): void {
    chunk.state = LOST
    if (chunk.queued) return
    chunk.queued = true
    this.lost.push(chunk.seq)
  }

  /** After a timeout everything in flight counts as lost (RFC 9260 §6.3.3 E3), and goes out in the order of TSNs. */
  markAllLost(): void {
    while (this.oldest !== undefined) {
      const chunk = this.oldest
      this.land(chunk)
      chunk.state = LOST
    }
    this.lost.clear()
    for (let seq = this.cumulative + 1; seq < this.next; seq++) {
      const chunk = this.slots[seq & this.mask]!
      chunk.queued = false
      if (chunk.state === LOST) this.lose(chunk)
    }
  }

  /** Every chunk of the message is given up. */
  abandon(message: QueuedMessage): void {
    for (let seq = Math.max(message.firstSeq, this.cumulative + 1); seq <= message.lastSeq; seq++) {
      const chunk = this.slots[seq & this.mask]!
      if (chunk.message !== message) continue
      if (chunk.state === IN_FLIGHT) this.land(chunk)
      chunk.state = ABANDONED
    }
  }

  /** The messages of which there are chunks, the last one first. */
  forEachMessageBackwards(visit: (message: QueuedMessage) => void): void {
    for (let seq = this.next - 1; seq > this.cumulative; seq--) {
      const { message } = this.slots[seq & this.mask]!
      if (message!.firstSeq === seq && !message!.abandoned) visit(message!)
    }
  }

  /** Whether the SACK speaks of nothing but what was sent. */
  plausible(sack: SackView): boolean {
    const cumulative = this.unwrap(sack.cumulativeTsnAck)
    if (cumulative >= this.next) return false
    for (let i = 0; i < sack.blockCount; i++) {
      const start = readUint16(sack.packet, sack.blocks + 4 * i)
      const end = readUint16(sack.packet, sack.blocks + 4 * i + 2)
      // The TSN right behind the cumulative one cannot be in a block.
      if (start < 2 || end < start || cumulative + end >= this.next) return false
    }
    return true
  }

  /** The highest TSN that was acknowledged in any way. */
  get highestAcked(): number {
    const { ends } = this.acked
    return ends.length > 0 ? ends[ends.length - 1]! : this.cumulative
  }

  unwrap(tsn: number): number {
    return unwrap32(tsn - this.initialTsn, this.cumulative)
  }

  /** Takes what a plausible SACK acknowledges (RFC 9260 §6.2.1). */
  acknowledge(sack: SackView): AckResult {
    const { result } = this
    result.ackedBytes = 0
    result.newestPacket = -1
    result.sampleSentAt = -1
    result.lowestOriginal = Infinity
    result.spurious = 0
    const cumulative = this.unwrap(sack.cumulativeTsnAck)
    result.advanced = cumulative > this.cumulative
    this.advance(cumulative)
    for (let i = 0; i < sack.blockCount; i++) {
      const at = sack.blocks + 4 * i
      this.acknowledgeBlock(cumulative + readUint16(sack.packet, at), cumulative + readUint16(sack.packet, at + 2))
    }
    // RFC 9260 §6.2.1: the peer may take gap acks back. If it had kept this one, its cumulative ack would have passed it.
    if (this.acked.length > 0 && this.acked.starts[0] === cumulative + 1) this.renege()
    return result
  }

  /** The cumulative ack of a SHUTDOWN (RFC 9260 §9.2). */
  acknowledgeCumulative(tsn: number): AckResult | undefined {
    const cumulative = this.unwrap(tsn)
    if (cumulative >= this.next || cumulative < this.cumulative) return undefined
    const { result } = this
    result.ackedBytes = 0
    result.newestPacket = -1
    result.sampleSentAt = -1
    result.lowestOriginal = Infinity
    result.spurious = 0
    result.advanced = cumulative > this.cumulative
    this.advance(cumulative)
    return result
  }

  private advance(cumulative: number): void {
    while (this.cumulative < cumulative) {
      this.cumulative++
      const chunk = this.slots[this.cumulative & this.mask]!
      if (chunk.state === IN_FLIGHT || chunk.state === LOST) this.land(chunk, true)
      chunk.state = FREE
      chunk.message = undefined
    }
    if (this.acked.length > 0) this.acked.removeThrough(cumulative)
  }

  private acknowledgeBlock(first: number, last: number): void {
    const { acked } = this
    const { starts, ends } = acked
    let i = acked.find(first)
    if (i < starts.length && starts[i]! <= first && ends[i]! >= last) return
    let from = first
    for (; i < starts.length && starts[i]! <= last; i++) {
      this.acknowledgeChunks(from, starts[i]! - 1)
      from = ends[i]! + 1
    }
    this.acknowledgeChunks(from, last)
    acked.add(first, last)
  }

  private acknowledgeChunks(first: number, last: number): void {
    for (let seq = first; seq <= last; seq++) {
      const chunk = this.slots[seq & this.mask]!
      if (chunk.state !== IN_FLIGHT && chunk.state !== LOST) continue
      this.land(chunk, true)
      chunk.state = ACKED
    }
  }

  /** Out of the flight. With `acknowledged` the result learns of it. */
  private land(chunk: TxChunk, acknowledged: boolean = false): void {
    if (acknowledged) {
      const { result } = this
      result.ackedBytes += chunk.size
      if (chunk.state === LOST && chunk.transmissions > 0) result.spurious++
      const original = chunk.transmissions === 1
      if (chunk.packetNumber > result.newestPacket) {
        result.newestPacket = chunk.packetNumber
        result.newestSentAt = chunk.sentAt
        result.newestRetransmitted = !original
      }
      if (original) {
        // What a timeout took for lost may have been told of long ago, by a SACK that was lost: a sample of it would feed on itself.
        if (chunk.state === IN_FLIGHT && chunk.sentAt > result.sampleSentAt) result.sampleSentAt = chunk.sentAt
        if (chunk.seq < result.lowestOriginal) result.lowestOriginal = chunk.seq
      }
    }
    if (chunk.state !== IN_FLIGHT) return
    this.inFlight -= chunk.size
    this.inFlightPayload -= chunk.length
    const { previous, next } = chunk
    if (previous === undefined) this.oldest = next
    else previous.next = next
    if (next === undefined) this.newest = previous
    else next.previous = previous
    chunk.previous = undefined
    chunk.next = undefined
  }

  private renege(): void {
    const first = this.acked.starts[0]!
    const last = this.acked.ends[0]!
    this.acked.removeThrough(last)
    for (let seq = first; seq <= last; seq++) {
      const chunk = this.slots[seq & this.mask]!
      if (chunk.state === ACKED) this.lose(chunk)
    }
  }

  private grow(): void {
    const capacity = this.mask < 0 ? 32 : (this.mask + 1) * 2
    const { slots } = this
    while (slots.length < capacity) slots.push(new TxChunk())
    const mask = capacity - 1
    // The objects in use move to their new places by exchange, so every place keeps an object of its own.
    for (let seq = this.cumulative + 1; seq < this.next; seq++) {
      const from = seq & this.mask
      const to = seq & mask
      if (from === to) continue
      const chunk = slots[from]!
      slots[from] = slots[to]!
      slots[to] = chunk
    }
    this.mask = mask
  }
}
