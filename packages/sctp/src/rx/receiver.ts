import type { SctpEvent } from '../events.ts'
import type { DataChunk } from '../packet/data.ts'
import type { ForwardTsnChunk, SkippedMessage } from '../packet/forward-tsn.ts'
import type { Ring } from '../ring.ts'
import type { AssociationStats } from '../stats.ts'
import { distance16, distance32 } from '../tsn.ts'
import { DataReassembly } from './data-reassembly.ts'
import { DataTracker } from './data-tracker.ts'
import { InboundStreams } from './inbound-streams.ts'
import { InterleavedReassembly } from './interleaved-reassembly.ts'
import type { ReassemblySink, ReceivedMessage } from './message.ts'
import type { ReceiveWindow } from './receive-window.ts'

export interface ReceiverOptions {
  readonly initialTsn: number
  readonly interleaved: boolean
  readonly inboundStreams: number
  readonly maxMessageSize: number
  readonly window: ReceiveWindow
  readonly events: Ring<SctpEvent>
  readonly stats: AssociationStats
}

/** What became of a DATA chunk, for whoever has to answer it. */
export type DataVerdict = 'taken' | 'refused' | 'invalid-stream' | 'exhausted'

/** A reset of the peer's that waits for data which it covers (RFC 6525 §5.2.2 E2). */
interface DeferredReset {
  lastAssigned: number
  /** Undefined: all. */
  streamIds: Set<number> | undefined
  requested: readonly number[]
  /** Chunks of the streams as they will be afterwards. */
  readonly chunks: { seq: number; chunk: DataChunk }[]
}

/** The receiving half of an association: from DATA chunks to messages in the event queue. */
export class Receiver implements ReassemblySink {
  readonly tracker: DataTracker
  readonly window: ReceiveWindow
  /** Bytes of messages that wait in the event queue. */
  queued = 0
  private queuedMessages = 0
  private readonly interleaved: boolean
  private readonly inboundStreams: number
  private readonly maxMessageSize: number
  private readonly events: Ring<SctpEvent>
  private readonly stats: AssociationStats
  private readonly fragments: DataReassembly
  private readonly partials: InterleavedReassembly
  private readonly streams: InboundStreams
  private deferred: DeferredReset | undefined

  constructor(options: ReceiverOptions) {
    this.interleaved = options.interleaved
    this.inboundStreams = options.inboundStreams
    this.maxMessageSize = options.maxMessageSize
    this.window = options.window
    this.events = options.events
    this.stats = options.stats
    this.tracker = new DataTracker(options.initialTsn)
    this.fragments = new DataReassembly(this, options.maxMessageSize)
    this.partials = new InterleavedReassembly(this, options.maxMessageSize)
    this.streams = new InboundStreams(this, options.interleaved)
  }

  /** After a restart of the peer: messages of before that the user has not taken yet count on. */
  inherit(previous: Receiver): void {
    this.queued = previous.queued
    this.queuedMessages = previous.queuedMessages
    this.window.held += previous.queued
    this.window.heldChunks += previous.queuedMessages
  }

  /** Takes a DATA or I-DATA chunk with payload. `packetLength` is the size of the datagram that the payload is a view of. */
  onData(chunk: DataChunk, packetLength: number): DataVerdict {
    const { tracker, window } = this
    const seq = tracker.unwrap(chunk.tsn)
    if (tracker.isDuplicate(seq)) {
      tracker.addDuplicate(chunk.tsn)
      this.stats.duplicateChunksReceived++
      return 'refused'
    }
    if (!tracker.accepts(seq)) {
      this.stats.dropped.limit++
      tracker.addRefused()
      return 'refused'
    }
    const size = chunk.payload.length
    const inOrder = seq === tracker.cumulative + 1
    while (!window.admits(size, false) && window.makeRoom(this.queued, size));
    if (!window.admits(size, inOrder)) {
      this.stats.dropped.window++
      tracker.addRefused()
      // Next in order, and nothing that the user could take to make room: this will never resolve.
      return inOrder && this.queuedMessages === 0 ? 'exhausted' : 'refused'
    }
    this.stats.dataChunksReceived++
    tracker.add(seq, chunk.immediate)
    // RFC 9260 §6.5: acknowledged, reported, and thrown away.
    if (chunk.streamId >= this.inboundStreams) {
      this.stats.dropped.streamId++
      return 'invalid-stream'
    }
    // A small piece that is going to wait shall not keep its whole datagram in memory.
    const waits = !(chunk.beginning && chunk.end) || tracker.hasGaps
    if (waits && size * 2 < packetLength) chunk.payload = chunk.payload.slice()
    window.hold(size)
    const deferred = this.deferred
    if (deferred !== undefined && seq > deferred.lastAssigned && deferred.streamIds?.has(chunk.streamId) !== false) {
      deferred.chunks.push({ seq, chunk })
    } else {
      this.process(seq, chunk)
    }
    return 'taken'
  }

