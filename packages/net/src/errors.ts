import type { Endpoint } from './network.ts'

/**
 * - `ERR_NET_UNSUPPORTED`: this platform has no such transport.
 * - `ERR_NET_ARGUMENT`: the caller passed something that is no address, port or time.
 * - `ERR_NET_BIND`, `ERR_NET_CONNECT`, `ERR_NET_LOOKUP`, `ERR_NET_SEND`, `ERR_NET_SOCKET`: the system refused; see `systemCode`.
 */
export type NetErrorCode =
  | 'ERR_NET_UNSUPPORTED'
  | 'ERR_NET_ARGUMENT'
  | 'ERR_NET_BIND'
  | 'ERR_NET_CONNECT'
  | 'ERR_NET_LOOKUP'
  | 'ERR_NET_SEND'
  | 'ERR_NET_SOCKET'

/** What every rejection and every `onerror` of this package carries. */
export class NetError extends Error {
  override readonly name = 'NetError'
  readonly code: NetErrorCode
  /** The operating system's name of the error (`'EADDRINUSE'`, `'EHOSTUNREACH'`, `'ENOTFOUND'`, …), where there is one. */
  readonly systemCode: string | undefined
  /** Where the datagram was going, for `ERR_NET_SEND`; what was to be connected, for `ERR_NET_CONNECT`. */
  readonly remote: Endpoint | undefined

  constructor(
    code: NetErrorCode,
    message: string,
    details: { systemCode?: string | undefined; remote?: Endpoint | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.systemCode = details.systemCode
    this.remote = details.remote
  }
}
