import { NetError } from './errors.ts'
import type { Network, NetworkOptions } from './network.ts'

export * from './exports.ts'

/**
 * The network of this machine. This is the entry point of platforms that have no sockets.
 * @throws NetError `ERR_NET_UNSUPPORTED`, always: Node's entry point has the real one.
 */
export function createNetwork(_options?: NetworkOptions): Network {
  throw new NetError(
    'ERR_NET_UNSUPPORTED',
    'This platform has no UDP and TCP sockets; @kaon/net needs Node.js for them',
  )
}