  /** Takes a FORWARD-TSN or I-FORWARD-TSN (RFC 3758 §3.6, RFC 8260 §2.3.1). */
  onForwardTsn(chunk: ForwardTsnChunk): void {
    const seq = this.tracker.unwrap(chunk.newCumulativeTsn)
    if (!this.tracker.forward(seq)) return
    if (!this.interleaved) this.fragments.forward(seq)
    for (const { streamId, unordered, messageId } of this.latest(chunk.skipped)) {
      if (this.interleaved) this.partials.forward(streamId, unordered, messageId)
      if (!unordered) this.streams.forward(streamId, messageId)
    }
  }

  /**
   * Resets at once when all data before it is here; else returns false and waits for it. An empty list means all streams. Not to be
   * called while another one waits.
   */
  resetStreams(lastAssignedTsn: number, streamIds: readonly number[]): boolean {
    this.deferred = {
      lastAssigned: this.tracker.unwrap(lastAssignedTsn),
      streamIds: streamIds.length === 0 ? undefined : new Set(streamIds),
      requested: streamIds,
      chunks: [],
    }
    return this.finishDeferredReset()
  }

  get resetDeferred(): boolean {
    return this.deferred !== undefined
  }

  /** Performs a deferred reset whose data is complete. Returns whether it did. */
  finishDeferredReset(): boolean {
    if (this.deferred === undefined || this.deferred.lastAssigned > this.tracker.cumulative) return false
    this.finishReset()
    return true
  }

  deliver(message: ReceivedMessage): void {
    const { streamId, ppid, unordered, data } = message
    if (message.heldChunks > 1) this.window.release(0, message.heldChunks - 1)
    this.queuedMessages++
    if (data === undefined) {
      this.stats.messagesDiscarded++
      this.events.push({ type: 'message-discarded', streamId, ppid })
      return
    }
    this.queued += data.length
    this.stats.messagesReceived++
    this.stats.messageBytesReceived += data.length
    this.events.push({ type: 'message', streamId, ppid, data, unordered })
  }

  release(bytes: number, chunks: number): void {
    this.window.release(bytes, chunks)
  }

  /** The user has taken a message from the event queue, or the news that one was discarded, of 0 bytes. */
  onTaken(bytes: number): void {
    this.queued -= bytes
    this.queuedMessages--
    this.window.take(bytes)
  }

  /**
   * The last message of each stream that a FORWARD-TSN skips. Each costs a look at all that waits in its stream, so none is looked at
   * twice, however often the peer names it.
   */
  private latest(skipped: readonly SkippedMessage[]): Iterable<SkippedMessage> {
    if (skipped.length < 2) return skipped.filter(({ streamId }) => streamId < this.inboundStreams)
    const byStream = new Map<number, SkippedMessage>()
    for (const message of skipped) {
      const { streamId, unordered, messageId } = message
      if (streamId >= this.inboundStreams) continue
      const key = streamId * 2 + (unordered ? 1 : 0)
      const known = byStream.get(key)?.messageId ?? messageId
      const distance = this.interleaved ? distance32(messageId, known) : distance16(messageId, known)
      if (distance >= 0) byStream.set(key, message)
    }
    return byStream.values()
  }

  private process(seq: number, chunk: DataChunk): void {
    let message: ReceivedMessage | undefined
    if (chunk.beginning && chunk.end) {
      const { streamId, ppid, unordered, payload } = chunk
      message = { streamId, ppid, unordered, data: payload, held: payload.length, heldChunks: 1 }
      if (payload.length > this.maxMessageSize) {
        this.release(payload.length, 0)
        message = { streamId, ppid, unordered, data: undefined, held: 0, heldChunks: 1 }
      }
    } else {
      message = this.interleaved ? this.partials.add(chunk) : this.fragments.add(seq, chunk)
      if (message === undefined) return
    }
    if (message.unordered) this.deliver(message)
    else this.streams.add(chunk.messageId, message)
  }

  private finishReset(): void {
    const { streamIds, requested, chunks } = this.deferred!
    this.deferred = undefined
    for (const id of streamIds ?? new Set([...this.streams.streamIds(), ...this.partials.streamIds()])) {
      this.streams.reset(id)
      this.partials.reset(id)
    }
    this.events.push({ type: 'incoming-reset', streamIds: requested, all: streamIds === undefined })
    for (const { seq, chunk } of chunks) this.process(seq, chunk)
  }
}
