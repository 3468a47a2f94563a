import type { DataChunk } from '../packet/data.ts'
import type { ReassemblySink, ReceivedMessage } from './message.ts'

/** Fragments are chained rather than kept in arrays: runs of any length join in constant time, in whatever order they come. */
interface Piece {
  readonly bytes: Uint8Array
  next: Piece | undefined
}

/** Consecutive fragments of one message. */
interface Run {
  first: number
  last: number
  head: Piece | undefined
  tail: Piece | undefined
  bytes: number
  /** What the receive window counts: the pieces, or one for a run that is discarded. */
  heldChunks: number
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
    const run = left === undefined ? begin(seq, chunk) : this.append(left, seq, chunk)
    if (right !== undefined) this.join(run, right)
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
      data: run.discarded ? undefined : joined(run),
      held: run.discarded ? 0 : run.bytes,
      heldChunks: run.heldChunks,
    }
  }

  private append(run: Run, seq: number, chunk: DataChunk): Run {
    const { payload } = chunk
    run.last = seq
    run.ends = chunk.end
    run.bytes += payload.length
    if (run.discarded) {
      this.sink.release(payload.length, 1)
    } else {
      const piece = { bytes: payload, next: undefined }
      run.tail!.next = piece
      run.tail = piece
      run.heldChunks++
    }
    return run
  }

  /** `right` continues `run`. */
  private join(run: Run, right: Run): void {
    if (right.discarded) this.discard(run)
    else if (run.discarded) this.discard(right)
    if (run.discarded) {
      this.sink.release(0, 1)
    } else {
      run.tail!.next = right.head
      run.tail = right.tail
      run.heldChunks += right.heldChunks
    }
    run.last = right.last
    run.ends = right.ends
    run.bytes += right.bytes
  }

  /** Gives the bytes back. What is left of the run still counts as one piece, as it still costs memory. */
  private discard(run: Run): void {
    if (run.discarded) return
    this.sink.release(run.bytes, run.heldChunks - 1)
    run.heldChunks = 1
    run.head = undefined
    run.tail = undefined
    run.discarded = true
  }

  private drop(run: Run): void {
    this.sink.release(run.discarded ? 0 : run.bytes, run.heldChunks)
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

function begin(seq: number, chunk: DataChunk): Run {
  const piece = { bytes: chunk.payload, next: undefined }
  return {
    first: seq,
    last: seq,
    head: piece,
    tail: piece,
    bytes: chunk.payload.length,
    heldChunks: 1,
    begins: chunk.beginning,
    ends: chunk.end,
    streamId: chunk.streamId,
    messageId: chunk.messageId,
    unordered: chunk.unordered,
    ppid: chunk.ppid,
    discarded: false,
  }
}

function joined(run: Run): Uint8Array {
  const data = new Uint8Array(run.bytes)
  let offset = 0
  for (let piece = run.head; piece !== undefined; piece = piece.next) {
    data.set(piece.bytes, offset)
    offset += piece.bytes.length
  }
  return data
}

function sameMessage(run: Run, chunk: DataChunk): boolean {
  return run.streamId === chunk.streamId && run.unordered === chunk.unordered && run.messageId === chunk.messageId
}
