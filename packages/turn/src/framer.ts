import { isStunMessage } from '@kaon/stun'
import { CHANNEL_HEADER, isChannelByte } from './channel-data.ts'

/** STUN's header says its length in the first four bytes, as ChannelData does. */
const LONGEST_STUN = 20 + 0xfffc
/** Where the magic cookie ends. */
const COOKIE_END = 8

/** STUN by its first bits and not by its cookie: the hello of TLS begins like that, and need not be waited out. */
function isForeign(bytes: Uint8Array, offset: number): boolean {
  if (bytes[offset]! >= 0x40) return false
  const cookie = bytes[offset + 4] === 0x21 && bytes[offset + 5] === 0x12
  return !cookie || bytes[offset + 6] !== 0xa4 || bytes[offset + 7] !== 0x42
}

/**
 * Cuts a byte stream (TCP, TLS) into STUN and ChannelData messages (RFC 8656 §3.1, §12.5). Messages that lie whole in one chunk are views
 * of it. Nothing is cut before `pop` asks, so that the stream may become something else behind any message (RFC 6062 §4.3); `failed`
 * when it is no sequence of such messages, whereupon the connection can only be closed.
 */
export class TurnFramer {
  /** Bytes of the longest message taken; may change at any time. */
  maxLength: number
  #chunks: Uint8Array[] = []
  #offset = 0
  #partial: Uint8Array | undefined
  #filled = 0
  #failed = false

  /** `maxLength` bytes. Default: as long as messages may be. */
  constructor(options?: { maxLength?: number }) {
    this.maxLength = options?.maxLength ?? LONGEST_STUN
  }

  get failed(): boolean {
    return this.#failed
  }

  /** Takes the next bytes of the stream, which change owner. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0 && !this.#failed) this.#chunks.push(chunk)
  }

  /** The next whole message, ChannelData with its padding, if there is one. */
  pop(): Uint8Array | undefined {
    while (this.#chunks.length > 0) {
      const chunk = this.#chunks[0]!
      if (this.#partial === undefined) {
        const left = chunk.length - this.#offset
        const total = left < CHANNEL_HEADER ? CHANNEL_HEADER : this.#total(chunk, this.#offset)
        if (total === 0) return undefined
        if (left >= total) {
          const frame = chunk.subarray(this.#offset, this.#offset + total)
          this.#advance(total)
          return this.#sound(frame)
        }
        this.#partial = new Uint8Array(total)
        this.#filled = 0
      }
      if (!this.#fill(chunk)) {
        if (this.#filled >= COOKIE_END && isForeign(this.#partial, 0)) this.#fail()
        continue
      }
      if (this.#filled === CHANNEL_HEADER) {
        const total = this.#total(this.#partial, 0)
        if (total === 0) return undefined
        if (total > CHANNEL_HEADER) {
          const header = this.#partial
          this.#partial = new Uint8Array(total)
          this.#partial.set(header)
          continue
        }
      }
      const frame = this.#partial
      this.#partial = undefined
      return this.#sound(frame)
    }
    return undefined
  }

  /** What has come and was not popped: the stream goes on as something else. */
  takeRest(): Uint8Array {
    const parts = this.#partial === undefined ? [] : [this.#partial.subarray(0, this.#filled)]
    this.#chunks.forEach((chunk, index) => parts.push(index === 0 ? chunk.subarray(this.#offset) : chunk))
    this.#drop()
    const rest = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      rest.set(part, at)
      at += part.length
    }
    return rest
  }

  /** Moves bytes of the first chunk into the unfinished message; true when it is full. */
  #fill(chunk: Uint8Array): boolean {
    const partial = this.#partial!
    const count = Math.min(partial.length - this.#filled, chunk.length - this.#offset)
    partial.set(chunk.subarray(this.#offset, this.#offset + count), this.#filled)
    this.#filled += count
    this.#advance(count)
    return this.#filled === partial.length
  }

  #advance(count: number): void {
    this.#offset += count
    if (this.#offset < this.#chunks[0]!.length) return
    this.#chunks.shift()
    this.#offset = 0
  }

  /** The length of the message that begins at `bytes[offset]`, padding included; 0 when there can be none. */
  #total(bytes: Uint8Array, offset: number): number {
    const first = bytes[offset]!
    const length = (bytes[offset + 2]! << 8) | bytes[offset + 3]!
    let total = 0
    if (first < 0x40 && (length & 3) === 0) total = 20 + length
    else if (isChannelByte(first)) total = CHANNEL_HEADER + ((length + 3) & ~3)
    if (total === 0 || total > this.maxLength) return this.#fail()
    if (bytes.length - offset >= COOKIE_END && isForeign(bytes, offset)) return this.#fail()
    return total
  }

  #sound(frame: Uint8Array): Uint8Array | undefined {
    if (frame[0]! >= 0x40 || isStunMessage(frame)) return frame
    this.#fail()
    return undefined
  }

  #fail(): 0 {
    this.#failed = true
    this.#drop()
    return 0
  }

  #drop(): void {
    this.#chunks = []
    this.#offset = 0
    this.#partial = undefined
  }
}
