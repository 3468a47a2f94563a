import { type CryptoProvider, defaultProvider, timingSafeEqual } from '@kaon/crypto'
import { formatTransportAddress, type TransportAddress } from './address.ts'
import { algorithmList, attribute, assertFits } from './attributes.ts'
import type { MessageBuilder } from './builder.ts'
import { StunError } from './error.ts'
import { checkIntegrity, type IntegrityKey } from './integrity.ts'
import { longTermKey, passwordAlgorithms, prepare, type Preparation, shortTermKey, userhash } from './keys.ts'
import type { StunMessage } from './message.ts'
import { base64, writeNonceCookie } from './nonce-cookie.ts'

/** What came of checking a request: who sent it and how the response is to be protected, or the error to answer with. */
export type Authentication =
  | {
      readonly ok: true
      readonly username: string
      readonly key: IntegrityKey
      readonly algorithm: 'sha1' | 'sha256'
      /** ms that the credential is still good for, when it says so itself (an access token). */
      readonly validFor?: number | undefined
    }
  | { readonly ok: false; readonly code: 400 | 401 | 438 }

/** How a server checks who sends a request. `ShortTermAuthenticator` and `LongTermAuthenticator` implement it. */
export interface Authenticator {
  /**
   * `known` is who was authenticated before and may go on with the same key, though `passwords` may not know him any more: time-limited
   * credentials let a client begin, and do not end what he has begun.
   */
  authenticate(message: StunMessage, from: TransportAddress, now: number, known?: KnownClient): Authentication
  /** Adds what an error response with this code needs besides ERROR-CODE (REALM, NONCE, …). */
  challenge(builder: MessageBuilder, code: number, from: TransportAddress, now: number): void
}

/** Whom an earlier request of the same session has proved to be. */
export interface KnownClient {
  readonly username: string
  readonly key: IntegrityKey
}

/** What a server needs to take access tokens (RFC 7635) beside passwords. */
export interface AccessTokens {
  /** The name that clients are told in THIRD-PARTY-AUTHORIZATION: whom they ask the authorization server for. */
  readonly serverName: string
  /** Opens a token. `keyId` is the USERNAME; undefined when the token is not good (any more). `validFor` is ms. */
  open(keyId: string, token: Uint8Array): { readonly key: IntegrityKey; readonly validFor: number } | undefined
}

/** Passwords by username: a map, or a function that is asked each time a key is not cached. */
export type Passwords = ReadonlyMap<string, string> | ((username: string) => string | undefined)

const MAX_CACHED_KEYS = 1000

/** Keys by username, so that a busy client costs one derivation. Bounded, oldest out first. */
class KeyCache {
  readonly #keys = new Map<string, IntegrityKey>()

  get(name: string, make: () => IntegrityKey): IntegrityKey {
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = make()
      if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.delete(this.#keys.keys().next().value!)
      this.#keys.set(name, key)
    }
    return key
  }
}

function lookUp(passwords: Passwords, username: string): string | undefined {
  return typeof passwords === 'function' ? passwords(username) : passwords.get(username)
}

/** The short-term mechanism (RFC 8489 §9.1.3). */
export class ShortTermAuthenticator implements Authenticator {
  readonly #passwords: Passwords
  readonly #crypto: CryptoProvider
  readonly #cache = new KeyCache()

  constructor(options: { passwords: Passwords; crypto?: CryptoProvider }) {
    this.#passwords = options.passwords
    this.#crypto = options.crypto ?? defaultProvider
  }

