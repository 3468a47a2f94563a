import type { Aead, CryptoProvider } from '@kaon/crypto'
import type { SuiteCipher } from '../suites.ts'
import { RECORD_HEADER_LENGTH, writeEpochAndSequence } from './header.ts'
import type { RecordProtection } from './protection.ts'

const NONCE_LENGTH = 12
/** seq_num + type + version + length (RFC 5246 §6.2.3.3). */
const AAD_LENGTH = 13

/**
 * Records under an AEAD. The nonce is never random: epoch and sequence number, which no two records of a key share, complete the fixed
 * part, either behind it and carried along (GCM and CCM: RFC 5288 §3, RFC 6655 §3) or by exclusive or and not carried (RFC 7905 §2).
 */
export class AeadProtection implements RecordProtection {
  readonly overhead: number
  readonly #aead: Aead
  readonly #fixedIv: Uint8Array
  readonly #explicit: number
  readonly #nonce: Uint8Array = new Uint8Array(NONCE_LENGTH)
  readonly #aad: Uint8Array = new Uint8Array(AAD_LENGTH)

  constructor(
    crypto: CryptoProvider,
    cipher: Extract<SuiteCipher, { kind: 'aead' }>,
    key: Uint8Array,
    fixedIv: Uint8Array,
  ) {
    this.#aead = crypto.createAead(cipher.aead, key)
    this.#fixedIv = fixedIv
    this.#explicit = cipher.explicitNonceLength
    this.#nonce.set(fixedIv, 0)
    this.overhead = this.#explicit + this.#aead.tagLength
  }

  maxPlaintext(room: number): number {
    return room - this.overhead
  }

  seal(
    type: number,
    version: number,
    epoch: number,
    sequence: number,
    plaintext: Uint8Array,
    out: Uint8Array,
    at: number,
  ): number {
    const aad = this.#aad
    writeEpochAndSequence(aad, 0, epoch, sequence)
    this.#finishAad(type, version, plaintext.length)
    const start = at + RECORD_HEADER_LENGTH
    const nonce = this.#nonce
    if (this.#explicit === 0) {
      this.#xorNonce()
      return this.#aead.seal(nonce, aad, plaintext, out, start)
    }
    for (let i = 0; i < 8; i++) out[start + i] = nonce[4 + i] = aad[i]!
    return 8 + this.#aead.seal(nonce, aad, plaintext, out, start + 8)
  }

  open(type: number, version: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined {
    // The plaintext takes the ciphertext's place: the datagram is ours.
    const length = fragment.length - this.overhead
    if (length < 0) return undefined
    writeEpochAndSequence(this.#aad, 0, epoch, sequence)
    this.#finishAad(type, version, length)
    const nonce = this.#nonce
    if (this.#explicit === 0) {
      this.#xorNonce()
      return this.#aead.open(nonce, this.#aad, fragment, fragment)
    }
    // The sender chooses the explicit part; that it equals the sequence number is custom, not a rule (RFC 5288 §3).
    for (let i = 0; i < 8; i++) nonce[4 + i] = fragment[i]!
    const protectedPart = fragment.subarray(8)
    return this.#aead.open(nonce, this.#aad, protectedPart, protectedPart)
  }

  #finishAad(type: number, version: number, length: number): void {
    const aad = this.#aad
    aad[8] = type
    aad[9] = version >>> 8
    aad[10] = version
    aad[11] = length >>> 8
    aad[12] = length
  }

  #xorNonce(): void {
    const nonce = this.#nonce
    const fixed = this.#fixedIv
    for (let i = 0; i < 8; i++) nonce[4 + i] = fixed[4 + i]! ^ this.#aad[i]!
  }
}
