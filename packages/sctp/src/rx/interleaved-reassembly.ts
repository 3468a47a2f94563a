import type { DataChunk } from '../packet/data.ts'
import { unwrap32 } from '../tsn.ts'
import { joinFragments } from './message.ts'
import type { ReassemblySink, ReceivedMessage } from './message.ts'

/** A message of which some fragments are here. */
interface Partial {
  /** Fragments 0 to n − 1, without a hole. */
  readonly fragments: Uint8Array[]
  /** Fragments behind a hole, by number. */
  ahead: Map<number, Uint8Array> | undefined
  bytes: number
  held: number
  heldChunks: number
  /** Fragments that there are in all; -1 before the last one was seen. */
  total: number
  ppid: number
  discarded: boolean
  /** Fragments seen, for messages that are discarded. */
  seen: number
}

/**
 * Puts fragments of I-DATA chunks together: stream, U flag and MID name the message, the fragment sequence number the place in it
 * (RFC 8260 §2.1). Fragments of different messages may alternate.
 */
export class InterleavedReassembly {
  /** By stream and order, then by unwrapped MID. */
  private readonly streams = new Map<number, Map<number, Partial>>()
  private readonly sink: ReassemblySink
  private readonly maxMessageSize: number

  constructor(sink: ReassemblySink, maxMessageSize: number) {
    this.sink = sink
    this.maxMessageSize = maxMessageSize
  }

  /** Takes a fragment; returns the message when it completes one. Its bytes are already held. */
  add(chunk: DataChunk): ReceivedMessage | undefined {
    const key = chunk.streamId * 2 + (chunk.unordered ? 1 : 0)
    let partials = this.streams.get(key)
    if (partials === undefined) this.streams.set(key, (partials = new Map()))
    let partial = partials.get(chunk.messageId)
    if (partial === undefined) {
      partial = {
        fragments: [],
        ahead: undefined,
        bytes: 0,
        held: 0,
        heldChunks: 0,
        total: -1,
        ppid: 0,
        discarded: false,
        seen: 0,
      }
      partials.set(chunk.messageId, partial)
    }

    const { fragment, payload } = chunk
    if (
      fragment < partial.fragments.length ||
      partial.ahead?.has(fragment) === true ||
      (partial.total >= 0 && fragment >= partial.total)
    ) {
      // The same place twice under two TSNs, or behind the end: nothing a sane peer does.
      this.sink.release(payload.length, 1)
      return undefined
    }
    if (chunk.beginning) partial.ppid = chunk.ppid
    if (chunk.end) partial.total = fragment + 1
    partial.seen++
    partial.bytes += payload.length
    if (partial.discarded) {
      this.sink.release(payload.length, 1)
    } else {
      partial.held += payload.length
      partial.heldChunks++
      if (fragment === partial.fragments.length) {
        partial.fragments.push(payload)
        this.closeHole(partial)
      } else {
        partial.ahead ??= new Map()
        partial.ahead.set(fragment, payload)
      }
      if (partial.bytes > this.maxMessageSize) this.discard(partial)
    }

    const whole = partial.discarded
      ? partial.total >= 0 && partial.seen >= partial.total
      : partial.fragments.length === partial.total && partial.ahead === undefined
    if (!whole) return undefined
    partials.delete(chunk.messageId)
    if (partials.size === 0) this.streams.delete(key)
    return {
      streamId: chunk.streamId,
      ppid: partial.ppid,
      unordered: chunk.unordered,
      data: partial.discarded ? undefined : joinFragments(partial.fragments, partial.bytes),
      held: partial.held,
      heldChunks: partial.heldChunks,
    }
  }

  /** Drops the fragments of messages up to `mid` of a stream (RFC 8260 §2.3.1). */
  forward(streamId: number, unordered: boolean, mid: number): void {
    const key = streamId * 2 + (unordered ? 1 : 0)
    const partials = this.streams.get(key)
    if (partials === undefined) return
    for (const [id, partial] of partials) {
      if (unwrap32(id, mid) > mid) continue
      this.sink.release(partial.held, partial.heldChunks)
      partials.delete(id)
    }
    if (partials.size === 0) this.streams.delete(key)
  }

  /** Drops what is left of a stream that starts anew. */
  reset(streamId: number): void {
    for (const key of [streamId * 2, streamId * 2 + 1]) {
      const partials = this.streams.get(key)
      if (partials === undefined) continue
      for (const partial of partials.values()) this.sink.release(partial.held, partial.heldChunks)
      this.streams.delete(key)
    }
  }

  /** Streams of which fragments are here. */
  streamIds(): number[] {
    return [...this.streams.keys()].map((key) => key >>> 1)
  }

  private closeHole(partial: Partial): void {
    const ahead = partial.ahead
    if (ahead === undefined) return
    for (;;) {
      const next = ahead.get(partial.fragments.length)
      if (next === undefined) break
      ahead.delete(partial.fragments.length)
      partial.fragments.push(next)
    }
    if (ahead.size === 0) partial.ahead = undefined
  }

  /** Gives the bytes back. What is left of the message still counts as one piece, as it still costs memory. */
  private discard(partial: Partial): void {
    this.sink.release(partial.held, partial.heldChunks - 1)
    partial.discarded = true
    partial.held = 0
    partial.heldChunks = 1
    partial.fragments.length = 0
    partial.ahead = undefined
  }
}
