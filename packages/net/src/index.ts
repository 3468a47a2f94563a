import { NetError } from './errors.ts'
import type { Network, NetworkOptions } from './network.ts'

export { NetError } from './errors.ts'
export type { NetErrorCode } from './errors.ts'
export { classifyIp, formatIp, normalizeAddress, parseIp } from './address.ts'
export type { IpAddress, IpClass } from './address.ts'
export type {
  Endpoint,
  LookupOptions,
  Mdns,
  MdnsRegistration,
  Network,
  NetworkInterface,
  NetworkOptions,
  TcpConnection,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  Timer,
  TimerOptions,
  TlsOptions,
  UdpBindOptions,
  UdpSocket,
  UdpStats,
} from './network.ts'

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
