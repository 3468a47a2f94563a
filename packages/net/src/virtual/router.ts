// Routers form a tree below `internet`. A router knows each address below it, and sends the rest up.

import { parseIp } from '../address.ts'
import { isLinkLocal } from './core.ts'
import type { Core } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import { StatefulFirewall } from './filtering.ts'
import type { NatBehavior } from './filtering.ts'
import { Link } from './link.ts'
import type { LinkOptions, Receiver } from './link.ts'
import { MAX_HOPS, packetSize } from './packet.ts'
import type { Packet } from './packet.ts'
import { Subnet } from './subnet.ts'
import { EMPTY, NO_SACKS, RST, UNREACHABLE } from './tcp/segment.ts'
import type { TcpSegment } from './tcp/segment.ts'

export interface RouterOptions {
  /** Unique in its network. Default `router1`, … */
  name?: string
  /** The router above; default `internet`. `null`: none, a network of its own. */
  via?: VirtualRouter | null
  /** The link to the router above. */
  link?: LinkOptions
  /** Where the hosts below get their addresses from. Default: a free `10.x.0.0/16` and a free `fd00:0:0:x::/64`. */
  subnets?: readonly string[]
  /** Makes it a stateful firewall: lets in only what answers something from below. Default: lets everything in. */
  filtering?: NatBehavior
  /** How long the firewall remembers UDP, in ms. Default 120000. (Of TCP it remembers 124 minutes.) */
  timeout?: number
  /** No UDP crosses this router, in neither direction. Default false. */
  blockUdp?: boolean
  /** TCP crosses this router only to these ports of hosts above it. Default: to all. */
  tcpPorts?: readonly number[]
}

/** Whatever can hang below a router. */
export interface Attachable extends Receiver {
  readonly name: string
}

export class VirtualRouter implements Attachable {
  readonly name: string
  /** The link to the router above. */
  readonly link: Link | undefined
  readonly parent: VirtualRouter | undefined
  /** No UDP crosses this router while true. */
  blockUdp: boolean
  /** The only ports above this router to which TCP may go. Undefined: all. May be changed while the network runs. */
  tcpPorts: readonly number[] | undefined
  /** @internal */
  protected readonly core: Core
  protected readonly firewall: StatefulFirewall | undefined
  readonly #routes: Map<string, Link> = new Map()
  readonly #links: Set<Link> = new Set()
  readonly #subnets: Subnet[]

  /** @internal */
  constructor(core: Core, options: RouterOptions & { name: string; subnets: readonly string[] }) {
    this.core = core
    this.name = options.name
    this.blockUdp = options.blockUdp ?? false
    this.tcpPorts = options.tcpPorts
    this.parent = options.via ?? undefined
    this.#subnets = options.subnets.map((cidr) => new Subnet(cidr))
    this.firewall =
      options.filtering === undefined ? undefined : new StatefulFirewall(options.filtering, options.timeout ?? 120_000)
    this.link = this.parent?.attach(this, this.name, options.link)
  }

  /** @internal */
  attach(child: Attachable, linkName: string, options: LinkOptions | undefined): Link {
    const link = new Link(this.core, linkName, child, this)
    if (options !== undefined) link.set(options)
    this.#links.add(link)
    return link
  }

