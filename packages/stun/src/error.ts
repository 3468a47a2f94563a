/** Why a call was refused. Stable: switch on it rather than on the message. */
export type StunErrorCode =
  | 'ERR_STUN_ADDRESS' // not an IP address or port
  | 'ERR_STUN_ATTRIBUTE' // a value that its attribute cannot carry
  | 'ERR_STUN_ORDER' // an attribute after MESSAGE-INTEGRITY or FINGERPRINT, or a message that was not started
  | 'ERR_STUN_TOO_LARGE' // more than 65,535 bytes of attributes
  | 'ERR_STUN_CREDENTIALS' // text that cannot be a username, realm or password, or credentials that a server refused
  | 'ERR_STUN_OPTION' // an option out of range
  | 'ERR_STUN_TIMEOUT' // no (authentic) response in time
  | 'ERR_STUN_INTEGRITY' // responses came, none of them authentic
  | 'ERR_STUN_RESPONSE' // an error response; `responseCode` has the number
  | 'ERR_STUN_MALFORMED' // a response that lacks what it must carry
  | 'ERR_STUN_UNREACHABLE' // no address for the host, or the connection was refused or lost
  | 'ERR_STUN_ABORTED' // the caller's signal
  | 'ERR_STUN_CLOSED' // used after close

/** Misuse by the caller, or a transaction that failed (drivers reject with it). */
export class StunError extends Error {
  override readonly name: string = 'StunError'
  readonly code: StunErrorCode
  /** The number in ERROR-CODE when `code` is `ERR_STUN_RESPONSE`. */
  readonly responseCode: number | undefined

  constructor(code: StunErrorCode, message: string, options?: { cause?: unknown; responseCode?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.responseCode = options?.responseCode
  }
}
