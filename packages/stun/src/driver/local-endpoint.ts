import type { Endpoint, Network, NetworkInterface } from '@kaon/net'
import { parseAddress } from '../address.ts'

/**
 * The own side of a socket as people want to read it: when the socket is bound to no particular address, the interface
 * address that most likely carried the packets. Exact without a NAT, or with a single address of the family.
 */
export function localEndpoint(
  network: Network,
  bound: Endpoint,
  remote: Endpoint,
  mapped: Endpoint | undefined,
): Endpoint {
  if (bound.address !== '0.0.0.0' && bound.address !== '::') return bound
  const candidates = network.interfaces().filter((candidate) => candidate.family === remote.family)
  const found =
    candidates.find((candidate) => candidate.address === mapped?.address) ?? // no NAT in between
    candidates.find((candidate) => sameSubnet(candidate, remote.address)) ??
    candidates.find((candidate) => !candidate.internal && !candidate.address.startsWith('fe80:'))
  return found === undefined ? bound : { address: found.address, port: bound.port, family: bound.family }
}

function sameSubnet(candidate: NetworkInterface, address: string): boolean {
  const own = parseAddress(candidate.address)
  const other = parseAddress(address)
  if (own === undefined || other === undefined || own.length !== other.length) return false
  for (let bit = 0; bit < candidate.prefixLength; bit += 8) {
    const mask = candidate.prefixLength - bit >= 8 ? 0xff : 0xff & (0xff << (8 - (candidate.prefixLength - bit)))
    if (((own[bit >> 3]! ^ other[bit >> 3]!) & mask) !== 0) return false
  }
  return true
}
