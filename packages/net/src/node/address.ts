import { classifyIp, normalizeAddress, parseIp } from '../address.ts'
import { NetError } from '../errors.ts'
import type { Endpoint } from '../network.ts'

/** An endpoint as Node reports it, in the spelling of this package. */
export function toEndpoint(address: string | undefined, port: number | undefined): Endpoint {
  const normalized = normalizeAddress(address ?? '') ?? address ?? ''
  return { address: normalized, port: port ?? 0, family: normalized.includes(':') ? 6 : 4 }
}

/** The local address to bind to, with its family. @throws NetError `ERR_NET_ARGUMENT` */
export function bindAddress(options: { address?: string; family?: 4 | 6 }): { address: string; family: 4 | 6 } {
  const address = normalizeAddress(options.address ?? (options.family === 6 ? '::' : '0.0.0.0'))
  if (address === undefined) throw new NetError('ERR_NET_ARGUMENT', `Not an IP address: ${options.address}`)
  return { address, family: address.includes(':') ? 6 : 4 }
}

/** The ports to try, in order; 0 lets the system choose. @throws NetError `ERR_NET_ARGUMENT` */
export function portsToTry(options: { port?: number; portRange?: readonly [number, number] }): Iterable<number> {
  if (options.port) return [requirePort(options.port)]
  if (options.portRange === undefined) return [0]
  const min = Math.max(1, requirePort(options.portRange[0]))
  const max = requirePort(options.portRange[1])
  if (min > max) throw new NetError('ERR_NET_ARGUMENT', `Not a port range: ${options.portRange.join(' to ')}`)
  return rotated(min, max)
}

export function isLinkLocal(address: string): boolean {
  const ip = parseIp(address)
  return ip !== undefined && ip.family === 6 && classifyIp(ip) === 'link-local'
}

function requirePort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new NetError('ERR_NET_ARGUMENT', `Not a port: ${port}`)
}

/** From a random place on, so that several processes with one range seldom meet. */
function* rotated(min: number, max: number): Iterable<number> {
  const count = max - min + 1
  const start = Math.floor(Math.random() * count)
  for (let i = 0; i < count; i++) yield min + ((start + i) % count)
}
