// RFC 4571 §2, as RFC 6544 §10 uses it: each packet in a stream has its length before it, 16 bits.

/** Bytes of the slab that frames are cut from. */
const SLAB = 65_536

/** Puts packets into frames. */
export class FrameWriter {
  #slab = new Uint8Array(0)
  #used = 0

  /** A view with the packet's bytes copied into it; undefined for what no frame can hold (more than 65,535 bytes). */
  write(packet: Uint8Array): Uint8Array | undefined {
    const { length } = packet
    if (length > 0xffff) return undefined
    const total = length + 2
    if (this.#used + total > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB, total))
      this.#used = 0
    }
    const frame = this.#slab.subarray(this.#used, this.#used + total)
    this.#used += total
    frame[0] = length >>> 8
    frame[1] = length & 0xff
    frame.set(packet, 2)
    return frame
  }
}

/** Cuts a stream into packets. What lies whole in one chunk is a view of it; empty frames are passed over. */
export class FrameReader {
  /** Bytes of the longest packet taken; may change at any time. */
  maxLength: number
  #chunks: Uint8Array[] = []
  #offset = 0
  #available = 0
  #failed = false

  constructor(maxLength = 0xffff) {
    this.maxLength = maxLength
  }

  /** A packet was longer than it may be: the stream can only be closed. */
  get failed(): boolean {
    return this.#failed
  }

  /** Takes the next bytes of the stream, which change owner. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#failed) return
    this.#chunks.push(chunk)
    this.#available += chunk.length
  }

  /** The next whole packet, if there is one. */
  pop(): Uint8Array | undefined {
    while (this.#available >= 2) {
      const length = (this.#at(0) << 8) | this.#at(1)
      if (length > this.maxLength) {
        this.#failed = true
        this.#chunks = []
        this.#available = 0
        return undefined
      }
      if (this.#available < length + 2) return undefined
      this.#skip(2)
      if (length > 0) return this.#take(length)
    }
    return undefined
  }

  #at(index: number): number {
    let position = this.#offset + index
    for (const chunk of this.#chunks) {
      if (position < chunk.length) return chunk[position]!
      position -= chunk.length
    }
    return 0
  }

  #take(length: number): Uint8Array {
    const first = this.#chunks[0]!
    if (first.length - this.#offset >= length) {
      const view = first.subarray(this.#offset, this.#offset + length)
      this.#skip(length)
      return view
    }
    const packet = new Uint8Array(length)
    for (let filled = 0; filled < length;) {
      const chunk = this.#chunks[0]!
      const part = chunk.subarray(this.#offset, Math.min(chunk.length, this.#offset + length - filled))
      packet.set(part, filled)
      filled += part.length
      this.#skip(part.length)
    }
    return packet
  }

  #skip(count: number): void {
    this.#available -= count
    this.#offset += count
    let done = 0
    while (done < this.#chunks.length && this.#offset >= this.#chunks[done]!.length) {
      this.#offset -= this.#chunks[done++]!.length
    }
    if (done > 0) this.#chunks.splice(0, done)
  }
}
