import type { CryptoProvider } from '@kaon/crypto'
import { algorithmList, assertFits, attribute } from './attributes.ts'
import type { PasswordAlgorithm } from './structured.ts'
import type { MessageBuilder } from './builder.ts'
import { checkIntegrity, type IntegrityKey } from './integrity.ts'
import { longTermKey, passwordAlgorithms, prepare, type Preparation, shortTermKey, userhash } from './keys.ts'
import type { StunMessage } from './message.ts'
import { readNonceCookie } from './nonce-cookie.ts'

/** What a client knows about authenticating towards one server. `ShortTermCredentials` and `LongTermCredentials` implement it. */
export interface ClientCredentials {
  /** Adds what authenticates a request, integrity included (only FINGERPRINT may follow), and returns how to judge its responses. */
  authenticate(builder: MessageBuilder): AuthenticatedRequest
  /** Forgets what the server told, because another server is next (RFC 8489 §10). */
  reset(): void
}

/** One request as it was authenticated, for others may have changed what the credentials know since. */
export interface AuthenticatedRequest {
  /** Whether a response may be believed; pass it as `accept` to the transaction. */
  accept(message: StunMessage): boolean
  /** Whether the same request is worth sending again, authenticated anew, in a new transaction, after this error response. */
  retry(message: StunMessage): boolean
}

export interface CredentialOptions {
  readonly username: string
  readonly password: string
  readonly crypto?: CryptoProvider
  readonly preparation?: Preparation
}

/** The short-term mechanism (RFC 8489 §9.1): both sides know the password, every message is protected with it. */
export class ShortTermCredentials implements ClientCredentials {
  readonly #username: string
  readonly #key: IntegrityKey
  readonly #initial: 'sha1' | 'sha256' | undefined
  #algorithm: 'sha1' | 'sha256' | undefined

