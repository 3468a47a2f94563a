// A NAT as RFC 4787 describes them for UDP, and RFC 5382 for TCP: filtering (§5) and hairpinning (§6). Its rows are in `TranslationTable`.

import { parseIp } from '../address.ts'
import type { Endpoint } from '../network.ts'
import type { Core } from './core.ts'
import { endpoint, requireAddress } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import { StatefulFirewall, TCP_TIMEOUT } from './filtering.ts'
import type { NatBehavior } from './filtering.ts'
import type { Packet } from './packet.ts'
import { VirtualRouter } from './router.ts'
import type { RouterOptions } from './router.ts'
import { TranslationTable } from './translation.ts'
import type { NatMapping, TranslationBehavior } from './translation.ts'

/** The names of RFC 3489, as people still use them. `symmetric` also assigns ports at random. */
export type NatType = 'full-cone' | 'restricted-cone' | 'port-restricted-cone' | 'symmetric'

export interface NatOptions extends Omit<RouterOptions, 'filtering' | 'via' | 'subnets'> {
  /** The router above; default `internet`. May be another NAT. */
  via?: VirtualRouter
  /** A common combination; the options below change parts of it. Default `port-restricted-cone`. */
  type?: NatType
  mapping?: NatBehavior
  filtering?: NatBehavior
  /** How the external port is chosen; `preserve` takes the internal one if it is free, or the next free one. */
  portAllocation?: 'preserve' | 'sequential' | 'random'
  /** Inclusive. Default 1024 to 65535. */
  portRange?: readonly [min: number, max: number]
  /** Hosts inside reach each other by their external endpoints. Default true (RFC 4787 REQ-9). */
  hairpin?: boolean
  /** ms without traffic until a mapping is forgotten. Default 120000 (RFC 4787 REQ-5). */
  timeout?: number
  /** The same for a TCP connection. Default 7440000 (RFC 5382 REQ-5); while it is set up and closed, 240000. */
  tcpTimeout?: number
  /** Traffic from outside, too, keeps a mapping alive. Default false. */
  refreshOnInbound?: boolean
  /** The external addresses; default one IPv4 address of the router above. */
  address?: string | readonly string[]
  /** The networks inside. Default `192.168.x.0/24`. IPv6 is routed behind a firewall of the same `filtering` unless it is translated. */
  subnets?: readonly string[]
  /** Translate IPv6 also (NAT66). Default false. */
  translateIpv6?: boolean
}

const TYPES: Record<NatType, Pick<TranslationBehavior, 'mapping' | 'filtering' | 'portAllocation'>> = {
  'full-cone': {
    mapping: 'endpoint-independent',
    filtering: 'endpoint-independent',
    portAllocation: 'preserve',
  },
  'restricted-cone': {
    mapping: 'endpoint-independent',
    filtering: 'address-dependent',
    portAllocation: 'preserve',
  },
  'port-restricted-cone': {
    mapping: 'endpoint-independent',
    filtering: 'address-and-port-dependent',
    portAllocation: 'preserve',
  },
  symmetric: {
    mapping: 'address-and-port-dependent',
    filtering: 'address-and-port-dependent',
    portAllocation: 'random',
  },
}

export class VirtualNat extends VirtualRouter {
  /** May be changed while the network runs; rows that exist stay. */
  hairpin: boolean
  readonly #refreshOnInbound: boolean
  readonly #translateIpv6: boolean
  readonly #tables: { readonly udp: TranslationTable; readonly tcp: TranslationTable }
  readonly #ipv6Firewall: StatefulFirewall
  #external: string[] = []

