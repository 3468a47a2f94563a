/** Misuse of this package by its caller. Text from a peer never throws: see {@link parse} and `tryParse`. */
export class SdpError extends Error {
  override readonly name = 'SdpError'
  /** `ERR_SDP_VALUE`: a value that cannot stand in a line. `ERR_SDP_LEVEL`: an operation that this section cannot do. */
  readonly code: 'ERR_SDP_VALUE' | 'ERR_SDP_LEVEL'

  constructor(code: 'ERR_SDP_VALUE' | 'ERR_SDP_LEVEL', message: string) {
    super(message)
    this.code = code
  }
}
