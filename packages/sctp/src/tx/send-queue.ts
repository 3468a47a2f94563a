import type { SctpEvent } from '../events.ts'
import type { Ring } from '../ring.ts'
import type { AssociationStats } from '../stats.ts'
import { OutgoingStream } from './outgoing-stream.ts'
import type { QueuedMessage } from './outgoing-stream.ts'
import { StreamScheduler } from './stream-scheduler.ts'

/** A user message with all choices made. */
export interface SendRequest {
  readonly streamId: number
  readonly ppid: number
  readonly data: Uint8Array
  readonly unordered: boolean
  readonly maxRetransmits: number
  readonly expiresAt: number
}

/** What the user gave to `send`, per stream, until it is cut into chunks. */
export class SendQueue {
  /** Bytes in all streams. */
  bufferedAmount = 0
  /** Chunks of several messages may alternate (RFC 8260). Without it a message that has begun is finished first (RFC 9260 §6.9). */
  interleaved = false
  /** Ids below this exist. 65536 until the handshake tells. */
  streamLimit = 65536
  /**
   * With interleaving: bytes of messages that may be under way at once. A receiver can deliver none of them before it is whole, so
   * more than its window would bring both sides to a halt.
   */
  interleavingBudget: number = Infinity
  private readonly streams = new Map<number, OutgoingStream>()
  private readonly scheduler = new StreamScheduler()
  private readonly events: Ring<SctpEvent>
  private readonly stats: AssociationStats
  /** The message that has to be finished before any other; only without interleaving. */
  private begun: QueuedMessage | undefined
  private begunBytes = 0
  /** How often nothing could be sent for want of a window. */
  private waits = 0
  /** Streams whose reset was asked for and whose queue has run empty. */
  private readonly resettable = new Set<OutgoingStream>()

  constructor(events: Ring<SctpEvent>, stats: AssociationStats) {
    this.events = events
    this.stats = stats
  }

  /** The stream, made when it is not there yet. */
  open(id: number): OutgoingStream {
    let stream = this.streams.get(id)
    if (stream === undefined) this.streams.set(id, (stream = new OutgoingStream(id)))
    return stream
  }

  get(id: number): OutgoingStream | undefined {
    return this.streams.get(id)
  }

  /** Streams that were used or set up so far. */
  streamIds(): number[] {
    return [...this.streams.keys()]
  }

  get empty(): boolean {
    return this.bufferedAmount === 0
  }

  add(request: SendRequest): void {
    const stream = this.open(request.streamId)
    stream.queue.push({
      stream,
      ppid: request.ppid,
      data: request.data,
      unordered: request.unordered,
      maxRetransmits: request.maxRetransmits,
      expiresAt: request.expiresAt,
      queuedAt: this.waits,
      messageId: -1,
      offset: 0,
      nextFragment: 0,
      firstSeq: -1,
      lastSeq: -1,
      abandoned: false,
    })
    stream.bufferedAmount += request.data.length
    this.bufferedAmount += request.data.length
    if (stream.reset === 'none') this.scheduler.activate(stream)
  }

  /** The message from which to cut next. Messages that have expired unsent are thrown away on the way (RFC 3758 §3.4). */
  next(now: number): QueuedMessage | undefined {
    for (;;) {
      const stream = this.begun !== undefined ? this.begun.stream : this.choose()
      if (stream === undefined) return undefined
      const message = stream.queue.peek()
      if (message === undefined) {
        this.idle(stream)
        continue
      }
      if (message.offset === 0 && this.expired(message, now)) {
        this.stats.messagesAbandoned++
        this.remove(stream, message)
        continue
      }
      return message
    }
  }

  /**
   * Whether the message is too old to be sent, or sent on. Only what had to wait for a window grows old here: a lifetime of 0 means
   * once and now, not never, however late the caller asks for packets.
   */
  expired(message: QueuedMessage, now: number): boolean {
    return message.expiresAt <= now && message.queuedAt !== this.waits
  }

  /** Nothing can be sent: what is queued by now has had its chance. */
  wait(): void {
    this.waits++
  }

  /** Whether the chunk that `take` would cut now is the last there is to send. */
  isLast(message: QueuedMessage, length: number): boolean {
    return this.bufferedAmount === length && message.offset + length === message.data.length
  }

  /** `length` bytes of the message returned by `next` were cut off; numbers it when it is the first cut. */
  take(message: QueuedMessage, length: number): void {
    const { stream } = message
    if (message.offset === 0) {
      message.messageId =
        this.interleaved && message.unordered
          ? stream.nextUnorderedId++
          : message.unordered
            ? 0
            : stream.nextOrderedId++
      if (length < message.data.length) {
        if (this.interleaved) this.begunBytes += message.data.length
        else this.begun = message
      }
    }
    message.offset += length
    this.scheduler.charge(stream, length)
    if (message.offset === message.data.length) {
      if (message.nextFragment > 0 && this.interleaved) this.begunBytes -= message.data.length
      this.begun = undefined
      stream.queue.shift()
      if (stream.queue.length === 0) this.idle(stream)
      this.stats.messagesSent++
      this.stats.messageBytesSent += message.data.length
    }
    message.nextFragment++
    this.reduce(stream, length)
  }

