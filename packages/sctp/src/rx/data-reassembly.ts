import type { DataChunk } from '../packet/data.ts'
import { joinFragments } from './message.ts'
import type { ReassemblySink, ReceivedMessage } from './message.ts'

/** Consecutive fragments of one message. */
interface Run {
  first: number
  last: number
  fragments: Uint8Array[]
  bytes: number
  /** Has the first fragment, has the last fragment. */
  begins: boolean
  ends: boolean
  streamId: number
  messageId: number
  unordered: boolean
  ppid: number
  /** Above the size limit: only its extent is kept. */
  discarded: boolean
}

/**
 * Puts fragments of DATA chunks together. The fragments of a message have consecutive TSNs (RFC 9260 §6.9), so what is known is a
 * set of runs, found by their ends; a fragment joins the run before it and the run behind it. No TSN is looked at twice.
 */
export class DataReassembly {
  private readonly byFirst = new Map<number, Run>()
  private readonly byLast = new Map<number, Run>()
  /** The run that grew last, in neither map: fragments in order touch no map at all. */
  private current: Run | undefined
  private readonly sink: ReassemblySink
  private readonly maxMessageSize: number

  constructor(sink: ReassemblySink, maxMessageSize: number) {
    this.sink = sink
    this.maxMessageSize = maxMessageSize
  }

  /** Takes a fragment of a message of several; returns the message when it completes one. Its bytes are already held. */
  add(seq: number, chunk: DataChunk): ReceivedMessage | undefined {
    let left: Run | undefined
    if (!chunk.beginning) {
      left = this.current?.last === seq - 1 ? this.current : this.byLast.get(seq - 1)
      if (left !== undefined && (left.ends || !sameMessage(left, chunk))) left = undefined
    }
    let right: Run | undefined
    if (!chunk.end) {
      right = this.current?.first === seq + 1 ? this.current : this.byFirst.get(seq + 1)
      if (right !== undefined && (right.begins || !sameMessage(right, chunk))) right = undefined
    }

    if (left !== undefined) this.take(left)
    if (right !== undefined) this.take(right)
    const discarded = left?.discarded === true || right?.discarded === true
    if (discarded) {
      if (left !== undefined) this.discard(left)
      if (right !== undefined) this.discard(right)
      this.sink.release(chunk.payload.length, 1)
    }

    let run: Run
    if (left !== undefined) {
      run = left
      run.last = seq
      run.ends = chunk.end
      if (!discarded) run.fragments.push(chunk.payload)
      if (right !== undefined) {
        run.last = right.last
        run.ends = right.ends
        run.bytes += right.bytes
        for (const fragment of right.fragments) run.fragments.push(fragment)
      }
    } else if (right !== undefined) {
      run = right
      run.first = seq
      run.begins = chunk.beginning
      if (!discarded) run.fragments.unshift(chunk.payload)
    } else {
      run = {
        first: seq,
        last: seq,
        fragments: [chunk.payload],
        bytes: 0,
        begins: chunk.beginning,
        ends: chunk.end,
        streamId: chunk.streamId,
        messageId: chunk.messageId,
        unordered: chunk.unordered,
        ppid: chunk.ppid,
        discarded: false,
      }
    }
    run.bytes += chunk.payload.length
    if (run.bytes > this.maxMessageSize) this.discard(run)

    if (run.begins && run.ends) return this.complete(run)
    if (this.current !== undefined) {
      this.byFirst.set(this.current.first, this.current)
      this.byLast.set(this.current.last, this.current)
    }
    this.current = run
    return undefined
  }

  /** Drops what belongs to TSNs up to `seq`: the peer will not send the rest of it (RFC 3758 §3.6). */
  forward(seq: number): void {
    if (this.current !== undefined && this.current.first <= seq) {
      this.drop(this.current)
      this.current = undefined
    }
    for (const run of this.byFirst.values()) {
      if (run.first > seq) continue
      this.take(run)
      this.drop(run)
    }
  }

  private complete(run: Run): ReceivedMessage {
    return {
      streamId: run.streamId,
      ppid: run.ppid,
      unordered: run.unordered,
      data: run.discarded ? undefined : joinFragments(run.fragments, run.bytes),
      held: run.discarded ? 0 : run.bytes,
      heldChunks: run.discarded ? 0 : run.fragments.length,
    }
  }

  private discard(run: Run): void {
    if (run.discarded) return
    let bytes = 0
    for (const fragment of run.fragments) bytes += fragment.length
    this.sink.release(bytes, run.fragments.length)
    run.fragments = []
    run.discarded = true
  }

  private drop(run: Run): void {
    if (!run.discarded) this.sink.release(run.bytes, run.fragments.length)
  }

  /** Takes a run out of where it is found, to be changed. */
  private take(run: Run): void {
    if (this.current === run) {
      this.current = undefined
      return
    }
    this.byFirst.delete(run.first)
    this.byLast.delete(run.last)
  }
}

function sameMessage(run: Run, chunk: DataChunk): boolean {
  return run.streamId === chunk.streamId && run.unordered === chunk.unordered && run.messageId === chunk.messageId
}
