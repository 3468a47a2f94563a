import type { OutgoingStream } from './outgoing-stream.ts'

/**
 * Weighted fair queueing over the streams that have something to send (RFC 8260 §3.6): each piece advances its stream's tag by
 * bytes / weight, and the stream with the lowest tag is next. Equal tags go round by stream id. A stream that was idle starts at
 * the current virtual time, so it neither saves up credit nor waits.
 */
export class StreamScheduler {
  private readonly heap: OutgoingStream[] = []
  private virtualTime = 0

  get size(): number {
    return this.heap.length
  }

  /** The stream to serve next. */
  peek(): OutgoingStream | undefined {
    return this.heap[0]
  }

  /** The stream has data from now on. */
  activate(stream: OutgoingStream): void {
    if (stream.heapIndex >= 0) return
    stream.startTag = Math.max(stream.startTag, this.virtualTime)
    stream.heapIndex = this.heap.length
    this.heap.push(stream)
    this.up(stream.heapIndex)
  }

  /** The stream has none any more, or may not send. */
  deactivate(stream: OutgoingStream): void {
    const index = stream.heapIndex
    if (index < 0) return
    stream.heapIndex = -1
    const last = this.heap.pop()!
    if (last === stream) return
    this.heap[index] = last
    last.heapIndex = index
    this.up(index)
    this.down(last.heapIndex)
  }

  /** `bytes` of the stream were sent. */
  charge(stream: OutgoingStream, bytes: number): void {
    this.virtualTime = Math.max(this.virtualTime, stream.startTag)
    stream.startTag += bytes / stream.weight
    if (stream.heapIndex >= 0) this.down(stream.heapIndex)
  }

  /** The streams in the order in which `accept` is asked; the first accepted one is returned. Visits the heap as far as needed. */
  find(accept: (stream: OutgoingStream) => boolean): OutgoingStream | undefined {
    let best: OutgoingStream | undefined
    for (const stream of this.heap) {
      if ((best === undefined || before(stream, best)) && accept(stream)) best = stream
    }
    return best
  }

  private up(index: number): void {
    const { heap } = this
    const stream = heap[index]!
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex]!
      if (!before(stream, parent)) break
      heap[index] = parent
      parent.heapIndex = index
      index = parentIndex
    }
    heap[index] = stream
    stream.heapIndex = index
  }

  private down(index: number): void {
    const { heap } = this
    const stream = heap[index]!
    const count = heap.length
    for (;;) {
      let childIndex = index * 2 + 1
      if (childIndex >= count) break
      if (childIndex + 1 < count && before(heap[childIndex + 1]!, heap[childIndex]!)) childIndex++
      const child = heap[childIndex]!
      if (!before(child, stream)) break
      heap[index] = child
      child.heapIndex = index
      index = childIndex
    }
    heap[index] = stream
    stream.heapIndex = index
  }
}

function before(a: OutgoingStream, b: OutgoingStream): boolean {
  return a.startTag < b.startTag || (a.startTag === b.startTag && a.id < b.id)
}
