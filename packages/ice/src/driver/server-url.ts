// STUN and TURN URLs (RFC 7064, RFC 7065).
import { IceError } from '../error.ts'

export interface ServerUrl {
  readonly scheme: 'stun' | 'stuns' | 'turn' | 'turns'
  /** A host name or an IP address without brackets. */
  readonly host: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
}

const URL_PATTERN =
  /^(stun|stuns|turn|turns):(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~!$&'()*+,;=%-]+))(?::([0-9]{1,5}))?(?:\?(.*))?$/i

/**
 * Reads `stun:host[:port]`, `turns:[2001:db8::1]:443?transport=tcp` and the like. A `transport` on a STUN URL is outside
 * RFC 7064 but common; it is taken as meant.
 * @throws IceError `ERR_ICE_SERVER_URL`.
 */
export function parseServerUrl(url: string): ServerUrl {
  const match = URL_PATTERN.exec(url.trim())
  if (match === null) throw new IceError('ERR_ICE_SERVER_URL', `not a STUN or TURN URL: ${url}`)
  const scheme = match[1]!.toLowerCase() as ServerUrl['scheme']
  const secure = scheme.endsWith('s')
  const port = match[4] === undefined ? (secure ? 5349 : 3478) : Number(match[4])
  if (port < 1 || port > 65535) throw new IceError('ERR_ICE_SERVER_URL', `port out of range: ${url}`)
  let transport: 'udp' | 'tcp' = secure ? 'tcp' : 'udp'
  if (match[5] !== undefined) {
    const query = /^transport=(udp|tcp)$/i.exec(match[5])
    if (query === null) throw new IceError('ERR_ICE_SERVER_URL', `unknown parameter: ${url}`)
    transport = query[1]!.toLowerCase() as 'udp' | 'tcp'
  }
  return { scheme, host: match[2] ?? match[3]!, port, transport }
}
