import type { CryptoProvider } from '@kaon/crypto'
import {
  attribute,
  type AuthenticatedRequest,
  checkIntegrity,
  type ClientCredentials,
  IntegrityKey,
  type MessageBuilder,
  type StunMessage,
} from '@kaon/stun'

export interface ThirdPartyOptions {
  /** What the authorization server calls the key that the token is sealed with: it goes into USERNAME. */
  readonly keyId: string
  readonly token: Uint8Array
  /** The key that came beside the token. */
  readonly macKey: Uint8Array
  readonly crypto?: CryptoProvider
}

interface Challenge {
  readonly realm: string
  readonly nonce: string
}

/** A server that answers 438 again and again would otherwise keep a client busy for ever. */
const MAX_STALE_IN_A_ROW = 3

/** A client's side of third-party authorization (RFC 7635 §3): a token from elsewhere instead of a password. One object per server. */
export class ThirdPartyCredentials implements ClientCredentials {
  readonly #options: ThirdPartyOptions
  readonly #key: IntegrityKey
  #challenge: Challenge | undefined
  #serverName: string | undefined
  #stale = 0

  constructor(options: ThirdPartyOptions) {
    this.#options = options
    this.#key = new IntegrityKey(options.macKey, options.crypto)
  }

  /** The name of THIRD-PARTY-AUTHORIZATION, once the server has told it: whom a token is to be asked for. */
  get serverName(): string | undefined {
    return this.#serverName
  }

  authenticate(builder: MessageBuilder): AuthenticatedRequest {
    const challenge = this.#challenge
    if (challenge !== undefined) {
      const { keyId, token } = this.#options
      builder.add(attribute.username, keyId).add(attribute.realm, challenge.realm).add(attribute.nonce, challenge.nonce)
      builder.add(attribute.accessToken, token).integrity(this.#key)
    }
    return {
      accept: (message) => this.#accept(message, challenge),
      retry: (message) => this.#retry(message, challenge),
    }
  }

  reset(): void {
    this.#challenge = undefined
    this.#stale = 0
  }

  #accept(message: StunMessage, sent: Challenge | undefined): boolean {
    const code = message.messageClass === 'error' ? message.get(attribute.errorCode)?.code : undefined
    if (code === 401 || code === 438 || sent === undefined) return true
    if (!checkIntegrity(message, this.#key)) return false
    this.#stale = 0
    return true
  }

  #retry(message: StunMessage, sent: Challenge | undefined): boolean {
    const code = message.get(attribute.errorCode)?.code
    const nonce = message.get(attribute.nonce)
    const realm = message.get(attribute.realm) ?? sent?.realm
    if (nonce === undefined || realm === undefined) return false
    if (code === 401) {
      const name = message.get(attribute.thirdPartyAuthorization)
      if (name === undefined || sent !== undefined) return false // no such server, or it does not like the token
      this.#serverName = name
    } else if (code === 438) {
      // Requests that overlap hear of the same stale nonce: the first of them has renewed it.
      if (this.#challenge !== undefined && this.#challenge.nonce !== sent?.nonce) return true
      if (++this.#stale > MAX_STALE_IN_A_ROW) return false
    } else return false
    this.#challenge = { realm, nonce }
    return true
  }
}
