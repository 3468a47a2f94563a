/** Where a file is written to. */
export interface ByteSink {
  /** `write` also takes positions below the end: headers are completed when the file is finished. Otherwise every write continues the last. */
  readonly seekable: boolean
  /** The sink owns `data`. Calls do not overlap. */
  write(data: Uint8Array, position: number): Promise<void>
  /** Once, after the last write. */
  close(): Promise<void>
}

/** A file in memory. */
export class MemorySink implements ByteSink {
  readonly seekable: boolean
  #buffer: Uint8Array = new Uint8Array(4096)
  #length = 0

  constructor(options: { seekable?: boolean } = {}) {
    this.seekable = options.seekable ?? true
  }

  /** What was written until now: a view, valid until the next write. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    const end = position + data.length
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, this.#buffer.length * 2))
      larger.set(this.bytes)
      this.#buffer = larger
    }
    this.#buffer.set(data, position)
    if (end > this.#length) this.#length = end
  }

  async close(): Promise<void> {}
}

/** Knows where the end is. */
export class SinkWriter {
  position = 0
  readonly sink: ByteSink

  constructor(sink: ByteSink) {
    this.sink = sink
  }

  async append(data: Uint8Array): Promise<void> {
    const { position } = this
    this.position += data.length
    await this.sink.write(data, position)
  }

  /** Overwrites, where the sink can. */
  async patch(data: Uint8Array, position: number): Promise<void> {
    if (this.sink.seekable) await this.sink.write(data, position)
  }
}