  /** The rest of a message that is under way is not sent any more. */
  drop(message: QueuedMessage): void {
    const { stream } = message
    if (message.offset === message.data.length || stream.queue.peek() !== message) return
    if (message.offset > 0 && this.interleaved) this.begunBytes -= message.data.length
    if (this.begun === message) this.begun = undefined
    this.remove(stream, message)
  }

  /** Asks for a reset; what is queued goes first. Returns false when one is under way already. */
  requestReset(id: number): boolean {
    const stream = this.open(id)
    if (stream.reset !== 'none') return false
    stream.reset = 'queued'
    if (stream.queue.length === 0) this.resettable.add(stream)
    return true
  }

  /** Streams that can be reset now: asked for, and all of their data has a TSN. They are `requested` from now on. */
  takeResettable(limit: number): number[] {
    const ids: number[] = []
    for (const stream of this.resettable) {
      if (ids.length >= limit) break
      stream.reset = 'requested'
      this.resettable.delete(stream)
      ids.push(stream.id)
    }
    return ids
  }

  get hasResets(): boolean {
    return this.resettable.size > 0
  }

  /** The peer has answered. `performed`: numbers start anew, with the TSN `numberedFrom`. */
  finishReset(ids: readonly number[], performed: boolean, numberedFrom: number): void {
    for (const id of ids) {
      const stream = this.streams.get(id)
      if (stream === undefined || stream.reset !== 'requested') continue
      stream.reset = 'none'
      if (performed) {
        stream.numberedFrom = numberedFrom
        stream.nextOrderedId = 0
        stream.nextUnorderedId = 0
      }
      if (stream.queue.length > 0) this.scheduler.activate(stream)
    }
  }

  /** Puts a message back before all others of its stream, as if nothing of it had been cut off yet. */
  restore(message: QueuedMessage): void {
    const { stream } = message
    if (message.offset === message.data.length) {
      stream.queue.unshift(message)
      this.stats.messagesSent--
      this.stats.messageBytesSent -= message.data.length
    }
    stream.bufferedAmount += message.offset
    this.bufferedAmount += message.offset
    message.messageId = -1
    message.offset = 0
    message.nextFragment = 0
    message.firstSeq = -1
    message.lastSeq = -1
    this.resettable.delete(stream)
    this.scheduler.activate(stream)
  }

  /** All numbers start anew, and no message has begun. */
  renumber(): void {
    for (const stream of this.streams.values()) {
      stream.numberedFrom = 0
      stream.nextOrderedId = 0
      stream.nextUnorderedId = 0
    }
    this.begun = undefined
    this.begunBytes = 0
  }

  /** The handshake has told how many streams there are: what was queued on others goes nowhere. */
  limitStreams(limit: number): void {
    this.streamLimit = limit
    for (const stream of this.streams.values()) {
      if (stream.id >= limit) this.empties(stream)
    }
  }

  /** Forgets everything but weights and thresholds: the peer has started anew. */
  clear(): void {
    for (const stream of this.streams.values()) {
      this.empties(stream)
      stream.reset = 'none'
    }
    this.resettable.clear()
    this.renumber()
  }

  /** There is nobody to send to any more. The amounts stay: what was not sent was not sent (W3C WebRTC, bufferedAmount). */
  end(): void {
    for (const stream of this.streams.values()) {
      stream.queue.clear()
      this.scheduler.deactivate(stream)
    }
    this.resettable.clear()
    this.begun = undefined
  }

  private choose(): OutgoingStream | undefined {
    const first = this.scheduler.peek()
    if (first === undefined || this.mayBegin(first)) return first
    return this.scheduler.find((stream) => this.mayBegin(stream))
  }

  private mayBegin(stream: OutgoingStream): boolean {
    if (!this.interleaved || this.begunBytes === 0) return true
    const message = stream.queue.peek()
    return (
      message === undefined ||
      message.offset > 0 ||
      message.data.length <= 1024 ||
      this.begunBytes + message.data.length <= this.interleavingBudget
    )
  }

  private remove(stream: OutgoingStream, message: QueuedMessage): void {
    stream.queue.shift()
    if (stream.queue.length === 0) this.idle(stream)
    this.reduce(stream, message.data.length - message.offset)
  }

  private empties(stream: OutgoingStream): void {
    stream.queue.clear()
    this.idle(stream)
    this.bufferedAmount -= stream.bufferedAmount
    stream.bufferedAmount = 0
  }

  private idle(stream: OutgoingStream): void {
    this.scheduler.deactivate(stream)
    if (stream.reset === 'queued') this.resettable.add(stream)
  }

  private reduce(stream: OutgoingStream, bytes: number): void {
    if (bytes === 0) return
    const above = stream.bufferedAmount > stream.lowThreshold
    stream.bufferedAmount -= bytes
    this.bufferedAmount -= bytes
    if (above && stream.bufferedAmount <= stream.lowThreshold) {
      this.events.push({ type: 'buffered-amount-low', streamId: stream.id })
    }
  }
}
