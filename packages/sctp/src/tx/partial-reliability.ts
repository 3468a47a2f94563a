import { FLAG_END } from '../packet/data.ts'
import { encodeForwardTsn, encodeIForwardTsn } from '../packet/forward-tsn.ts'
import type { SkippedMessage } from '../packet/forward-tsn.ts'
import type { AssociationStats } from '../stats.ts'
import type { QueuedMessage } from './outgoing-stream.ts'
import type { OutstandingData } from './outstanding-data.ts'
import type { SendQueue } from './send-queue.ts'
import { ABANDONED } from './tx-chunk.ts'
import type { TxChunk } from './tx-chunk.ts'

/** Bytes of a FORWARD-TSN or I-FORWARD-TSN that skips no stream. */
const HEAD_SIZE = 8

/** Gives messages up by age or number of transmissions, and has the peer skip them (RFC 3758 §3.5, RFC 8260 §2.3). */
export class PartialReliability {
  /** A FORWARD-TSN is owed. */
  pending = false
  private readonly data: OutstandingData
  private readonly queue: SendQueue
  private readonly stats: AssociationStats
  private readonly interleaved: boolean
  /** The peer can skip messages. */
  private readonly enabled: boolean
  /** Bytes of a chunk's header. */
  private readonly headerSize: number
  /** Advanced.Peer.Ack.Point. */
  private point = -1
  private sentAt = -Infinity

  constructor(
    data: OutstandingData,
    queue: SendQueue,
    stats: AssociationStats,
    options: { readonly interleaved: boolean; readonly enabled: boolean; readonly headerSize: number },
  ) {
    this.data = data
    this.queue = queue
    this.stats = stats
    this.interleaved = options.interleaved
    this.enabled = options.enabled
    this.headerSize = options.headerSize
  }

  /** The peer has not yet acknowledged all that it is to skip. */
  get outstanding(): boolean {
    return this.point > this.data.cumulative
  }

  /** Whether a lost chunk is not sent again but given up. */
  givesUp(chunk: TxChunk, now: number): boolean {
    if (!this.enabled) return false
    const message = chunk.message!
    return message.expiresAt <= now || chunk.transmissions > message.maxRetransmits
  }

  /** Gives up what is next to be sent again and may not be. */
  prune(now: number): void {
    if (!this.enabled) return
    const { data } = this
    for (let chunk = data.peekLost(); chunk !== undefined && this.givesUp(chunk, now); chunk = data.peekLost()) {
      this.giveUp(chunk.message!)
    }
    this.advance()
  }

  /** Whether a message that was sent in part is not sent on. */
  tooOld(message: QueuedMessage, now: number): boolean {
    return this.enabled && message.offset > 0 && this.queue.expired(message, now)
  }

  /**
   * The message to cut next. Those that became too old half sent are given up here, before a packet is begun: while one is being
   * filled it would be too late for their FORWARD-TSN.
   */
  nextMessage(now: number): QueuedMessage | undefined {
    for (;;) {
      const message = this.queue.next(now)
      if (message === undefined || !this.tooOld(message, now)) return message
      this.giveUp(message)
      this.advance()
    }
  }

  giveUp(message: QueuedMessage): void {
    if (message.abandoned) return
    message.abandoned = true
    this.stats.messagesAbandoned++
    if (message.offset < message.data.length) {
      // The peer may hold, acknowledged, all fragments so far. It drops them only for a TSN to come that it is told to skip.
      const { data, headerSize } = this
      const placeholder = data.insert(message, message.offset, 0, headerSize, FLAG_END, message.nextFragment)
      placeholder.state = ABANDONED
      this.queue.drop(message)
    }
    this.data.abandon(message)
  }

  /** Moves the point over what was given up (C2). */
  advance(): void {
    const { data } = this
    if (this.point < data.cumulative) this.point = data.cumulative
    while (data.get(this.point + 1)?.state === ABANDONED) {
      this.point++
      this.pending = true
    }
    if (this.point === data.cumulative) this.pending = false
  }

  /** A SACK has not moved far enough: once more, once a round trip. */
  onSack(now: number, roundTripTime: number): void {
    if (this.outstanding && now - this.sentAt >= roundTripTime) this.pending = true
  }

  /** T3-rtx ran out (C5). */
  onTimeout(): void {
    this.pending = this.outstanding
  }

  /** The FORWARD-TSN or I-FORWARD-TSN that is owed, of at most `room` bytes. */
  take(room: number, now: number): Uint8Array | undefined {
    if (!this.pending) return undefined
    const { data } = this
    // Not even its head has room beside a long SACK: the next packet takes it.
    if (room < HEAD_SIZE) return undefined
    const limit = Math.floor((room - HEAD_SIZE) / (this.interleaved ? 8 : 4))
    const skipped = new Map<number, SkippedMessage>()
    let point = data.cumulative
    for (let seq = data.cumulative + 1; seq <= this.point; seq++) {
      const { stream, unordered, messageId } = data.get(seq)!.message!
      // A FORWARD-TSN names ordered messages only. What the peer has reset since has other numbers now.
      if ((this.interleaved || !unordered) && seq >= stream.numberedFrom) {
        const key = stream.id * 2 + (unordered ? 1 : 0)
        if (!skipped.has(key) && skipped.size >= limit) break
        skipped.set(key, { streamId: stream.id, unordered, messageId })
      }
      point = seq
    }
    if (point === data.cumulative) return undefined
    this.pending = false
    this.sentAt = now
    const chunk = { newCumulativeTsn: data.tsn(point), skipped: [...skipped.values()] }
    return this.interleaved ? encodeIForwardTsn(chunk) : encodeForwardTsn(chunk)
  }
}
