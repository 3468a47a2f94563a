import type { Attribute } from './attribute.ts'
import { readUint32 } from './attribute.ts'
import { FINGERPRINT, HEADER_LENGTH, MAGIC_COOKIE, MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256 } from './numbers.ts'
import type { MessageClass } from './numbers.ts'

const classes: readonly MessageClass[] = ['request', 'indication', 'success', 'error']
const none: readonly number[] = Object.freeze([])

/**
 * Whether these bytes are one whole STUN message by their header: two zero bits, the magic cookie, and a length that fits
 * (RFC 8489 §6.3, RFC 7983). Quick enough to ask for every datagram.
 */
export function isStunMessage(bytes: Uint8Array): boolean {
  return (
    bytes.length >= HEADER_LENGTH &&
    bytes[0]! < 0x40 &&
    bytes[4] === 0x21 &&
    bytes[5] === 0x12 &&
    bytes[6] === 0xa4 &&
    bytes[7] === 0x42 &&
    (bytes[3]! & 3) === 0 &&
    ((bytes[2]! << 8) | bytes[3]!) + HEADER_LENGTH === bytes.length
  )
}

/**
 * A received message: a view of its bytes, whose attributes are read when asked for. Made by `decodeMessage`, so the chain
 * of attributes is known to be sound; single values may still be malformed and are then reported as undefined.
 */
export class StunMessage {
  /** The whole message. Owned by this object: integrity checks write to it for a moment. */
  readonly bytes: Uint8Array
  readonly method: number
  readonly messageClass: MessageClass
  /** Where MESSAGE-INTEGRITY begins in `bytes`, or -1. */
  readonly integrityOffset: number
  /** Where MESSAGE-INTEGRITY-SHA256 begins in `bytes`, or -1. */
  readonly integritySha256Offset: number
  /** Where FINGERPRINT begins in `bytes`, or -1. */
  readonly fingerprintOffset: number
  /** The end of the attributes that count: those behind an integrity attribute are ignored (RFC 8489 §14.5). */
  readonly attributesEnd: number

  constructor(bytes: Uint8Array, integrity: number, integritySha256: number, fingerprint: number, end: number) {
    const type = (bytes[0]! << 8) | bytes[1]!
    this.bytes = bytes
    // The class bits sit at 0x0100 and 0x0010, in the middle of the method's twelve (RFC 8489 §5 Figure 3).
    this.method = (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2)
    this.messageClass = classes[((type & 0x0100) >> 7) | ((type & 0x0010) >> 4)]!
    this.integrityOffset = integrity
    this.integritySha256Offset = integritySha256
    this.fingerprintOffset = fingerprint
    this.attributesEnd = end
  }

  /** The 12 bytes of the transaction id, as a view. */
  get transactionId(): Uint8Array {
    return this.bytes.subarray(8, HEADER_LENGTH)
  }

  /** The transaction id as a short string, good as the key of a `Map`; the same as `transactionKey(message.transactionId)`. */
  get transactionKey(): string {
    return transactionKey(this.bytes, 8)
  }

