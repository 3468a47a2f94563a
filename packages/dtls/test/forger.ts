import { defaultProvider, tls12Prf } from '@kaon/crypto'
import { AeadProtection } from '../src/record/aead.ts'
import { MAX_SEQUENCE, RECORD_HEADER_LENGTH, writeRecordHeader } from '../src/record/header.ts'
import { suiteByName } from '../src/suites.ts'
import type { Pair } from './pair.ts'

/** The connection must have chosen this one. */
export const FORGED_SUITE = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'
const SUITE = suiteByName(FORGED_SUITE)!

/** Writes any record, protected or not. */
export function plainRecord(
  type: number,
  content: Uint8Array,
  { epoch = 0, sequence = 1000, version = 0xfefd }: { epoch?: number; sequence?: number; version?: number } = {},
): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_LENGTH + content.length)
  writeRecordHeader(record, 0, type, version, epoch, sequence, content.length)
  record.set(content, RECORD_HEADER_LENGTH)
  return record
}

/**
 * Knows the keys of an established connection and writes records in either side's name: what a peer could do that is authentic but
 * misbehaves. Learns them from the key log and the hellos on the wire.
 */
export class Forger {
  readonly #client: AeadProtection
  readonly #server: AeadProtection
  #sequence = 100

  constructor(keyLogLine: string, pair: Pair) {
    const [, clientRandom, master] = keyLogLine.split(' ').map((part) => Uint8Array.from(Buffer.from(part, 'hex')))
    const serverHello = pair.sent.find(({ from, datagram }) => from === 'server' && datagram[13] === 2)!.datagram
    const serverRandom = serverHello.subarray(13 + 12 + 2, 13 + 12 + 2 + 32)
    const seed = Buffer.concat([serverRandom, clientRandom!])
    const block = tls12Prf(defaultProvider, 'sha256', master!, 'key expansion', seed, 40)
    const cipher = SUITE.cipher
    if (cipher.kind !== 'aead') throw new Error('not an AEAD suite')
    this.#client = new AeadProtection(defaultProvider, cipher, block.slice(0, 16), block.slice(32, 36))
    this.#server = new AeadProtection(defaultProvider, cipher, block.slice(16, 32), block.slice(36, 40))
  }

  /** An authentic record of epoch 1. */
  record(
    from: 'client' | 'server',
    type: number,
    content: Uint8Array,
    sequence: number = this.#sequence++,
  ): Uint8Array {
    const protection = from === 'client' ? this.#client : this.#server
    const out = new Uint8Array(RECORD_HEADER_LENGTH + content.length + protection.overhead)
    const length = protection.seal(type, 0xfefd, 1, Math.min(sequence, MAX_SEQUENCE), content, out, 0)
    writeRecordHeader(out, 0, type, 0xfefd, 1, sequence, length)
    return out
  }
}
