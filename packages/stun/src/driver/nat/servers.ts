import { classifyIp, type Endpoint, type Network, parseIp } from '@kaon/net'
import { transportAddress } from '../../address.ts'
import { attribute } from '../../attributes.ts'
import { StunError } from '../../error.ts'
import type { StunMessage } from '../../message.ts'
import { parseHostPort, parseStunUri } from '../../uri.ts'
import { describe } from '../failures.ts'

/** More servers do not make the result better. */
const MAX_SERVERS = 8

export interface NamedServer {
  /** As it was given. */
  readonly server: string
  readonly host: string
  readonly port: number
}

/** @throws StunError `ERR_STUN_OPTION` */
export function parseServers(servers: string | readonly string[]): NamedServer[] {
  const list = typeof servers === 'string' ? [servers] : servers
  if (list.length === 0) throw new StunError('ERR_STUN_OPTION', 'no server given')
  if (list.length > MAX_SERVERS) throw new StunError('ERR_STUN_OPTION', `at most ${MAX_SERVERS} servers`)
  return list.map((server) => {
    if (/^stuns:/i.test(server)) {
      throw new StunError('ERR_STUN_OPTION', `the behaviour of a NAT is found out over UDP, not TLS: ${server}`)
    }
    const parsed = /^stun:/i.test(server) ? parseStunUri(server) : parseHostPort(server)
    if (parsed === undefined) throw new StunError('ERR_STUN_OPTION', `not a STUN server: ${server}`)
    return { server, host: parsed.host, port: parsed.port ?? 3478 }
  })
}

/**
 * An address for each server, all of one family: the given one, else IPv4 if any server has it, since that is what NATs are for.
 * A server without such an address has none here.
 * @throws StunError `ERR_STUN_UNREACHABLE` when none has.
 */
export async function resolveServers(
  network: Network,
  servers: readonly NamedServer[],
  family: 4 | 6 | undefined,
): Promise<{ family: 4 | 6; endpoints: (Endpoint | undefined)[] }> {
  let cause: unknown
  const found = await Promise.all(
    servers.map(async ({ host, port }) => {
      try {
        const addresses = await network.lookup(host, family === undefined ? undefined : { family })
        return addresses.map((address) => transportAddress(address, port))
      } catch (error) {
        cause = error
        return []
      }
    }),
  )
  const chosen = family ?? (found.flat().some((endpoint) => endpoint.family === 4) ? 4 : 6)
  const endpoints = found.map((list) => list.find((endpoint) => endpoint.family === chosen))
  if (endpoints.every((endpoint) => endpoint === undefined)) {
    const names = servers.map(({ host }) => host).join(', ')
    const why = cause === undefined ? `no IPv${chosen} address` : describe(cause)
    throw new StunError('ERR_STUN_UNREACHABLE', `no address for ${names}: ${why}`, { cause })
  }
  return { family: chosen, endpoints }
}

/**
 * The second address and port of a server (RFC 5780 §7.4). `unusable` when it cannot be one, or not one that anybody could talk to: a
 * server may not send its clients to hosts of their own network, or to everybody.
 */
export function otherAddressOf(message: StunMessage, server: Endpoint): Endpoint | 'unusable' | undefined {
  const other = message.get(attribute.otherAddress)
  if (other === undefined) return message.has(attribute.otherAddress) ? 'unusable' : undefined
  if (other.family !== server.family || other.port === 0) return 'unusable'
  if (other.port === server.port || other.address === server.address) return 'unusable'
  const [kind, own] = [other, server].map(({ address }) => classifyIp(parseIp(address)!))
  return kind === 'global' || kind === own ? other : 'unusable'
}
