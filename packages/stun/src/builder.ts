import type { Attribute } from './attribute.ts'
import { writeUint32 } from './attribute.ts'
import { crc32 } from './crc32.ts'
import { StunError } from './error.ts'
import type { IntegrityKey } from './integrity.ts'
import {
  FINGERPRINT,
  HEADER_LENGTH,
  MAGIC_COOKIE,
  MESSAGE_INTEGRITY,
  MESSAGE_INTEGRITY_SHA256,
  type MessageClass,
} from './numbers.ts'

const FINGERPRINT_XOR = 0x5354554e // "STUN", RFC 8489 §14.7
const classBits = { request: 0, indication: 0x0010, success: 0x0100, error: 0x0110 } as const
const noBytes = new Uint8Array(0)

/**
 * Writes messages: `start`, then `add` and the integrity verbs in the order they shall have on the wire, then `finish`.
 * One builder makes any number of messages, one after the other, and cuts them from slabs: keep it as long as its owner lives.
 */
export class MessageBuilder {
  readonly #slabSize: number
  #slab: Uint8Array = noBytes
  #start = 0
  #end = 0
  /** 0 nothing started, 1 open, 2 after MESSAGE-INTEGRITY, 3 after MESSAGE-INTEGRITY-SHA256, 4 after FINGERPRINT. */
  #stage = 0

  /** `slabSize` (bytes, default 4096): how much memory is taken at a time. A message view keeps its slab alive. */
  constructor(options?: { slabSize?: number }) {
    this.#slabSize = options?.slabSize ?? 4096
  }

  /** Begins a message; one that was begun and not finished is dropped. `transactionId` has 12 bytes. */
  start(messageClass: MessageClass, method: number, transactionId: Uint8Array): this {
    if (transactionId.length !== 12) throw new StunError('ERR_STUN_OPTION', 'a transaction id has 12 bytes')
    if (!(method >= 0 && method <= 0xfff)) throw new StunError('ERR_STUN_OPTION', `not a method: ${method}`)
    this.#end = this.#start
    this.#reserve(HEADER_LENGTH)
    const type = (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2) | classBits[messageClass]
    const slab = this.#slab
    const start = this.#start
    slab[start] = type >>> 8
    slab[start + 1] = type & 0xff
    writeUint32(MAGIC_COOKIE, slab, start + 4)
    slab.set(transactionId, start + 8)
    this.#end = start + HEADER_LENGTH
    this.#stage = 1
    return this
  }

  /**
   * Appends an attribute.
   * @throws StunError `ERR_STUN_ATTRIBUTE` or `ERR_STUN_ADDRESS` for a value it cannot carry (the message is then as before),
   * `ERR_STUN_ORDER` after an integrity attribute or FINGERPRINT, `ERR_STUN_TOO_LARGE`.
   */
  add<T>(attribute: Attribute<T>, value: T): this {
    this.#expectStage(1)
    this.#reserve(4 + attribute.bound(value) + 3)
    const length = attribute.write(value, this.#slab, this.#end + 4, this.#start)
    this.#header(attribute.type, length)
    return this
  }

  /** Appends an attribute by number with raw bytes. */
  addRaw(type: number, value: Uint8Array): this {
    this.#expectStage(1)
    this.#reserve(4 + value.length + 3)
    this.#slab.set(value, this.#end + 4)
    this.#header(type, value.length)
    return this
  }

  /** Appends MESSAGE-INTEGRITY: HMAC-SHA1 of all before it (RFC 8489 §14.5). */
  integrity(key: IntegrityKey): this {
    this.#expectStage(1)
    this.#reserve(24)
    this.#setLength(24)
    const tag = key.sha1.sign(this.#slab.subarray(this.#start, this.#end))
    this.#slab.set(tag, this.#end + 4)
    this.#header(MESSAGE_INTEGRITY, 20)
    this.#stage = 2
    return this
  }

  /** Appends MESSAGE-INTEGRITY-SHA256, cut to `length` bytes: 16, 20, 24, 28 or 32 (RFC 8489 §14.6). */
  integritySha256(key: IntegrityKey, length = 32): this {
    this.#expectStage(2)
    if (length < 16 || length > 32 || length % 4 !== 0) {
      throw new StunError('ERR_STUN_OPTION', `MESSAGE-INTEGRITY-SHA256 cannot have ${length} bytes`)
    }
    this.#reserve(4 + length)
    this.#setLength(4 + length)
    const tag = key.sha256.sign(this.#slab.subarray(this.#start, this.#end))
    this.#slab.set(length === 32 ? tag : tag.subarray(0, length), this.#end + 4)
    this.#header(MESSAGE_INTEGRITY_SHA256, length)
    this.#stage = 3
    return this
  }

  /** Appends FINGERPRINT, the last attribute (RFC 8489 §14.7). */
  fingerprint(): this {
    this.#expectStage(3)
    this.#reserve(8)
    this.#setLength(8)
    writeUint32((crc32(this.#slab, this.#start, this.#end) ^ FINGERPRINT_XOR) >>> 0, this.#slab, this.#end + 4)
    this.#header(FINGERPRINT, 4)
    this.#stage = 4
    return this
  }

  /** The finished message. It is the caller's; the builder may begin the next one at once. */
  finish(): Uint8Array {
    this.#expectStage(4)
    this.#setLength(0)
    const message = this.#slab.subarray(this.#start, this.#end)
    this.#start = this.#end
    this.#stage = 0
    return message
  }

  #expectStage(latest: number): void {
    if (this.#stage === 0) throw new StunError('ERR_STUN_ORDER', 'no message was started')
    if (this.#stage > latest) throw new StunError('ERR_STUN_ORDER', 'no such attribute may follow what was added last')
  }

  /** Completes the attribute whose value of `length` bytes has been written at `#end + 4`. */
  #header(type: number, length: number): void {
    const slab = this.#slab
    const offset = this.#end
    if (offset + 4 + length - this.#start - HEADER_LENGTH > 0xfffc) throw tooLarge()
    slab[offset] = type >>> 8
    slab[offset + 1] = type & 0xff
    slab[offset + 2] = length >>> 8
    slab[offset + 3] = length & 0xff
    let end = offset + 4 + length
    while ((end & 3) !== (this.#start & 3)) slab[end++] = 0
    this.#end = end
  }

  /** Writes the header's length as if `more` bytes followed. */
  #setLength(more: number): void {
    const length = this.#end - this.#start - HEADER_LENGTH + more
    this.#slab[this.#start + 2] = length >>> 8
    this.#slab[this.#start + 3] = length & 0xff
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#slab.length) return
    const length = this.#end - this.#start
    // `bytes` is an upper bound (text may take three bytes per unit); what was really written is checked in `#header`.
    if (bytes > 4 * 0xffff) throw tooLarge()
    const size = Math.max(this.#slabSize, (length + bytes) * 2)
    const slab = new Uint8Array(size)
    slab.set(this.#slab.subarray(this.#start, this.#end))
    this.#slab = slab
    this.#start = 0
    this.#end = length
  }
}

function tooLarge(): StunError {
  return new StunError('ERR_STUN_TOO_LARGE', 'a STUN message has at most 65,532 bytes of attributes')
}

/** A fresh transaction id: 96 random bits (RFC 8489 §5). `random` defaults to the platform's secure source. */
export function createTransactionId(random?: (length: number) => Uint8Array): Uint8Array {
  return random === undefined ? crypto.getRandomValues(new Uint8Array(12)) : random(12)
}
