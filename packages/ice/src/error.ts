/** What a caller can do wrong; bytes from the network never raise one of these. */
export type IceErrorCode =
  /** A username fragment or password outside the grammar and lengths of RFC 8839 §5.4. */
  | 'ERR_ICE_PARAMETERS'
  /** A candidate that cannot be used: not an address, port out of range, … */
  | 'ERR_ICE_CANDIDATE'
  /** A STUN or TURN URL outside RFC 7064 / RFC 7065, or a server entry without URLs. */
  | 'ERR_ICE_SERVER_URL'
  /** A call that the state does not allow, such as gathering after `close()`. */
  | 'ERR_ICE_STATE'
  /** An option out of its range. */
  | 'ERR_ICE_OPTION'

/** The caller's misuse of an agent or connection. */
export class IceError extends Error {
  readonly code: IceErrorCode

  constructor(code: IceErrorCode, message: string) {
    super(message)
    this.name = 'IceError'
    this.code = code
  }
}
