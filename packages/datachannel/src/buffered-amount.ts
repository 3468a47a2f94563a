/**
 * The application's share of what an association has queued on one stream. The association counts everything it was
 * given: DCEP messages and the byte that stands for an empty message too, which `RTCDataChannel.bufferedAmount` must
 * not show (W3C WebRTC §6.2). A stream sends in the order it was given, so it is enough to remember where in the
 * stream of bytes that overhead lies.
 */
export class BufferedAmount {
  /** The application's `bufferedAmountLowThreshold`, bytes. */
  threshold = 0
  /** Bytes given to the association so far. */
  #submitted = 0
  /** Pairs of start and end on the axis of `#submitted`; those before `#head` are sent. */
  #overhead: number[] = []
  #head = 0
  /** Bytes of overhead in the pairs from `#head` on. */
  #overheadBytes = 0

  addData(bytes: number): void {
    this.#submitted += bytes
  }

  addOverhead(bytes: number): void {
    this.#overhead.push(this.#submitted, this.#submitted + bytes)
    this.#submitted += bytes
    this.#overheadBytes += bytes
  }

  /** False: all that waits is the application's. */
  get hasOverhead(): boolean {
    return this.#overhead.length > 0
  }

  /** Bytes of overhead among the last `pending` bytes that the association was given. */
  overhead(pending: number): number {
    const sent = this.#submitted - pending
    const list = this.#overhead
    while (this.#head < list.length && list[this.#head + 1]! <= sent) {
      this.#overheadBytes -= list[this.#head + 1]! - list[this.#head]!
      this.#head += 2
    }
    if (this.#head === list.length) {
      list.length = 0
      this.#head = 0
      return 0
    }
    if (this.#head > 1024 && this.#head * 2 > list.length) {
      list.splice(0, this.#head)
      this.#head = 0
    }
    const partlySent = sent - list[this.#head]!
    return this.#overheadBytes - (partlySent > 0 ? partlySent : 0)
  }

  /** Bytes of the application's data that wait, when the association has `pending` bytes of the stream queued. */
  amount(pending: number): number {
    return pending === 0 && this.#overhead.length === 0 ? 0 : Math.max(0, pending - this.overhead(pending))
  }
}
