/** Why a call was refused or an allocation came to its end. Stable: switch on it rather than on the message. */
export type TurnErrorCode =
  | 'ERR_TURN_OPTION' // an option that makes no sense
  | 'ERR_TURN_STATE' // not now: before the allocation, after its end, or on one of the other kind
  | 'ERR_TURN_TOO_LARGE' // more than a datagram can carry
  | 'ERR_TURN_LIMIT' // one peer too many
  | 'ERR_TURN_CREDENTIALS' // the server refuses username, password or token
  | 'ERR_TURN_RESPONSE' // an error response; `responseCode` has the number
  | 'ERR_TURN_TIMEOUT' // no response in time
  | 'ERR_TURN_INTEGRITY' // responses came, none of them authentic
  | 'ERR_TURN_MALFORMED' // a response that lacks what it must carry
  | 'ERR_TURN_UNREACHABLE' // no address for the host, or the connection was refused or lost
  | 'ERR_TURN_LOST' // the server does not know the allocation any more
  | 'ERR_TURN_ABORTED' // the caller's signal
  | 'ERR_TURN_CLOSED' // used after close

/** Misuse by the caller, or what became of a request. */
export class TurnError extends Error {
  override readonly name: string = 'TurnError'
  readonly code: TurnErrorCode
  /** The number in ERROR-CODE when `code` is `ERR_TURN_RESPONSE`, `ERR_TURN_CREDENTIALS` or `ERR_TURN_LOST`. */
  readonly responseCode: number | undefined

  constructor(code: TurnErrorCode, message: string, options?: { cause?: unknown; responseCode?: number | undefined }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.responseCode = options?.responseCode
  }
}
