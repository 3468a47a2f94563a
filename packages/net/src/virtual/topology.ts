// Ways to the internet by the names that people use for them.

import type { LinkOptions } from './link.ts'
import type { NatOptions } from './nat.ts'
import type { VirtualRouter } from './router.ts'
import type { VirtualNetwork } from './virtual-network.ts'

/**
 * - `open`: a router that only routes.
 * - `full-cone`, `address-restricted`, `port-restricted`: endpoint-independent mapping, with the three kinds of filtering (RFC 4787 §5).
 * - `symmetric`, `symmetric-random`: a mapping for every remote endpoint; ports counted up, or drawn at random.
 * - `cgnat`: a port-restricted NAT at home behind one of the carrier, with 100.64.0.0/10 between them (RFC 6598, RFC 6888).
 * - `udp-blocked`: port-restricted for TCP, and no UDP.
 * - `tcp-443-only`: the same, and TCP goes to port 443 alone.
 */
export type TopologyName =
  | 'open'
  | 'full-cone'
  | 'address-restricted'
  | 'port-restricted'
  | 'symmetric'
  | 'symmetric-random'
  | 'cgnat'
  | 'udp-blocked'
  | 'tcp-443-only'

export interface TopologyOptions {
  /** Of the router next to the hosts. */
  name?: string
  /** The router above; default `internet`. */
  via?: VirtualRouter
  /** The link to the router above. */
  link?: LinkOptions
  /** Hosts inside reach each other by their external endpoints. Default true. Not for `open`. */
  hairpin?: boolean
}

/** For loops over all of them. */
export const TOPOLOGIES: readonly TopologyName[] = [
  'open',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'symmetric',
  'symmetric-random',
  'cgnat',
  'udp-blocked',
  'tcp-443-only',
]

const NATS: Record<Exclude<TopologyName, 'open' | 'cgnat'>, NatOptions> = {
  'full-cone': { type: 'full-cone' },
  'address-restricted': { type: 'restricted-cone' },
  'port-restricted': { type: 'port-restricted-cone' },
  symmetric: { type: 'symmetric', portAllocation: 'sequential' },
  'symmetric-random': { type: 'symmetric', portAllocation: 'random' },
  'udp-blocked': { type: 'port-restricted-cone', blockUdp: true },
  'tcp-443-only': { type: 'port-restricted-cone', blockUdp: true, tcpPorts: [443] },
}

export function makeTopology(net: VirtualNetwork, name: TopologyName, options: TopologyOptions): VirtualRouter {
  const { hairpin, ...place } = options
  if (name === 'open') return net.addRouter(place)
  const settings = hairpin === undefined ? place : { ...place, hairpin }
  if (name !== 'cgnat') return net.addNat({ ...NATS[name], ...settings })
  // RFC 6888 REQ-1: endpoint-independent mapping. Many customers share an address, so that ports are not preserved.
  const { name: _name, ...above } = settings
  const carrier = net.addNat({
    type: 'port-restricted-cone',
    portAllocation: 'random',
    subnets: ['100.64.0.0/10'],
    ...above,
  })
  const { via: _via, link: _link, ...home } = settings
  return net.addNat({ type: 'port-restricted-cone', ...home, via: carrier })
}
