import { unwrap16, unwrap32 } from '../tsn.ts'
import type { ReassemblySink, ReceivedMessage } from './message.ts'

interface InboundStream {
  /** The next SSN or MID to deliver, unwrapped. */
  next: number
  /** Whole messages whose turn has not come. */
  waiting: Map<number, ReceivedMessage> | undefined
}

/** Delivers ordered messages of each stream in the order of their SSN (RFC 9260 §6.6) or MID (RFC 8260 §2.1). */
export class InboundStreams {
  private readonly streams = new Map<number, InboundStream>()
  private readonly sink: ReassemblySink
  private readonly interleaved: boolean

  constructor(sink: ReassemblySink, interleaved: boolean) {
    this.sink = sink
    this.interleaved = interleaved
  }

  /** Takes a whole ordered message. */
  add(messageId: number, message: ReceivedMessage): void {
    const stream = this.open(message.streamId)
    const id = this.unwrap(messageId, stream.next)
    if (id === stream.next) {
      stream.next++
      this.sink.deliver(message)
      if (stream.waiting !== undefined) this.release(stream)
      return
    }
    // A number that had its turn, or the same one again: the peer is mistaken, and nobody waits for it.
    if (id < stream.next || stream.waiting?.has(id) === true) {
      this.sink.release(message.held, message.heldChunks)
      return
    }
    stream.waiting ??= new Map()
    stream.waiting.set(id, message)
  }

  /** The peer gave up everything up to this SSN or MID: what is whole and older goes out, then what was waiting for it (RFC 3758 §3.6). */
  forward(streamId: number, messageId: number): void {
    const stream = this.open(streamId)
    const id = this.unwrap(messageId, stream.next)
    if (id < stream.next) return
    if (stream.waiting !== undefined) {
      const passed = [...stream.waiting.keys()].filter((key) => key <= id).toSorted((a, b) => a - b)
      for (const key of passed) {
        const message = stream.waiting.get(key)!
        stream.waiting.delete(key)
        this.sink.deliver(message)
      }
    }
    stream.next = id + 1
    if (stream.waiting !== undefined) this.release(stream)
  }

  /** The stream's numbers start anew (RFC 6525 §5.2.2 E3). What still waited can never have its turn. */
  reset(streamId: number): void {
    const stream = this.streams.get(streamId)
    if (stream === undefined) return
    if (stream.waiting !== undefined) {
      for (const message of stream.waiting.values()) this.sink.release(message.held, message.heldChunks)
    }
    this.streams.delete(streamId)
  }

  streamIds(): number[] {
    return [...this.streams.keys()]
  }

  private release(stream: InboundStream): void {
    const waiting = stream.waiting!
    for (;;) {
      const message = waiting.get(stream.next)
      if (message === undefined) break
      waiting.delete(stream.next)
      stream.next++
      this.sink.deliver(message)
    }
    if (waiting.size === 0) stream.waiting = undefined
  }

  private open(streamId: number): InboundStream {
    let stream = this.streams.get(streamId)
    if (stream === undefined) {
      stream = { next: 0, waiting: undefined }
      this.streams.set(streamId, stream)
    }
    return stream
  }

  private unwrap(messageId: number, next: number): number {
    return this.interleaved ? unwrap32(messageId, next) : unwrap16(messageId, next)
  }
}
