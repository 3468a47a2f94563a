/** What was written and is not acknowledged yet, addressed by sequence number. */
export class SendBuffer {
  /** Sequence number of the first byte. */
  start: number
  /** Sequence number after the last byte. */
  end: number
  readonly #chunks: { at: number; data: Uint8Array }[] = []
  /** Chunks before this one are acknowledged. */
  #first = 0

  constructor(start: number) {
    this.start = start
    this.end = start
  }

  /** Takes ownership. */
  push(data: Uint8Array): void {
    if (data.length === 0) return
    this.#chunks.push({ at: this.end, data })
    this.end += data.length
  }

  /** A copy of up to `length` bytes from `sequence` on. */
  read(sequence: number, length: number): Uint8Array {
    const size = Math.max(0, Math.min(length, this.end - sequence))
    const out = new Uint8Array(size)
    let index = this.#find(sequence)
    for (let done = 0; done < size; index++) {
      const { at, data } = this.#chunks[index]!
      const from = sequence + done - at
      const part = data.subarray(from, Math.min(data.length, from + size - done))
      out.set(part, done)
      done += part.length
    }
    return out
  }

  /** Forgets what lies before `sequence`. */
  acknowledge(sequence: number): void {
    this.start = Math.min(sequence, this.end)
    const chunks = this.#chunks
    while (this.#first < chunks.length) {
      const { at, data } = chunks[this.#first]!
      if (at + data.length > this.start) break
      chunks[this.#first++] = NOTHING
    }
    if (this.#first > 64 && this.#first * 2 > chunks.length) {
      chunks.splice(0, this.#first)
      this.#first = 0
    }
  }

  /** Forgets what lies from `sequence` on. */
  truncate(sequence: number): void {
    if (sequence >= this.end) return
    this.end = Math.max(sequence, this.start)
    const chunks = this.#chunks
    while (chunks.length > this.#first && chunks.at(-1)!.at >= this.end) chunks.pop()
    if (chunks.length === this.#first) return
    const { at, data } = chunks.at(-1)!
    chunks[chunks.length - 1] = { at, data: data.subarray(0, this.end - at) }
  }

  /** The chunk that holds `sequence`. */
  #find(sequence: number): number {
    let low = this.#first
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#chunks[middle]!.at <= sequence) low = middle
      else high = middle - 1
    }
    return low
  }
}

const NOTHING = { at: 0, data: new Uint8Array(0) }
