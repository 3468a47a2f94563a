import { type CryptoProvider, defaultProvider, type Hmac, timingSafeEqual } from '@kaon/crypto'
import { readUint32 } from './attribute.ts'
import { crc32 } from './crc32.ts'
import type { StunMessage } from './message.ts'
import { HEADER_LENGTH } from './numbers.ts'

/**
 * The key of a credential with its HMACs, each made once, when first needed. Make one per credential with `shortTermKey` or
 * `longTermKey` and keep it.
 */
export class IntegrityKey {
  readonly #key: Uint8Array
  readonly #crypto: CryptoProvider
  #sha1: Hmac | undefined
  #sha256: Hmac | undefined

  constructor(key: Uint8Array, provider: CryptoProvider = defaultProvider) {
    this.#key = key
    this.#crypto = provider
  }

  /** HMAC-SHA1, for MESSAGE-INTEGRITY. */
  get sha1(): Hmac {
    return (this.#sha1 ??= this.#crypto.createHmac('sha1', this.#key))
  }

  /** HMAC-SHA256, for MESSAGE-INTEGRITY-SHA256. */
  get sha256(): Hmac {
    return (this.#sha256 ??= this.#crypto.createHmac('sha256', this.#key))
  }
}

/**
 * Whether the message is authentic under this key: by MESSAGE-INTEGRITY-SHA256 when it is there, else by MESSAGE-INTEGRITY
 * (RFC 8489 §9.1.3); false when there is neither. `algorithm` insists on one of them. A truncated SHA-256 counts only down to
 * `minimumLength` bytes, 32 by default, since truncation is for usages that ask for it (§14.6).
 */
export function checkIntegrity(
  message: StunMessage,
  key: IntegrityKey,
  algorithm?: 'sha1' | 'sha256',
  minimumLength = 32,
): boolean {
  const sha256 = algorithm === undefined ? message.integritySha256Offset >= 0 : algorithm === 'sha256'
  const offset = sha256 ? message.integritySha256Offset : message.integrityOffset
  if (offset < 0) return false
  const { bytes } = message
  const length = bytes[offset + 3]! // 16 to 32, as decodeMessage made sure
  if (sha256 && length < minimumLength) return false

  // The HMAC covers all that is before the attribute, with the header's length as if the attribute were the last one.
  const covered = offset + 4 + length - HEADER_LENGTH
  const high = bytes[2]!
  const low = bytes[3]!
  bytes[2] = covered >>> 8
  bytes[3] = covered & 0xff
  const tag = (sha256 ? key.sha256 : key.sha1).sign(bytes.subarray(0, offset))
  bytes[2] = high
  bytes[3] = low
  return timingSafeEqual(
    tag.length === length ? tag : tag.subarray(0, length),
    bytes.subarray(offset + 4, offset + 4 + length),
  )
}

/** Whether the message has a FINGERPRINT and it is right (RFC 8489 §14.7). */
export function checkFingerprint(message: StunMessage): boolean {
  const offset = message.fingerprintOffset
  if (offset < 0) return false
  return (crc32(message.bytes, 0, offset) ^ 0x5354554e) >>> 0 === readUint32(message.bytes, offset + 4)
}
