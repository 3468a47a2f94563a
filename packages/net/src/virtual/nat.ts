// A NAT as RFC 4787 describes them: mapping (§4.1), port assignment (§4.2), refresh (§4.3), filtering (§5), hairpinning (§6).

import { parseIp } from '../address.ts'
import type { Endpoint } from '../network.ts'
import type { Core } from './core.ts'
import { endpoint, requireAddress } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import { Permissions, StatefulFirewall } from './filtering.ts'
import type { NatBehavior } from './filtering.ts'
import type { Packet } from './packet.ts'
import type { Random } from './random.ts'
import { VirtualRouter } from './router.ts'
import type { RouterOptions } from './router.ts'

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
  /** Traffic from outside, too, keeps a mapping alive. Default false. */
  refreshOnInbound?: boolean
  /** The external addresses; default one IPv4 address of the router above. */
  address?: string | readonly string[]
  /** The networks inside. Default `192.168.x.0/24`. IPv6 is routed behind a firewall of the same `filtering` unless it is translated. */
  subnets?: readonly string[]
  /** Translate IPv6 also (NAT66). Default false. */
  translateIpv6?: boolean
}

/** One row of the translation table. */
export interface NatMapping {
  readonly inside: Endpoint
  readonly outside: Endpoint
}

interface Mapping extends NatMapping {
  readonly key: string
  readonly permissions: Permissions
  lastUsed: number
  /** Made by `forward`: never forgotten, lets everyone in. */
  readonly isStatic: boolean
}

interface Behavior {
  mapping: NatBehavior
  filtering: NatBehavior
  portAllocation: 'preserve' | 'sequential' | 'random'
}

