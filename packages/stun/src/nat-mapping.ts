import type { TransportAddress } from './address.ts'

/** On what a NAT lets something depend (RFC 4787 §4.1 and §5). */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

/**
 * How a NAT chooses the outside address and port of a local port (RFC 4787 §4.1). `none`: there is no NAT. `endpoint-dependent`: one of the
 * two kinds that depend on whom one talks to, and there was nobody to ask which.
 */
export type NatMapping = NatDependence | 'endpoint-dependent' | 'none' | 'unknown'

/** What one server saw of one socket. */
export interface MappingObservation {
  readonly server: TransportAddress
  readonly mapped: TransportAddress
}

/** What observations of one socket say about the NAT in front of it. */
export interface MappingInference {
  readonly mapping: Exclude<NatMapping, 'none'>
  /** One server gave two answers: the NAT has changed its mind meanwhile, or the server does not tell the truth. */
  readonly isContradictory: boolean
}

/**
 * Infers the mapping from what servers at different addresses and ports saw of one socket: RFC 5780 §4.3, for any set of servers.
 * Order does not matter. Servers of one address tell whether the port matters, servers of several whether the address does.
 */
export function inferMapping(observations: readonly MappingObservation[]): MappingInference {
  let dependsOnPort = false
  let ignoresPort = false
  let dependsOnAddress = false
  let ignoresAddress = false
  for (const [index, left] of observations.entries()) {
    for (const right of observations.slice(index + 1)) {
      const same = isSame(left.mapped, right.mapped)
      if (left.server.address !== right.server.address) {
        if (same) ignoresAddress = true
        else dependsOnAddress = true
      } else if (left.server.port !== right.server.port) {
        if (same) ignoresPort = true
        else dependsOnPort = true
      } else if (!same) return { mapping: 'unknown', isContradictory: true }
    }
  }
  if (dependsOnPort) return { mapping: 'address-and-port-dependent', isContradictory: false }
  if (dependsOnAddress)
    return { mapping: ignoresPort ? 'address-dependent' : 'endpoint-dependent', isContradictory: false }
  return { mapping: ignoresAddress ? 'endpoint-independent' : 'unknown', isContradictory: false }
}

export function isSame(left: TransportAddress, right: TransportAddress): boolean {
  return left.port === right.port && left.address === right.address
}
