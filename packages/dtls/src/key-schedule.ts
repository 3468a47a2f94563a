import { type CryptoProvider, tls12Prf } from '@kaon/crypto'
import { concat } from './bytes.ts'
import { AeadProtection } from './record/aead.ts'
import { CbcProtection } from './record/cbc.ts'
import type { RecordProtection } from './record/protection.ts'
import type { CipherSuite } from './suites.ts'

const MASTER_SECRET_LENGTH = 48
const VERIFY_DATA_LENGTH = 12

/** The secrets of one connection after the key exchange (RFC 5246 §8.1, §6.3; RFC 7627 §4). */
export class KeySchedule {
  readonly #crypto: CryptoProvider
  readonly #suite: CipherSuite
  readonly #clientRandom: Uint8Array
  readonly #serverRandom: Uint8Array
  readonly masterSecret: Uint8Array

  /** `messages`: all up to and including ClientKeyExchange when the master secret is to be the extended one, otherwise undefined. */
  constructor(
    crypto: CryptoProvider,
    suite: CipherSuite,
    premasterSecret: Uint8Array,
    clientRandom: Uint8Array,
    serverRandom: Uint8Array,
    messages: Uint8Array | undefined,
  ) {
    this.#crypto = crypto
    this.#suite = suite
    this.#clientRandom = clientRandom
    this.#serverRandom = serverRandom
    const label = messages === undefined ? 'master secret' : 'extended master secret'
    const seed = messages === undefined ? concat(clientRandom, serverRandom) : crypto.hash(suite.hash, messages)
    this.masterSecret = tls12Prf(crypto, suite.hash, premasterSecret, label, seed, MASTER_SECRET_LENGTH)
  }

  /** The protection of both directions (RFC 5246 §6.3). */
  protections(): { client: RecordProtection; server: RecordProtection } {
    const { cipher } = this.#suite
    const macLength = cipher.kind === 'cbc' ? cipher.macKeyLength : 0
    const ivLength = cipher.kind === 'aead' ? cipher.fixedIvLength : 0
    const length = 2 * (macLength + cipher.keyLength + ivLength)
    const seed = concat(this.#serverRandom, this.#clientRandom)
    const block = tls12Prf(this.#crypto, this.#suite.hash, this.masterSecret, 'key expansion', seed, length)
    let at = 0
    const take = (size: number): Uint8Array => block.slice(at, (at += size))
    const clientMac = take(macLength)
    const serverMac = take(macLength)
    const clientKey = take(cipher.keyLength)
    const serverKey = take(cipher.keyLength)
    const clientIv = take(ivLength)
    const serverIv = take(ivLength)
    block.fill(0)
    return {
      client: this.#protection(clientKey, clientMac, clientIv),
      server: this.#protection(serverKey, serverMac, serverIv),
    }
  }

  /** `verify_data` of Finished over all messages before it (RFC 5246 §7.4.9). */
  verifyData(sender: 'client' | 'server', messages: Uint8Array): Uint8Array {
    const hash = this.#crypto.hash(this.#suite.hash, messages)
    const label = `${sender} finished`
    return tls12Prf(this.#crypto, this.#suite.hash, this.masterSecret, label, hash, VERIFY_DATA_LENGTH)
  }

  /** RFC 5705 §4. An absent context and an empty one give different keys. */
  exportKeyingMaterial(label: string, length: number, context: Uint8Array | undefined): Uint8Array {
    let seed = concat(this.#clientRandom, this.#serverRandom)
    if (context !== undefined) {
      seed = concat(seed, Uint8Array.of(context.length >>> 8, context.length), context)
    }
    return tls12Prf(this.#crypto, this.#suite.hash, this.masterSecret, label, seed, length)
  }

  /** Overwrites the master secret. Copies that the runtime made are out of reach. */
  wipe(): void {
    this.masterSecret.fill(0)
  }

  #protection(key: Uint8Array, macKey: Uint8Array, iv: Uint8Array): RecordProtection {
    const { cipher } = this.#suite
    if (cipher.kind === 'cbc') return new CbcProtection(this.#crypto, key, macKey)
    return new AeadProtection(this.#crypto, cipher, key, iv)
  }
}