const TYPES: Record<NatType, Behavior> = {
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
  readonly #behavior: Behavior
  readonly #timeout: number
  readonly #refreshOnInbound: boolean
  readonly #translateIpv6: boolean
  readonly #portRange: readonly [number, number]
  readonly #random: Random
  readonly #ipv6Firewall: StatefulFirewall
  #external: string[] = []
  #nextPort: number
  /** By inside endpoint and, depending on the mapping behaviour, remote endpoint. */
  readonly #byInside: Map<string, Mapping> = new Map()
  readonly #byOutside: Map<string, Mapping> = new Map()

  /** @internal */
  constructor(core: Core, options: NatOptions & { name: string; via: VirtualRouter; subnets: readonly string[] }) {
    const { filtering: _filtering, ...routerOptions } = options
    super(core, routerOptions)
    const type = TYPES[options.type ?? 'port-restricted-cone']
    this.#behavior = {
      mapping: options.mapping ?? type.mapping,
      filtering: options.filtering ?? type.filtering,
      portAllocation: options.portAllocation ?? type.portAllocation,
    }
    this.hairpin = options.hairpin ?? true
    this.#timeout = options.timeout ?? 120_000
    this.#refreshOnInbound = options.refreshOnInbound ?? false
    this.#translateIpv6 = options.translateIpv6 ?? false
    this.#portRange = options.portRange ?? [1024, 65_535]
    this.#nextPort = this.#portRange[0]
    this.#random = core.random(`nat ${this.name}`)
    this.#ipv6Firewall = new StatefulFirewall(this.#behavior.filtering, this.#timeout)
    this.setAddress(options.address)
  }

  /** The first external address. */
  get address(): string {
    return this.#external[0]!
  }

  get addresses(): readonly string[] {
    return this.#external
  }

  /** The rows of the translation table that are alive. */
  get mappings(): NatMapping[] {
    const { now } = this.core.scheduler
    return [...this.#byOutside.values()]
      .filter((mapping) => !this.#isExpired(mapping, now))
      .map(({ inside, outside }) => ({ inside, outside }))
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
    for (const mapping of this.#byOutside.values()) {
      if (!mapping.isStatic || !this.#external.includes(mapping.outside.address)) this.#remove(mapping)
    }
    this.#ipv6Firewall.reset()
  }

  /** Opens an external port for everyone, as in the settings of a home router. */
  forward(port: number, to: Endpoint): void {
    const inside = endpoint(requireAddress(to.address).text, to.port, to.family)
    const external = this.#external.find((address) => parseIp(address)!.family === to.family)
    if (external === undefined) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${this.name} has no external IPv${to.family} address`)
    }
    const existing = this.#byOutside.get(`${external}|${port}`)
    if (existing !== undefined) this.#remove(existing)
    this.#insert({
      key: `${inside.address}|${inside.port}`,
      inside,
      outside: endpoint(external, port, to.family),
      permissions: new Permissions('endpoint-independent', Infinity),
      lastUsed: 0,
      isStatic: true,
    })
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
    } else if (this.#translates(packet.family)) {
      if (this.blockUdp) core.drop(this.name, 'udp-blocked', packet)
      else if (this.#translateOut(packet, now)) this.sendUp(packet)
    } else {
      this.#ipv6Firewall.outbound(packet.source, packet.sourcePort, packet.destination, packet.destinationPort, now)
      this.sendUp(packet)
    }
  }

  protected override inbound(packet: Packet): void {
    const { core } = this
    const { now } = core.scheduler
    if (this.blockUdp) {
      core.drop(this.name, 'udp-blocked', packet)
      return
    }
    if (!this.#translates(packet.family)) {
      if (
        this.#ipv6Firewall.permits(packet.destination, packet.destinationPort, packet.source, packet.sourcePort, now)
      ) {
        this.deliver(packet)
      } else {
        core.drop(this.name, 'nat-filtering', packet)
      }
      return
    }
    const mapping = this.#byOutside.get(`${packet.destination}|${packet.destinationPort}`)
    if (
      mapping === undefined ||
      this.#isExpired(mapping, now) ||
      !mapping.permissions.permits(packet.source, packet.sourcePort, now)
    ) {
      core.drop(this.name, 'nat-filtering', packet)
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
    let key = `${packet.source}|${packet.sourcePort}`
    let mapping = this.#byInside.get(key)
    if (mapping?.isStatic !== true) {
      const { mapping: behavior } = this.#behavior
      if (behavior !== 'endpoint-independent') key += `>${packet.destination}`
      if (behavior === 'address-and-port-dependent') key += `|${packet.destinationPort}`
      mapping = this.#byInside.get(key)
    }
    if (mapping !== undefined && this.#isExpired(mapping, now)) {
      this.#remove(mapping)
      mapping = undefined
    }
    if (mapping === undefined) {
      const outside = this.#allocate(packet, now)
      if (outside === undefined) {
        this.core.drop(this.name, 'nat-ports', packet)
        return false
      }
      mapping = {
        key,
        inside: endpoint(packet.source, packet.sourcePort, packet.family),
        outside,
        permissions: new Permissions(this.#behavior.filtering, this.#timeout),
        lastUsed: now,
        isStatic: false,
      }
      this.#insert(mapping)
    }
    mapping.lastUsed = now // RFC 4787 REQ-6: outbound refresh
    mapping.permissions.allow(packet.destination, packet.destinationPort, now)
    packet.source = mapping.outside.address
    packet.sourcePort = mapping.outside.port
    return true
  }

  #allocate(packet: Packet, now: number): Endpoint | undefined {
    const external = this.#pairedAddress(packet)
    if (external === undefined) return undefined
    const [min, max] = this.#portRange
    const count = max - min + 1
    let port = this.#nextPort
    if (this.#behavior.portAllocation === 'random') port = min + Math.floor(this.#random() * count)
    if (this.#behavior.portAllocation === 'preserve') port = packet.sourcePort
    if (port < min || port > max) port = min
    for (let tries = 0; tries < count; tries++) {
      const holder = this.#byOutside.get(`${external}|${port}`)
      if (holder !== undefined && this.#isExpired(holder, now)) this.#remove(holder)
      if (holder === undefined || this.#isExpired(holder, now)) {
        if (this.#behavior.portAllocation === 'sequential') this.#nextPort = port === max ? min : port + 1
        return endpoint(external, port, packet.family)
      }
      port = port === max ? min : port + 1
    }
    return undefined
  }

  /** One inside address always gets the same external address (RFC 4787 REQ-2: "paired" pooling). */
  #pairedAddress(packet: Packet): string | undefined {
    const pool = this.#external.filter((address) => parseIp(address)!.family === packet.family)
    let hash = 0
    for (const byte of parseIp(packet.source)!.bytes) hash += byte
    return pool[hash % pool.length]
  }

  #isExpired(mapping: Mapping, now: number): boolean {
    return !mapping.isStatic && now - mapping.lastUsed > this.#timeout
  }

  #insert(mapping: Mapping): void {
    this.#byInside.set(mapping.key, mapping)
    this.#byOutside.set(`${mapping.outside.address}|${mapping.outside.port}`, mapping)
  }

  #remove(mapping: Mapping): void {
    if (this.#byInside.get(mapping.key) === mapping) this.#byInside.delete(mapping.key) // `forward` may have taken its place
    this.#byOutside.delete(`${mapping.outside.address}|${mapping.outside.port}`)
  }
}