  /** @internal */
  constructor(core: Core, options: NatOptions & { name: string; via: VirtualRouter; subnets: readonly string[] }) {
    const { filtering: _filtering, ...routerOptions } = options
    super(core, routerOptions)
    const type = TYPES[options.type ?? 'port-restricted-cone']
    const timeout = options.timeout ?? 120_000
    const behavior = {
      mapping: options.mapping ?? type.mapping,
      filtering: options.filtering ?? type.filtering,
      portAllocation: options.portAllocation ?? type.portAllocation,
      portRange: options.portRange ?? ([1024, 65_535] as const),
      timeout,
    }
    const tcpBehavior = { ...behavior, timeout: options.tcpTimeout ?? TCP_TIMEOUT }
    this.hairpin = options.hairpin ?? true
    this.#refreshOnInbound = options.refreshOnInbound ?? false
    this.#translateIpv6 = options.translateIpv6 ?? false
    this.#tables = {
      udp: new TranslationTable('udp', behavior, core.random(`nat ${this.name}`)),
      tcp: new TranslationTable('tcp', tcpBehavior, core.random(`nat ${this.name} tcp`)),
    }
    this.#ipv6Firewall = new StatefulFirewall(behavior.filtering, timeout)
    this.setAddress(options.address)
  }

  /** The first external address. */
  get address(): string {
    return this.#external[0]!
  }

  get addresses(): readonly string[] {
    return this.#external
  }

  /** The rows of the translation tables that are alive: UDP's, then TCP's. */
  get mappings(): NatMapping[] {
    const { now } = this.core.scheduler
    return [...this.#tables.udp.list(now), ...this.#tables.tcp.list(now)]
  }

  /** New external addresses, as after a new dial-in; forgets all mappings. Without argument: another free one. */
  setAddress(address?: string | readonly string[]): void {
    const upper = this.parent!
    let addresses: string[]
    if (address === undefined) {
      addresses = (this.#translateIpv6 ? ([4, 6] as const) : ([4] as const))
        .map((family) => upper.allocateAddress(family))
        .filter((text) => text !== undefined)
      if (addresses.length === 0) {
        throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${upper.name} has no address for ${this.name}`)
      }
    } else {
      addresses = (typeof address === 'string' ? [address] : address).map((text) => requireAddress(text).text)
    }
    for (const old of this.#external) upper.removeRoute(old)
    this.#external = []
    for (const text of addresses) {
      upper.addRoute(text, this.link!)
      this.#external.push(text)
    }
    this.reset()
  }

  /** Forgets all mappings, as after a reboot. Forwarded ports stay unless the address changed. */
  reset(): void {
    this.#tables.udp.reset(this.#external)
    this.#tables.tcp.reset(this.#external)
    this.#ipv6Firewall.reset()
  }

  /** Opens an external port for everyone, as in the settings of a home router. For UDP and TCP, or for one of them. */
  forward(port: number, to: Endpoint, protocol?: 'udp' | 'tcp'): void {
    const inside = endpoint(requireAddress(to.address).text, to.port, to.family)
    const external = this.#external.find((address) => parseIp(address)!.family === to.family)
    if (external === undefined) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${this.name} has no external IPv${to.family} address`)
    }
    for (const name of ['udp', 'tcp'] as const) {
      if (protocol === undefined || protocol === name) {
        this.#tables[name].forward(inside, endpoint(external, port, to.family))
      }
    }
  }

  /** What is translated stays hidden from the router above. */
  protected override advertises(address: string): boolean {
    return !this.#translates(address.includes(':') ? 6 : 4) && super.advertises(address)
  }

  protected override outbound(packet: Packet): void {
    const { core } = this
    const { now } = core.scheduler
    if (this.#external.includes(packet.destination)) {
      if (!this.hairpin) {
        core.drop(this.name, 'nat-hairpin', packet)
        return
      }
      // RFC 4787 REQ-9: the receiver sees the sender's external endpoint.
      if (this.#translateOut(packet, now)) this.inbound(packet)
      return
    }
    if (this.isOnLink(packet.destination)) {
      this.deliver(packet)
    } else if (!this.isBlocked(packet, packet.destinationPort)) {
      if (!this.#translates(packet.family)) this.#ipv6Firewall.outbound(packet, now)
      else if (!this.#translateOut(packet, now)) return
      this.sendUp(packet)
    }
  }

  protected override inbound(packet: Packet): void {
    const { now } = this.core.scheduler
    if (this.isBlocked(packet, packet.sourcePort)) return
    if (!this.#translates(packet.family)) {
      if (this.#ipv6Firewall.permits(packet, now)) this.deliver(packet)
      else this.core.drop(this.name, 'nat-filtering', packet)
      return
    }
    const mapping = this.#tables[packet.protocol].inbound(packet, now)
    if (mapping === undefined) {
      this.core.drop(this.name, 'nat-filtering', packet)
      return
    }
    if (this.#refreshOnInbound) {
      mapping.lastUsed = now
      mapping.permissions.allow(packet.source, packet.sourcePort, now)
    }
    packet.destination = mapping.inside.address
    packet.destinationPort = mapping.inside.port
    this.deliver(packet)
  }

  #translates(family: 4 | 6): boolean {
    return family === 4 || this.#translateIpv6
  }

  /** Gives the packet its external source. False when it had to be dropped. */
  #translateOut(packet: Packet, now: number): boolean {
    const mapping = this.#tables[packet.protocol].outbound(packet, this, now)
    if (mapping === undefined) {
      this.core.drop(this.name, 'nat-ports', packet)
      return false
    }
    packet.source = mapping.outside.address
    packet.sourcePort = mapping.outside.port
    return true
  }

  /** @internal One inside address always gets the same external address (RFC 4787 REQ-2: "paired" pooling). */
  externalFor(packet: Packet): string | undefined {
    const pool = this.#external.filter((address) => parseIp(address)!.family === packet.family)
    let hash = 0
    for (const byte of parseIp(packet.source)!.bytes) hash += byte
    return pool[hash % pool.length]
  }
}