  /** The value of the first attribute of this kind; undefined when it is absent or malformed (`has` tells which). */
  get<T>(attribute: Attribute<T>): T | undefined {
    const offset = this.#find(attribute.type, HEADER_LENGTH)
    return offset < 0 ? undefined : attribute.read(this.bytes, offset + 4, this.#length(offset))
  }

  /** The values of all attributes of this kind that are well-formed, in order. */
  getAll<T>(attribute: Attribute<T>): T[] {
    const values: T[] = []
    for (let offset = this.#find(attribute.type, HEADER_LENGTH); offset >= 0;) {
      const length = this.#length(offset)
      const value = attribute.read(this.bytes, offset + 4, length)
      if (value !== undefined) values.push(value)
      offset = this.#find(attribute.type, offset + 4 + ((length + 3) & ~3))
    }
    return values
  }

  /** Whether an attribute of this kind is there, well-formed or not. */
  has(attribute: { readonly type: number }): boolean {
    return this.#find(attribute.type, HEADER_LENGTH) >= 0
  }

  /** The bytes of the first attribute with this number, as a view; for attributes that Kaon does not know, and to compare without decoding. */
  getRaw(type: number): Uint8Array | undefined {
    const offset = this.#find(type, HEADER_LENGTH)
    return offset < 0 ? undefined : this.bytes.subarray(offset + 4, offset + 4 + this.#length(offset))
  }

  /** Every attribute that counts, in order, with its raw value; for logs and tests. */
  attributes(): { type: number; value: Uint8Array }[] {
    const all: { type: number; value: Uint8Array }[] = []
    for (let offset = HEADER_LENGTH; offset < this.attributesEnd;) {
      const length = this.#length(offset)
      const value = this.bytes.subarray(offset + 4, offset + 4 + length)
      all.push({ type: (this.bytes[offset]! << 8) | this.bytes[offset + 1]!, value })
      offset += 4 + ((length + 3) & ~3)
    }
    return all
  }

  /** The comprehension-required attributes (below 0x8000) not in `understood`, each once: what a 420 lists (RFC 8489 §6.3.1). */
  unknownRequired(understood: ReadonlySet<number>): readonly number[] {
    const { bytes, attributesEnd } = this
    let unknown: number[] | undefined
    for (let offset = HEADER_LENGTH; offset < attributesEnd; offset += 4 + ((this.#length(offset) + 3) & ~3)) {
      if (bytes[offset]! >= 0x80) continue
      const type = (bytes[offset]! << 8) | bytes[offset + 1]!
      if (understood.has(type)) continue
      if (unknown === undefined) unknown = [type]
      // A message of 64 KB can hold 16,000 attributes: 64 are enough to say what is wrong, and keep this loop linear.
      else if (unknown.length < 64 && !unknown.includes(type)) unknown.push(type)
    }
    return unknown ?? none
  }

  #find(type: number, from: number): number {
    const { bytes, attributesEnd } = this
    const high = type >>> 8
    const low = type & 0xff
    for (let offset = from; offset < attributesEnd;) {
      if (bytes[offset + 1] === low && bytes[offset] === high) return offset
      offset += 4 + ((((bytes[offset + 2]! << 8) | bytes[offset + 3]!) + 3) & ~3)
    }
    return -1
  }

  #length(offset: number): number {
    return (this.bytes[offset + 2]! << 8) | this.bytes[offset + 3]!
  }
}

/**
 * Decodes one message; undefined when the bytes are not a sound STUN message. `bytes` changes owner: the message is a view of it.
 * Checked here: header, the chain of attributes, the lengths of the integrity attributes and FINGERPRINT, and that FINGERPRINT is last.
 * Not checked here: the integrity and the fingerprint themselves.
 */
export function decodeMessage(bytes: Uint8Array): StunMessage | undefined {
  if (!isStunMessage(bytes)) return undefined
  const end = bytes.length
  let integrity = -1
  let integritySha256 = -1
  let fingerprint = -1
  let attributesEnd = end
  for (let offset = HEADER_LENGTH; offset < end;) {
    if (fingerprint >= 0) return undefined // RFC 8489 §14.7: it is the last attribute
    const type = (bytes[offset]! << 8) | bytes[offset + 1]!
    const length = (bytes[offset + 2]! << 8) | bytes[offset + 3]!
    const next = offset + 4 + ((length + 3) & ~3)
    if (next > end) return undefined
    if (type === FINGERPRINT) {
      if (length !== 4) return undefined
      fingerprint = offset
      if (offset < attributesEnd) attributesEnd = offset
    } else if (type === MESSAGE_INTEGRITY && integrity < 0 && integritySha256 < 0) {
      if (length !== 20) return undefined
      integrity = offset
      attributesEnd = offset
    } else if (type === MESSAGE_INTEGRITY_SHA256 && integritySha256 < 0) {
      if (length < 16 || length > 32 || (length & 3) !== 0) return undefined // RFC 8489 §14.6
      integritySha256 = offset
      if (offset < attributesEnd) attributesEnd = offset
    }
    offset = next
  }
  return new StunMessage(bytes, integrity, integritySha256, fingerprint, attributesEnd)
}

/** The 96 bits at `bytes[offset…]` as a string of six UTF-16 units: a cheap key for a `Map` of transactions. */
export function transactionKey(bytes: Uint8Array, offset = 0): string {
  return String.fromCharCode(
    (bytes[offset]! << 8) | bytes[offset + 1]!,
    (bytes[offset + 2]! << 8) | bytes[offset + 3]!,
    (bytes[offset + 4]! << 8) | bytes[offset + 5]!,
    (bytes[offset + 6]! << 8) | bytes[offset + 7]!,
    (bytes[offset + 8]! << 8) | bytes[offset + 9]!,
    (bytes[offset + 10]! << 8) | bytes[offset + 11]!,
  )
}

/** The length of the message whose header begins at `bytes[offset]`, or undefined when that is no STUN header: for stream transports. */
export function messageLength(bytes: Uint8Array, offset = 0): number | undefined {
  if (bytes[offset]! >= 0x40 || (bytes[offset + 3]! & 3) !== 0) return undefined
  if (readUint32(bytes, offset + 4) !== MAGIC_COOKIE) return undefined
  return HEADER_LENGTH + ((bytes[offset + 2]! << 8) | bytes[offset + 3]!)
}