  /** @internal */
  detach(link: Link): void {
    this.#links.delete(link)
    for (const [address, route] of this.#routes) if (route === link) this.removeRoute(address)
  }

  /** @internal A free address for something below; undefined when there is no subnet of this family. */
  allocateAddress(family: 4 | 6): string | undefined {
    return this.#subnets.find((subnet) => subnet.family === family)?.allocate((address) => this.#routes.has(address))
  }

  /** @internal */
  prefixLength(address: string): number {
    const ip = parseIp(address)!
    const fallback = ip.family === 4 ? 24 : 64
    return this.#subnets.find((subnet) => subnet.contains(ip))?.prefixLength ?? fallback
  }

  /** @internal Whether hosts below count the address as one of their own network. */
  isOnLink(address: string): boolean {
    return this.#routes.has(address)
  }

  /** @internal */
  addRoute(address: string, link: Link): void {
    if (this.#routes.has(address)) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${address} is there already, below ${this.name}`)
    }
    this.#routes.set(address, link)
    if (this.parent === undefined || !this.advertises(address)) return
    try {
      this.parent.addRoute(address, this.link!)
    } catch (error) {
      this.#routes.delete(address)
      throw error
    }
  }

  /** @internal */
  removeRoute(address: string): void {
    if (!this.#routes.delete(address)) return
    if (this.parent !== undefined && this.advertises(address)) this.parent.removeRoute(address)
  }

  /** Whether the router above learns of an address below. */
  protected advertises(address: string): boolean {
    return !isLinkLocal(address)
  }

  /** @internal */
  receive(packet: Packet, from: Link): void {
    if (packet.destination === MULTICAST_4 || packet.destination === MULTICAST_6) {
      if (from !== this.link) this.#flood(packet, from)
      return
    }
    if (--packet.hops <= 0) {
      this.core.drop(this.name, 'hops', packet)
      return
    }
    if (from === this.link) this.inbound(packet)
    else this.outbound(packet)
  }

  /** From below, to wherever. */
  protected outbound(packet: Packet): void {
    if (this.#routes.has(packet.destination)) this.deliver(packet)
    else this.sendUp(packet)
  }

  /** From above. */
  protected inbound(packet: Packet): void {
    const { now } = this.core.scheduler
    if (this.isBlocked(packet, packet.sourcePort)) return
    if (this.firewall?.permits(packet, now) === false) this.core.drop(this.name, 'nat-filtering', packet)
    else this.deliver(packet)
  }

  /** True when this protocol may not cross, or not to this port above; then the packet was dropped. */
  protected isBlocked(packet: Packet, portAbove: number): boolean {
    if (packet.protocol === 'udp') {
      if (!this.blockUdp) return false
      this.core.drop(this.name, 'udp-blocked', packet)
      return true
    }
    if (this.tcpPorts === undefined || this.tcpPorts.includes(portAbove)) return false
    this.core.drop(this.name, 'tcp-blocked', packet)
    return true
  }

  protected sendUp(packet: Packet): void {
    if (this.link === undefined || isLinkLocal(packet.destination)) {
      this.core.drop(this.name, 'route', packet)
      if (packet.segment !== undefined) this.#answerUnreachable(packet, packet.segment)
      return
    }
    if (this.isBlocked(packet, packet.destinationPort)) return
    this.firewall?.outbound(packet, this.core.scheduler.now)
    this.link.upstream.transmit(packet)
  }

  /** Nobody has that address. (Of UDP senders only few hear of it, so they get no answer here.) */
  #answerUnreachable(packet: Packet, { flags }: TcpSegment): void {
    if ((flags & (RST | UNREACHABLE)) !== 0 || isLinkLocal(packet.destination)) return
    this.outbound({
      id: this.core.nextPacketId++,
      family: packet.family,
      protocol: 'tcp',
      source: packet.destination,
      sourcePort: packet.destinationPort,
      destination: packet.source,
      destinationPort: packet.sourcePort,
      hops: MAX_HOPS,
      data: EMPTY,
      segment: { flags: UNREACHABLE, sequence: 0, acknowledgement: 0, window: 0, sacks: NO_SACKS, maxSegment: 0 },
    })
  }

  /** To a host or router below. */
  protected deliver(packet: Packet): void {
    const link = this.#routes.get(packet.destination)
    if (link === undefined) this.core.drop(this.name, 'route', packet)
    else link.downstream.transmit(packet)
  }

  /** Multicast stays in the own network, as link-local groups do. */
  #flood(packet: Packet, from: Link): void {
    for (const link of this.#links) {
      if (link === from || packetSize(packet) > link.downstream.effects.mtu) continue
      link.downstream.transmit({ ...packet, data: packet.data.slice() })
    }
  }
}

/** The groups of mDNS (RFC 6762 §3), the only ones of the virtual network. */
export const MULTICAST_4 = '224.0.0.251'
export const MULTICAST_6 = 'ff02::fb'
