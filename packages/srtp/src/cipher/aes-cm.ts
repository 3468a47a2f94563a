import { timingSafeEqual, type AesCtr, type CryptoProvider, type Hmac } from '@kaon/crypto'
import type { SessionKeys } from '../key-derivation.ts'
import { putUint32 } from '../rtp-header.ts'
import type { PacketCipher } from './types.ts'

/** AES in counter mode (RFC 3711 §4.1.1) and HMAC-SHA1 over the ciphertext (§4.2.1). */
export class AesCmCipher implements PacketCipher {
  readonly aead: boolean = false
  readonly tagLength: number
  readonly #ctr: AesCtr
  readonly #hmac: Hmac
  readonly #salt: Uint8Array
  readonly #counterBlock = new Uint8Array(16)
  readonly #rollover = new Uint8Array(4)

  constructor(crypto: CryptoProvider, keys: SessionKeys, tagLength: number) {
    this.tagLength = tagLength
    this.#ctr = crypto.createAesCtr(keys.cipherKey)
    this.#hmac = crypto.createHmac('sha1', keys.authenticationKey)
    this.#salt = keys.salt.slice()
    this.#counterBlock.set(keys.salt)
  }

  encrypt(
    ssrc: number,
    high: number,
    low: number,
    _aad: Uint8Array,
    data: Uint8Array,
    out: Uint8Array,
    at: number,
  ): void {
    this.#setCounterBlock(ssrc, high, low)
    this.#ctr.process(this.#counterBlock, data, out, at)
  }

  decrypt(
    ssrc: number,
    high: number,
    low: number,
    _aad: Uint8Array,
    packet: Uint8Array,
    from: number,
    to: number,
  ): boolean {
    this.#setCounterBlock(ssrc, high, low)
    this.#ctr.process(this.#counterBlock, packet.subarray(from, to), packet, from)
    return true
  }

  sign(packet: Uint8Array, from: number, to: number, rolloverCounter: number): void {
    const tag = this.#tag(packet.subarray(from, to), rolloverCounter)
    for (let i = 0; i < this.tagLength; i++) packet[to + i] = tag[i]!
  }

  verify(packet: Uint8Array, to: number, tagAt: number, rolloverCounter: number): boolean {
    const tag = this.#tag(packet.subarray(0, to), rolloverCounter)
    return timingSafeEqual(tag.subarray(0, this.tagLength), packet.subarray(tagAt, tagAt + this.tagLength))
  }

  #tag(data: Uint8Array, rolloverCounter: number): Uint8Array {
    if (rolloverCounter < 0) return this.#hmac.sign(data)
    putUint32(this.#rollover, 0, rolloverCounter)
    return this.#hmac.sign(data, this.#rollover)
  }

  /** salt · 2^16 XOR SSRC · 2^64 XOR index · 2^16 (RFC 3711 §4.1.1). The block counter below them starts at 0. */
  #setCounterBlock(ssrc: number, high: number, low: number): void {
    const salt = this.#salt
    const block = this.#counterBlock
    block[4] = salt[4]! ^ (ssrc >>> 24)
    block[5] = salt[5]! ^ (ssrc >>> 16)
    block[6] = salt[6]! ^ (ssrc >>> 8)
    block[7] = salt[7]! ^ ssrc
    block[8] = salt[8]! ^ (high >>> 24)
    block[9] = salt[9]! ^ (high >>> 16)
    block[10] = salt[10]! ^ (high >>> 8)
    block[11] = salt[11]! ^ high
    block[12] = salt[12]! ^ (low >>> 8)
    block[13] = salt[13]! ^ low
  }
}