  /** `algorithm` is the one the server is known to use; without it the first request carries both (§9.1.2). */
  constructor(options: CredentialOptions & { readonly algorithm?: 'sha1' | 'sha256' }) {
    this.#username = prepare(options.username, options.preparation)
    assertFits(attribute.username, this.#username)
    this.#key = shortTermKey(options.password, options)
    this.#initial = options.algorithm
    this.#algorithm = options.algorithm
  }

  authenticate(builder: MessageBuilder): AuthenticatedRequest {
    const algorithm = this.#algorithm
    builder.add(attribute.username, this.#username)
    if (algorithm !== 'sha256') builder.integrity(this.#key)
    if (algorithm !== 'sha1') builder.integritySha256(this.#key)
    return {
      accept: (message) => {
        // §9.1.4: when only one algorithm was sent, the response has to use that one.
        if (!checkIntegrity(message, this.#key, algorithm)) return false
        this.#algorithm ??= message.integritySha256Offset >= 0 ? 'sha256' : 'sha1' // §9.1.5
        return true
      },
      retry: () => false,
    }
  }

  reset(): void {
    this.#algorithm = this.#initial
  }
}

interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithms: readonly PasswordAlgorithm[] | undefined
  readonly algorithm: number
  readonly anonymous: boolean
  readonly key: IntegrityKey
}

/** A server that answers 438 again and again would otherwise keep a client busy for ever. */
const MAX_STALE_IN_A_ROW = 3

/**
 * The long-term mechanism as a client sees it (RFC 8489 §9.2): the first request goes out bare, the 401 brings realm, nonce and
 * perhaps a list of algorithms, and everything after that is protected. Keep one per server: it remembers the nonce.
 */
export class LongTermCredentials implements ClientCredentials {
  readonly #options: CredentialOptions
  readonly #username: string
  #challenge: Challenge | undefined
  #stale = 0

  constructor(options: CredentialOptions) {
    this.#options = options
    this.#username = prepare(options.username, options.preparation)
    assertFits(attribute.username, this.#username)
    prepare(options.password, options.preparation) // throws now rather than in the middle of an exchange
  }

  /** The realm that the server named, once it has. */
  get realm(): string | undefined {
    return this.#challenge?.realm
  }

  /** The key that requests are protected with, once there is one. */
  get key(): IntegrityKey | undefined {
    return this.#challenge?.key
  }

  authenticate(builder: MessageBuilder): AuthenticatedRequest {
    const challenge = this.#challenge
    if (challenge !== undefined) this.#sign(builder, challenge) // else §9.2.3.1: the first request goes out bare
    return {
      accept: (message) => this.#accept(message, challenge),
      retry: (message) => this.#retry(message, challenge),
    }
  }

  #sign(builder: MessageBuilder, challenge: Challenge): void {
    if (challenge.anonymous) builder.add(attribute.userhash, userhash(this.#username, challenge.realm, this.#options))
    else builder.add(attribute.username, this.#username)
    builder.add(attribute.realm, challenge.realm).add(attribute.nonce, challenge.nonce)
    if (challenge.algorithms === undefined) {
      builder.integrity(challenge.key)
      return
    }
    builder.add(attribute.passwordAlgorithms, challenge.algorithms)
    builder.add(attribute.passwordAlgorithm, algorithmList(challenge.algorithm)[0]!)
    builder.integritySha256(challenge.key) // §9.2.5, last paragraph
  }

  #accept(message: StunMessage, sent: Challenge | undefined): boolean {
    const code = message.messageClass === 'error' ? message.get(attribute.errorCode)?.code : undefined
    if (code === 401 || code === 438) return true
    const nonce = message.get(attribute.nonce)
    if (nonce !== undefined && listIsMissing(nonce, message)) return false
    if (sent === undefined) return true
    // This covers a bare 400 too: it must be discarded (§9.2.5).
    if (!checkIntegrity(message, sent.key, sent.algorithms === undefined ? undefined : 'sha256')) return false
    this.#stale = 0
    return true
  }

  #retry(message: StunMessage, sent: Challenge | undefined): boolean {
    const code = message.get(attribute.errorCode)?.code
    if (code !== 401 && code !== 438) return false
    const nonce = message.get(attribute.nonce)
    const realm = message.get(attribute.realm) ?? (code === 438 ? sent?.realm : undefined)
    if (nonce === undefined || realm === undefined || listIsMissing(nonce, message)) return false
    if (code === 401 && sent?.realm === realm) return false // nothing would be different
    if (code === 438) {
      // Requests that overlap hear of the same stale nonce: the first of them has renewed it.
      if (this.#challenge !== undefined && this.#challenge.nonce !== sent?.nonce) return true
      if (++this.#stale > MAX_STALE_IN_A_ROW) return false
    }
    let algorithms: readonly PasswordAlgorithm[] | undefined
    let algorithm: number = passwordAlgorithms.md5
    if (message.has(attribute.passwordAlgorithms)) {
      algorithms = message.get(attribute.passwordAlgorithms)
      const known = algorithms?.find((entry) => entry.algorithm === 1 || entry.algorithm === 2)
      if (known === undefined) return false
      algorithm = known.algorithm
    }
    const key = this.#deriveKey(realm, algorithm)
    if (key === undefined) return false
    // The list is a view of the response, which is ours now, so it may be kept.
    const anonymous = readNonceCookie(nonce)?.usernameAnonymity ?? false
    this.#challenge = { realm, nonce, algorithms, algorithm, anonymous, key }
    return true
  }

  #deriveKey(realm: string, algorithm: number): IntegrityKey | undefined {
    const current = this.#challenge
    if (current?.realm === realm && current.algorithm === algorithm) return current.key
    const { password, crypto, preparation } = this.#options
    const credential = { username: this.#username, realm, password, algorithm }
    try {
      return longTermKey(credential, { ...(crypto && { crypto }), ...(preparation && { preparation }) })
    } catch {
      return undefined // the realm came from the network and cannot be prepared
    }
  }

  reset(): void {
    this.#challenge = undefined
    this.#stale = 0
  }
}

/** The nonce promises PASSWORD-ALGORITHMS and there is none: somebody took it out (bid-down, §9.2.1). */
function listIsMissing(nonce: string, message: StunMessage): boolean {
  return readNonceCookie(nonce)?.passwordAlgorithms === true && !message.has(attribute.passwordAlgorithms)
}
