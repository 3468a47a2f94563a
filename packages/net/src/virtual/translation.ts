// The translation table of a NAT for one protocol: mapping (RFC 4787 §4.1), port assignment (§4.2), lifetime (§4.3).

import type { Endpoint } from '../network.ts'
import { endpoint } from './core.ts'
import { Permissions } from './filtering.ts'
import type { NatBehavior } from './filtering.ts'
import type { Packet } from './packet.ts'
import type { Random } from './random.ts'
import { FIN, RST, SYN } from './tcp/segment.ts'

/** One row of the translation table. */
export interface NatMapping {
  readonly protocol: 'udp' | 'tcp'
  readonly inside: Endpoint
  readonly outside: Endpoint
}

export interface Mapping extends NatMapping {
  readonly key: string
  readonly permissions: Permissions
  lastUsed: number
  /** ms without traffic until it is forgotten. */
  timeout: number
  /** TCP: the last thing that went out was the end of a connection. */
  isClosing: boolean
  /** Made by `forward`: never forgotten, lets everyone in. */
  readonly isStatic: boolean
}

export interface TranslationBehavior {
  readonly mapping: NatBehavior
  readonly filtering: NatBehavior
  readonly portAllocation: 'preserve' | 'sequential' | 'random'
  readonly portRange: readonly [number, number]
  readonly timeout: number
}

/** Chooses among the external addresses of a NAT. */
export interface AddressPool {
  externalFor(packet: Packet): string | undefined
}

/** Of a TCP connection that is being set up or has been closed (RFC 5382 REQ-5: 4 minutes). */
const TRANSITORY_TIMEOUT = 4 * 60_000

export class TranslationTable {
  readonly #protocol: 'udp' | 'tcp'
  readonly #behavior: TranslationBehavior
  readonly #random: Random
  #nextPort: number
  /** By inside endpoint and, depending on the mapping behaviour, remote endpoint. */
  readonly #byInside: Map<string, Mapping> = new Map()
  readonly #byOutside: Map<string, Mapping> = new Map()

  constructor(protocol: 'udp' | 'tcp', behavior: TranslationBehavior, random: Random) {
    this.#protocol = protocol
    this.#behavior = behavior
    this.#random = random
    this.#nextPort = behavior.portRange[0]
  }

  /** The rows that are alive. */
  list(now: number): NatMapping[] {
    return [...this.#byOutside.values()]
      .filter((mapping) => !isExpired(mapping, now))
      .map(({ protocol, inside, outside }) => ({ protocol, inside, outside }))
  }

  /** The row for a packet from inside, made if need be, refreshed (RFC 4787 REQ-6); undefined when no port is left. */
  outbound(packet: Packet, pool: AddressPool, now: number): Mapping | undefined {
    const { destination, destinationPort } = packet
    const mapping = this.#find(packet, now) ?? this.#create(packet, pool.externalFor(packet), now)
    if (mapping === undefined) return undefined
    if (packet.segment !== undefined) this.#follow(mapping, packet.segment.flags, packet.data.length > 0)
    mapping.lastUsed = now
    mapping.permissions.allow(destination, destinationPort, now)
    return mapping
  }

  /** The row for a packet from outside, if it may enter. */
  inbound(packet: Packet, now: number): Mapping | undefined {
    const mapping = this.#byOutside.get(`${packet.destination}|${packet.destinationPort}`)
    if (mapping === undefined || isExpired(mapping, now)) return undefined
    return mapping.permissions.permits(packet.source, packet.sourcePort, now) ? mapping : undefined
  }

  /** An outside port that is always open to everyone. */
  forward(inside: Endpoint, outside: Endpoint): void {
    const existing = this.#byOutside.get(`${outside.address}|${outside.port}`)
    if (existing !== undefined) this.#remove(existing)
    this.#insert({
      protocol: this.#protocol,
      key: `${inside.address}|${inside.port}`,
      inside,
      outside,
      permissions: new Permissions('endpoint-independent', Infinity),
      lastUsed: 0,
      timeout: Infinity,
      isClosing: false,
      isStatic: true,
    })
  }

  /** Forgets all but what was forwarded on an address that is still there. */
  reset(externals: readonly string[]): void {
    for (const mapping of this.#byOutside.values()) {
      if (!mapping.isStatic || !externals.includes(mapping.outside.address)) this.#remove(mapping)
    }
  }

  #find(packet: Packet, now: number): Mapping | undefined {
    const inside = `${packet.source}|${packet.sourcePort}`
    let mapping = this.#byInside.get(inside)
    if (mapping?.isStatic !== true) mapping = this.#byInside.get(this.#keyOf(packet, inside))
    if (mapping === undefined || !isExpired(mapping, now)) return mapping
    this.#remove(mapping)
    return undefined
  }

  #keyOf(packet: Packet, inside: string): string {
    const { mapping } = this.#behavior
    if (mapping === 'endpoint-independent') return inside
    if (mapping === 'address-dependent') return `${inside}>${packet.destination}`
    return `${inside}>${packet.destination}|${packet.destinationPort}`
  }

  #create(packet: Packet, external: string | undefined, now: number): Mapping | undefined {
    const outside = external === undefined ? undefined : this.#allocate(packet, external, now)
    if (outside === undefined) return undefined
    const mapping = {
      protocol: this.#protocol,
      key: this.#keyOf(packet, `${packet.source}|${packet.sourcePort}`),
      inside: endpoint(packet.source, packet.sourcePort, packet.family),
      outside,
      permissions: new Permissions(this.#behavior.filtering, this.#behavior.timeout),
      lastUsed: now,
      timeout: this.#behavior.timeout,
      isClosing: false,
      isStatic: false,
    }
    this.#insert(mapping)
    return mapping
  }

  #allocate(packet: Packet, external: string, now: number): Endpoint | undefined {
    const { portAllocation, portRange } = this.#behavior
    const [min, max] = portRange
    const count = max - min + 1
    let port = this.#nextPort
    if (portAllocation === 'random') port = min + Math.floor(this.#random() * count)
    if (portAllocation === 'preserve') port = packet.sourcePort
    if (port < min || port > max) port = min
    for (let tries = 0; tries < count; tries++) {
      const holder = this.#byOutside.get(`${external}|${port}`)
      if (holder !== undefined && isExpired(holder, now)) this.#remove(holder)
      if (holder === undefined || isExpired(holder, now)) {
        if (portAllocation === 'sequential') this.#nextPort = port === max ? min : port + 1
        return endpoint(external, port, packet.family)
      }
      port = port === max ? min : port + 1
    }
    return undefined
  }

  /** A connection is short-lived until its handshake is done, and again after its end (RFC 5382 §5). */
  #follow(mapping: Mapping, flags: number, hasData: boolean): void {
    if ((flags & (SYN | FIN | RST)) !== 0) {
      mapping.isClosing = (flags & SYN) === 0
      mapping.timeout = TRANSITORY_TIMEOUT
    } else if (hasData || !mapping.isClosing) {
      // Data after an end is that of another connection; what only acknowledges may belong to the end.
      mapping.isClosing = false
      mapping.timeout = this.#behavior.timeout
    }
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

function isExpired(mapping: Mapping, now: number): boolean {
  return !mapping.isStatic && now - mapping.lastUsed > mapping.timeout
}