  authenticate(message: StunMessage): Authentication {
    const sha256 = message.integritySha256Offset >= 0
    const username = message.get(attribute.username)
    if ((!sha256 && message.integrityOffset < 0) || username === undefined) return { ok: false, code: 400 }
    const password = lookUp(this.#passwords, username)
    if (password === undefined) return { ok: false, code: 401 }
    const key = this.#cache.get(`${username}\0${password}`, () => shortTermKey(password, { crypto: this.#crypto }))
    if (!checkIntegrity(message, key)) return { ok: false, code: 401 }
    return { ok: true, username, key, algorithm: sha256 ? 'sha256' : 'sha1' }
  }

  challenge(): void {}
}

export interface LongTermAuthenticatorOptions {
  readonly realm: string
  readonly passwords: Passwords
  /** The random source, the hashes and the HMACs. */
  readonly crypto?: CryptoProvider
  readonly preparation?: Preparation
  /** ms that a nonce is good for. Default ten minutes. */
  readonly nonceLifetime?: number
  /** The algorithms to offer, best first; an empty list makes this a server of RFC 5389. Default SHA-256, then MD5. */
  readonly algorithms?: readonly number[]
  /** Take access tokens too. */
  readonly tokens?: AccessTokens
  /** Ask clients to send USERHASH. Needs `passwords` to be a map. Default false. */
  readonly usernameAnonymity?: boolean
}

/** The long-term mechanism (RFC 8489 §9.2.4). Nonces carry their own time and source address under an HMAC: no state per client. */
export class LongTermAuthenticator implements Authenticator {
  readonly #realm: string
  readonly #options: LongTermAuthenticatorOptions
  readonly #crypto: CryptoProvider
  readonly #lifetime: number
  readonly #cookie: string
  readonly #algorithms: readonly number[]
  readonly #algorithmBytes: Uint8Array
  readonly #usernames: Map<string, string> | undefined
  readonly #nonceKey: ReturnType<CryptoProvider['createHmac']>
  readonly #cache = new KeyCache()

  constructor(options: LongTermAuthenticatorOptions) {
    const { passwords, algorithms = [passwordAlgorithms.sha256, passwordAlgorithms.md5] } = options
    if (algorithms.some((algorithm) => algorithm !== 1 && algorithm !== 2)) {
      throw new StunError('ERR_STUN_OPTION', 'algorithms may hold 1 (MD5) and 2 (SHA-256)')
    }
    this.#realm = prepare(options.realm, options.preparation)
    assertFits(attribute.realm, this.#realm)
    if (options.tokens) assertFits(attribute.thirdPartyAuthorization, options.tokens.serverName)
    this.#options = options
    this.#crypto = options.crypto ?? defaultProvider
    this.#lifetime = options.nonceLifetime ?? 600_000
    this.#algorithms = algorithms
    const list = algorithmList(...algorithms)
    this.#algorithmBytes = new Uint8Array(attribute.passwordAlgorithms.bound(list))
    attribute.passwordAlgorithms.write(list, this.#algorithmBytes, 0, 0)
    this.#cookie = writeNonceCookie({
      passwordAlgorithms: algorithms.length > 0,
      usernameAnonymity: options.usernameAnonymity ?? false,
    })
    this.#nonceKey = this.#crypto.createHmac('sha256', this.#crypto.random(32))
    if (options.usernameAnonymity) {
      if (typeof passwords === 'function') {
        throw new StunError('ERR_STUN_OPTION', 'usernameAnonymity needs the usernames: give passwords as a map')
      }
      this.#usernames = new Map()
      for (const username of passwords.keys()) {
        this.#usernames.set(base64(this.#hash(username).subarray(0, 30)), username)
      }
    }
  }

