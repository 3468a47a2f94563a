import type { AesCbc, CryptoProvider, Hmac } from '@kaon/crypto'
import { RECORD_HEADER_LENGTH, writeEpochAndSequence } from './header.ts'
import type { RecordProtection } from './protection.ts'

const BLOCK = 16
const MAC_LENGTH = 20
/** seq_num + type + version + length, before the content (RFC 5246 §6.2.3.1). */
const MAC_HEADER_LENGTH = 13
/** HMAC-SHA1 works in blocks of this many bytes. */
const HASH_BLOCK = 64

/**
 * AES-CBC with HMAC-SHA1, MAC first (RFC 5246 §6.2.3.2), for peers that know no AEAD. The explicit IV of each record is random.
 *
 * A wrong padding and a wrong MAC must look alike, in time too (RFC 5246 §6.2.3.2; "Lucky 13"). So padding is checked without
 * branches, the MAC is always computed, over the record without padding when that was wrong, compared in constant time, and the hash
 * blocks that a long padding saved are computed for nothing. What cache and allocator do stays beyond JavaScript.
 */
export class CbcProtection implements RecordProtection {
  readonly overhead: number = BLOCK + MAC_LENGTH + BLOCK
  readonly #crypto: CryptoProvider
  readonly #cipher: AesCbc
  readonly #hmac: Hmac

  constructor(crypto: CryptoProvider, key: Uint8Array, macKey: Uint8Array) {
    this.#crypto = crypto
    this.#cipher = crypto.createAesCbc(key)
    this.#hmac = crypto.createHmac('sha1', macKey)
  }

  maxPlaintext(room: number): number {
    // Whole blocks behind the IV, of which the MAC and at least one byte of padding take their share.
    return Math.floor((room - BLOCK) / BLOCK) * BLOCK - MAC_LENGTH - 1
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
    const mac = this.#hmac.sign(macInput(type, version, epoch, sequence, plaintext, plaintext.length))
    const padded = new Uint8Array(Math.ceil((plaintext.length + MAC_LENGTH + 1) / BLOCK) * BLOCK)
    const paddingLength = padded.length - plaintext.length - MAC_LENGTH - 1
    padded.fill(paddingLength, plaintext.length + MAC_LENGTH)
    padded.set(plaintext, 0)
    padded.set(mac, plaintext.length)
    const iv = this.#crypto.random(BLOCK)
    const start = at + RECORD_HEADER_LENGTH
    out.set(iv, start)
    out.set(this.#cipher.encrypt(iv, padded), start + BLOCK)
    return BLOCK + padded.length
  }

  open(type: number, version: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined {
    const encrypted = fragment.length - BLOCK
    if (encrypted % BLOCK !== 0 || encrypted < MAC_LENGTH + 1) return undefined
    const padded = this.#cipher.decrypt(fragment.subarray(0, BLOCK), fragment.subarray(BLOCK))

    const claimed = padded[padded.length - 1]!
    const longest = padded.length - MAC_LENGTH - 1
    // All ones when the padding does not fit or one of its bytes differs, over the same 256 bytes for every record of this length.
    let wrong = (longest - claimed) >> 31
    const checked = Math.min(256, padded.length)
    for (let i = 0; i < checked; i++) {
      const isPadding = ((i - claimed - 1) >> 31) & 0xff
      wrong |= isPadding & (padded[padded.length - 1 - i]! ^ claimed)
    }
    const good = ~((wrong | -wrong) >> 31) // -1 or 0
    const paddingLength = claimed & good
    const length = longest - paddingLength

    const mac = this.#hmac.sign(macInput(type, version, epoch, sequence, padded, length))
    this.#computeForNothing(longest, length)
    let difference = 0
    for (let i = 0; i < MAC_LENGTH; i++) difference |= mac[i]! ^ padded[length + i]!
    return (difference | ~good) === 0 ? padded.subarray(0, length) : undefined
  }

  /** As many hash blocks as the longest content of this record would have needed beyond the real one. */
  #computeForNothing(longest: number, length: number): void {
    const saved = hashBlocks(longest) - hashBlocks(length)
    if (saved > 0) this.#hmac.sign(new Uint8Array(saved * HASH_BLOCK))
  }
}

function hashBlocks(contentLength: number): number {
  return Math.ceil((MAC_HEADER_LENGTH + contentLength + 9) / HASH_BLOCK)
}

function macInput(
  type: number,
  version: number,
  epoch: number,
  sequence: number,
  content: Uint8Array,
  length: number,
): Uint8Array {
  const input = new Uint8Array(MAC_HEADER_LENGTH + length)
  writeEpochAndSequence(input, 0, epoch, sequence)
  input[8] = type
  input[9] = version >>> 8
  input[10] = version
  input[11] = length >>> 8
  input[12] = length
  input.set(content.subarray(0, length), MAC_HEADER_LENGTH)
  return input
}
