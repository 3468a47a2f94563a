import type { Aead, CryptoProvider } from '@kaon/crypto'
import type { SessionKeys } from '../key-derivation.ts'
import type { PacketCipher } from './types.ts'

/** AES-GCM with a tag of 16 bytes (RFC 7714). */
export class AesGcmCipher implements PacketCipher {
  readonly aead: boolean = true
  readonly tagLength: number
  readonly #cipher: Aead
  readonly #salt: Uint8Array
  readonly #nonce: Uint8Array

  constructor(crypto: CryptoProvider, keys: SessionKeys) {
    this.#cipher = crypto.createAead(keys.cipherKey.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', keys.cipherKey)
    this.tagLength = this.#cipher.tagLength
    this.#salt = keys.salt.slice()
    this.#nonce = keys.salt.slice()
  }

  encrypt(
    ssrc: number,
    high: number,
    low: number,
    aad: Uint8Array,
    data: Uint8Array,
    out: Uint8Array,
    at: number,
  ): void {
    this.#setNonce(ssrc, high, low)
    this.#cipher.seal(this.#nonce, aad, data, out, at)
  }

  decrypt(
    ssrc: number,
    high: number,
    low: number,
    aad: Uint8Array,
    packet: Uint8Array,
    from: number,
    to: number,
  ): boolean {
    this.#setNonce(ssrc, high, low)
    const sealed = packet.subarray(from, to + this.tagLength)
    return this.#cipher.open(this.#nonce, aad, sealed, packet, from) !== undefined
  }

  sign(): void {}

  verify(): boolean {
    return true
  }

  /** Two zero bytes, SSRC and index, all XOR salt. SRTP (RFC 7714 §8.1) and SRTCP (§9.1) come to the same. */
  #setNonce(ssrc: number, high: number, low: number): void {
    const salt = this.#salt
    const nonce = this.#nonce
    nonce[2] = salt[2]! ^ (ssrc >>> 24)
    nonce[3] = salt[3]! ^ (ssrc >>> 16)
    nonce[4] = salt[4]! ^ (ssrc >>> 8)
    nonce[5] = salt[5]! ^ ssrc
    nonce[6] = salt[6]! ^ (high >>> 24)
    nonce[7] = salt[7]! ^ (high >>> 16)
    nonce[8] = salt[8]! ^ (high >>> 8)
    nonce[9] = salt[9]! ^ high
    nonce[10] = salt[10]! ^ (low >>> 8)
    nonce[11] = salt[11]! ^ low
  }
}
