import { messageLength } from './message.ts'
import { HEADER_LENGTH } from './numbers.ts'

/**
 * Cuts a byte stream (TCP, TLS) into STUN messages by the length in their header (RFC 8489 §6.2.2). Messages that lie whole in
 * one chunk are views of it. It holds at most one unfinished message; `failed` when the stream is no sequence of STUN messages,
 * whereupon the connection can only be closed.
 */
export class StunFramer {
  readonly #maxLength: number
  #ready: Uint8Array[] = []
  #taken = 0
  #partial: Uint8Array | undefined
  #filled = 0
  #failed = false

  /** `maxMessageLength`: bytes of the longest message taken, header included. Default 65,552, the longest there is. */
  constructor(options?: { maxMessageLength?: number }) {
    this.#maxLength = options?.maxMessageLength ?? HEADER_LENGTH + 0xfffc
  }

  get failed(): boolean {
    return this.#failed
  }

  /** Takes the next bytes of the stream, which change owner. */
  push(chunk: Uint8Array): void {
    let offset = 0
    while (offset < chunk.length && !this.#failed) {
      if (this.#partial !== undefined) {
        offset = this.#fill(this.#partial, chunk, offset)
        continue
      }
      const left = chunk.length - offset
      if (left < HEADER_LENGTH) {
        this.#partial = new Uint8Array(HEADER_LENGTH)
        continue
      }
      const length = this.#length(chunk, offset)
      if (length === 0) return
      if (length > left) {
        this.#partial = new Uint8Array(length)
      } else {
        this.#ready.push(chunk.subarray(offset, offset + length))
        offset += length
      }
    }
  }

  /** The next whole message, if there is one. */
  pop(): Uint8Array | undefined {
    if (this.#taken === this.#ready.length) return undefined
    const message = this.#ready[this.#taken++]
    if (this.#taken === this.#ready.length) {
      this.#ready = []
      this.#taken = 0
    }
    return message
  }

  #fill(partial: Uint8Array, chunk: Uint8Array, offset: number): number {
    const end = Math.min(chunk.length, offset + partial.length - this.#filled)
    partial.set(chunk.subarray(offset, end), this.#filled)
    this.#filled += end - offset
    if (this.#filled < partial.length) return end
    // A header alone is complete in 20 bytes, then its message, which may be no longer than that.
    if (partial.length === HEADER_LENGTH) {
      const length = this.#length(partial, 0)
      if (length === 0) return end
      if (length > HEADER_LENGTH) {
        this.#partial = new Uint8Array(length)
        this.#partial.set(partial)
        return end
      }
    }
    this.#ready.push(partial)
    this.#partial = undefined
    this.#filled = 0
    return end
  }

  #length(bytes: Uint8Array, offset: number): number {
    const length = messageLength(bytes, offset)
    if (length === undefined || length > this.#maxLength) {
      this.#failed = true
      this.#partial = undefined
      return 0
    }
    return length
  }
}
