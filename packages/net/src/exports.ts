// What both entry points, this platform's and the portable one, have in common.
export { NetError } from './errors.ts'
export type { NetErrorCode } from './errors.ts'
export { classifyIp, formatIp, normalizeAddress, parseIp } from './address.ts'
export type { IpAddress, IpClass } from './address.ts'
export type {
  Endpoint,
  InterfaceWatch,
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
  TlsServerOptions,
  UdpBindOptions,
  UdpSocket,
  UdpStats,
} from './network.ts'
