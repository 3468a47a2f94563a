/** Bytes that can be read anywhere: a file, an array, a range of an HTTP resource. */
export interface ByteSource {
  /** bytes */
  readonly size: number
  /** Up to `length` bytes from `position` on, fewer only at the end. The caller owns them. */
  read(position: number, length: number): Promise<Uint8Array>
  /** Idempotent. */
  close(): Promise<void>
}

export class MemorySource implements ByteSource {
  readonly size: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.size = bytes.length
  }

  // A copy, since who receives a frame may change it, and the same file may be read again.
  async read(position: number, length: number): Promise<Uint8Array> {
    return this.#bytes.slice(position, position + length)
  }

  async close(): Promise<void> {}
}

const CHUNK = 64 * 1024

/** Reads a source from front to back. What it hands out are views of chunks that nobody else sees. */
export class ByteReader {
  /** Of the next byte. */
  position: number
  readonly #source: ByteSource
  #chunk: Uint8Array = new Uint8Array(0)
  #chunkStart = 0

  constructor(source: ByteSource, position = 0) {
    this.#source = source
    this.position = position
  }

  get remaining(): number {
    return this.#source.size - this.position
  }

  /** The next `length` bytes without passing them; undefined when there are fewer. */
  async peek(length: number): Promise<Uint8Array | undefined> {
    if (length > this.remaining) return undefined
    const { position } = this
    const end = this.#chunkStart + this.#chunk.length
    if (position < this.#chunkStart || position + length > end) {
      this.#chunk = await this.#source.read(position, Math.max(length, CHUNK))
      this.#chunkStart = position
      if (this.#chunk.length < length) return undefined // the file became shorter
    }
    const offset = position - this.#chunkStart
    return this.#chunk.subarray(offset, offset + length)
  }

  /** Up to `length` bytes without passing them, fewer at the end. */
  async readAhead(length: number): Promise<Uint8Array> {
    return (await this.peek(Math.min(length, this.remaining))) ?? new Uint8Array(0)
  }

  async read(length: number): Promise<Uint8Array | undefined> {
    const bytes = await this.peek(length)
    if (bytes !== undefined) this.position += length
    return bytes
  }

  /** The next bytes, at most `length`; an empty array at the end. */
  async readSome(length: number): Promise<Uint8Array> {
    return (await this.read(Math.min(length, this.remaining))) ?? new Uint8Array(0)
  }
}