  /** The checks of §9.2.4 in their order. */
  authenticate(message: StunMessage, from: TransportAddress, now: number, known?: KnownClient): Authentication {
    const sha256 = message.integritySha256Offset >= 0
    if (!sha256 && message.integrityOffset < 0) return { ok: false, code: 401 }
    const nonce = message.get(attribute.nonce)
    const named = message.has(attribute.username) || message.has(attribute.userhash)
    if (nonce === undefined || !named || message.get(attribute.realm) === undefined) return { ok: false, code: 400 }

    const { tokens } = this.#options
    if (tokens !== undefined && message.has(attribute.accessToken)) {
      return this.#authenticateToken(message, tokens, nonce, from, now)
    }

    let algorithm: number = passwordAlgorithms.md5
    let chosen = false
    if (this.#algorithms.length > 0 && nonce.startsWith(this.#cookie)) {
      const list = message.getRaw(attribute.passwordAlgorithms.type)
      const choice = message.get(attribute.passwordAlgorithm)
      if (list !== undefined || choice !== undefined) {
        // A list that differs from ours was changed on the way (§9.2.1).
        if (list === undefined || choice === undefined || !equal(list, this.#algorithmBytes))
          return { ok: false, code: 400 }
        if (!this.#algorithms.includes(choice.algorithm)) return { ok: false, code: 400 }
        algorithm = choice.algorithm
        chosen = true
      } else if (!this.#algorithms.includes(algorithm)) {
        return { ok: false, code: 401 } // an old client, where MD5 is not allowed
      }
    }

    const username = this.#username(message)
    const password = username === undefined ? undefined : lookUp(this.#options.passwords, username)
    if (username === undefined) return { ok: false, code: 401 }
    let key = known?.username === username ? known.key : undefined
    if (password !== undefined) {
      key = this.#cache.get(`${algorithm}\0${username}\0${password}`, () =>
        longTermKey({ username, realm: this.#realm, password, algorithm }, this.#keyOptions()),
      )
    }
    if (key === undefined) return { ok: false, code: 401 }
    if (!checkIntegrity(message, key)) return { ok: false, code: 401 }
    if (!this.#nonceIsValid(nonce, from, now)) return { ok: false, code: 438 }
    return { ok: true, username, key, algorithm: chosen ? 'sha256' : 'sha1' }
  }

  challenge(builder: MessageBuilder, code: number, from: TransportAddress, now: number): void {
    if (code !== 401 && code !== 438) return
    builder.add(attribute.realm, this.#realm).add(attribute.nonce, this.#nonce(from, now))
    const { tokens } = this.#options
    if (tokens !== undefined && code === 401) builder.add(attribute.thirdPartyAuthorization, tokens.serverName)
    if (this.#algorithms.length > 0) builder.addRaw(attribute.passwordAlgorithms.type, this.#algorithmBytes)
  }

  /** RFC 7635 §9: USERNAME names the key that the token is sealed with, the token holds the key of MESSAGE-INTEGRITY. */
  #authenticateToken(
    message: StunMessage,
    tokens: AccessTokens,
    nonce: string,
    from: TransportAddress,
    now: number,
  ): Authentication {
    const username = message.get(attribute.username)
    const token = message.get(attribute.accessToken)
    if (username === undefined || token === undefined) return { ok: false, code: 400 }
    const opened = tokens.open(username, token)
    if (opened === undefined || !checkIntegrity(message, opened.key)) return { ok: false, code: 401 }
    if (!this.#nonceIsValid(nonce, from, now)) return { ok: false, code: 438 }
    const algorithm = message.integritySha256Offset >= 0 ? 'sha256' : 'sha1'
    return { ok: true, username, key: opened.key, algorithm, validFor: opened.validFor }
  }

  #username(message: StunMessage): string | undefined {
    const username = message.get(attribute.username)
    if (username !== undefined) return username
    const hash = message.get(attribute.userhash)
    return hash === undefined ? undefined : this.#usernames?.get(base64(hash.subarray(0, 30)))
  }

  #hash(username: string): Uint8Array {
    return userhash(username, this.#realm, this.#keyOptions())
  }

  #keyOptions(): { crypto: CryptoProvider; preparation?: Preparation } {
    const { preparation } = this.#options
    return preparation === undefined ? { crypto: this.#crypto } : { crypto: this.#crypto, preparation }
  }

  /** Cookie, then six bytes of time and twelve of HMAC over time and source (a nonce belongs to one source address, §9.2.4). */
  #nonce(from: TransportAddress, now: number): string {
    const time = Math.max(0, Math.floor(now))
    const bytes = new Uint8Array(18)
    for (let index = 5, rest = time; index >= 0; index--, rest = Math.floor(rest / 256)) bytes[index] = rest % 256
    const source = new TextEncoder().encode(`${time} ${formatTransportAddress(from)}`)
    bytes.set(this.#nonceKey.sign(source).subarray(0, 12), 6)
    return this.#cookie + base64(bytes)
  }

  #nonceIsValid(nonce: string, from: TransportAddress, now: number): boolean {
    const time = readTime(nonce, this.#cookie.length)
    if (time > now || now - time > this.#lifetime) return false
    const encoder = new TextEncoder()
    return timingSafeEqual(encoder.encode(nonce), encoder.encode(this.#nonce(from, time)))
  }
}

/** The time in a nonce: eight base64 digits. NaN for other characters, which no comparison likes. */
function readTime(nonce: string, offset: number): number {
  let time = 0
  for (let index = offset; index < offset + 8; index++) {
    const digit = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(nonce.charAt(index) || '?')
    time = digit < 0 ? NaN : time * 64 + digit
  }
  return time
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
