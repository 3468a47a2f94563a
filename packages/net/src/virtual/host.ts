// A host of the virtual network: a `Network` with sockets, interfaces and timers on virtual time.

import { normalizeAddress, parseIp } from '../address.ts'
import { NetError } from '../errors.ts'
import type {
  Endpoint,
  InterfaceWatch,
  LookupOptions,
  Mdns,
  Network,
  NetworkInterface,
  TcpConnection,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  Timer,
  TimerOptions,
  UdpBindOptions,
  UdpSocket,
} from '../network.ts'
import type { Core } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import { VirtualInterface } from './interface.ts'
import type { InterfaceOptions } from './interface.ts'
import { InterfaceWatches } from './watches.ts'
import type { Link } from './link.ts'
import { MDNS_PORT, VirtualMdns } from './mdns.ts'
import { MAX_HOPS } from './packet.ts'
import type { Packet } from './packet.ts'
import { isWildcard } from './ports.ts'
import type { VirtualRouter } from './router.ts'
import type { ScheduledEvent } from './scheduler.ts'
import type { TcpSegment } from './tcp/segment.ts'
import { TcpStack } from './tcp/stack.ts'
import type { VirtualUdpSocket } from './udp.ts'
import { UdpStack } from './udp-stack.ts'

export interface HostOptions extends InterfaceOptions {
  /** Unique in its network. Default `host1`, … */
  name?: string
}

/** A host talks to itself a little later, not at once: so that time goes on when two of its sockets answer each other. */
const LOOPBACK_DELAY = 0.05
/** Bytes of a segment between two programs of one host. */
const LOOPBACK_SEGMENT = 16_384
const INERT_TIMER: Timer = { cancel(): void {} }

export class VirtualHost implements Network {
  readonly name: string
  readonly mdns: Mdns
  readonly #core: Core
  readonly #defaultRouter: VirtualRouter
  readonly #mdns: VirtualMdns
  readonly #interfaces: VirtualInterface[] = []
  readonly #timers: Set<ScheduledEvent> = new Set()
  readonly #udp: UdpStack
  readonly #tcp: TcpStack
  readonly #watches: InterfaceWatches
  #crashed = false

  /** @internal */
  constructor(core: Core, name: string, router: VirtualRouter, options: HostOptions) {
    this.#core = core
    this.name = name
    this.#defaultRouter = router
    this.#mdns = new VirtualMdns(core, this)
    this.mdns = this.#mdns
    this.#udp = new UdpStack(core, this)
    this.#tcp = new TcpStack(core, this)
    this.#watches = new InterfaceWatches(core.scheduler, () => this.interfaces())
    this.addInterface(options)
  }

  /** The first address of the first interface, without zone. */
  get address(): string {
    const address = this.addresses[0]
    if (address === undefined) throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${this.name} has no address`)
    return address
  }

  /** All addresses but the loopback ones, without zones. */
  get addresses(): string[] {
    return this.#interfaces.flatMap((entry) => entry.addresses)
  }

  /** The link of the first interface. */
  get link(): Link {
    return this.interface().link
  }

  /** How many sockets, connections and watches are open and timers armed (those with `unref` included): 0 when everything was cleaned up. */
  get openHandles(): number {
    const sockets = this.#udp.openHandles + this.#tcp.openHandles
    return sockets + this.#watches.size + this.#timers.size + this.#mdns.openHandles
  }

  /** By name; without one, the first. */
  interface(name?: string): VirtualInterface {
    const found = name === undefined ? this.#interfaces[0] : this.#interfaces.find((entry) => entry.name === name)
    if (found === undefined) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${this.name} has no interface ${name ?? ''}`.trimEnd())
    }
    return found
  }

  /** A cable is plugged in, a mobile network joined. Its `remove()` undoes it. */
  addInterface(options: InterfaceOptions = {}): VirtualInterface {
    const names = new Set(this.#interfaces.map((entry) => entry.name))
    let index = 0
    while (names.has(`eth${index}`)) index++
    const name = options.interface ?? `eth${index}`
    if (names.has(name)) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${this.name} has an interface ${name} already`)
    }
    const router = options.via ?? this.#defaultRouter
    const added = new VirtualInterface(this.#core, this, name, router, options, () => {
      this.#interfaces.splice(this.#interfaces.indexOf(added), 1)
    })
    this.#interfaces.push(added)
    this.#watches.changed()
    return added
  }

  /** Power off: all sockets and timers are gone and nobody is told. */
  crash(): void {
    this.#crashed = true
    this.#watches.clear()
    this.#tcp.crash()
    this.#udp.crash()
    for (const event of this.#timers) this.#core.scheduler.cancel(event)
    this.#timers.clear()
    this.#mdns.reset()
    while (this.#interfaces.length > 0) this.#interfaces[0]!.remove()
  }

  now(): number {
    return this.#core.scheduler.now
  }

  wallClock(): number {
    return this.#core.epoch + this.#core.scheduler.now
  }

  setTimer(at: number, callback: () => void, options?: TimerOptions): Timer {
    if (Number.isNaN(at)) throw new NetError('ERR_NET_ARGUMENT', 'The time of a timer is not a number')
    if (at === Infinity || this.#crashed) return INERT_TIMER
    const { scheduler } = this.#core
    const event = scheduler.schedule(
      at,
      () => {
        this.#timers.delete(event)
        scheduler.touched = true
        callback()
      },
      false,
      options?.unref === true,
    )
    this.#timers.add(event)
    return {
      cancel: (): void => {
        if (this.#timers.delete(event)) scheduler.cancel(event)
      },
    }
  }

  defer(callback: () => void): void {
    const { scheduler } = this.#core
    const run = (): void => {
      if (this.#crashed) return
      scheduler.touched = true
      callback()
    }
    scheduler.schedule(scheduler.now, run, true)
  }

  interfaces(): NetworkInterface[] {
    const list: NetworkInterface[] = [
      { name: 'lo', address: '127.0.0.1', family: 4, internal: true, prefixLength: 8 },
      { name: 'lo', address: '::1', family: 6, internal: true, prefixLength: 128 },
    ]
    for (const entry of this.#interfaces) list.push(...entry.describe())
    return list
  }

  watchInterfaces(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch {
    return this.#watches.add(callback)
  }

  bindUdp(options: UdpBindOptions = {}): Promise<UdpSocket> {
    return this.#udp.bind(options)
  }

  connectTcp(options: TcpConnectOptions): Promise<TcpConnection> {
    return this.#tcp.connect(options)
  }

  listenTcp(options: TcpListenOptions = {}): Promise<TcpListener> {
    return this.#tcp.listen(options)
  }

  async lookup(hostname: string, options: LookupOptions = {}): Promise<string[]> {
    options.signal?.throwIfAborted()
    const literal = normalizeAddress(hostname)
    if (literal !== undefined) return [literal]
    const name = hostname.toLowerCase()
    const entry = this.#core.names.get(name)
    if (entry !== undefined && entry.delay > 0) await this.#sleep(entry.delay, options.signal)
    const known = name === 'localhost' ? ['127.0.0.1', '::1'] : (entry?.addresses ?? [])
    const { family } = options
    const fitting = family === undefined ? known : known.filter((address) => parseIp(address)!.family === family)
    if (fitting.length === 0) {
      throw new NetError('ERR_NET_LOOKUP', `No address of ${hostname} is known`, { systemCode: 'ENOTFOUND' })
    }
    return [...fitting]
  }

  /** @internal The system's name of what went wrong, or undefined. */
  sendPacket(socket: VirtualUdpSocket, data: Uint8Array, to: Endpoint): string | undefined {
    const { local } = socket
    const destination = normalizeAddress(to.address)
    if (destination === undefined || to.port <= 0 || to.port > 65_535) return 'EINVAL'
    const ip = parseIp(destination)!
    if (ip.family !== local.family) return 'EAFNOSUPPORT'
    const isAnywhere = isWildcard(local.address)
    if (this.isOwn(destination)) {
      const source = isAnywhere ? destination : local.address
      const packet = this.makePacket(source, local.port, withoutZone(destination), to.port, data.slice())
      this.#loop(packet, source, destination)
      return undefined
    }
    if (!isAnywhere && withoutZone(local.address) !== local.address && ip.zone === undefined) return 'EINVAL'
    const out = this.#route(isAnywhere ? undefined : local.address, destination, ip.zone)
    if (out === undefined) return 'ENETUNREACH'
    const source = isAnywhere ? out.sourceFor(destination, local.family) : withoutZone(local.address)
    if (source === undefined) return 'ENETUNREACH'
    // As a network card would, take a copy: the receiver may write into it.
    const packet = this.makePacket(source, local.port, withoutZone(destination), to.port, data.slice())
    if (this.#core.taps.size > 0) this.#core.tell('sent', this.name, packet)
    return out.link.upstream.transmit(packet) ? undefined : 'EMSGSIZE'
  }

  /** @internal False when the own link does not carry so much; without a way out it is lost. */
  sendSegment(local: Endpoint, remote: Endpoint, segment: TcpSegment, data: Uint8Array): boolean {
    if (this.#crashed) return true
    const { address } = remote
    const packet = this.makePacket(local.address, local.port, withoutZone(address), remote.port, data, segment)
    if (this.isOwn(address)) {
      this.#loop(packet, local.address, address)
      return true
    }
    const out = this.#route(local.address, address, zoneOf(address))
    if (out === undefined) return true
    if (this.#core.taps.size > 0) this.#core.tell('sent', this.name, packet)
    return out.link.upstream.transmit(packet)
  }

  /** @internal The payload of the largest segment that the way to a remote address begins with. */
  maxSegment(local: string, remote: string): number {
    if (this.isOwn(remote)) return LOOPBACK_SEGMENT
    const out = this.#route(local, remote, zoneOf(remote))
    return (out?.link.mtu ?? 1500) - (remote.includes(':') ? 60 : 40)
  }

  /** @internal Which own address, with zone, speaks to a remote one. */
  sourceFor(remote: string): string | undefined {
    if (this.#crashed) return undefined
    if (this.isOwn(remote)) return remote
    const out = this.#route(undefined, remote, zoneOf(remote))
    const source = out?.sourceFor(withoutZone(remote), remote.includes(':') ? 6 : 4)
    return source === undefined ? undefined : out!.zoned(source)
  }

  /** @internal The normalised address to bind to. @throws NetError `ERR_NET_ARGUMENT`, `ERR_NET_BIND` */
  bindableAddress(options: { address?: string; family?: 4 | 6 }): string {
    const address = normalizeAddress(options.address ?? (options.family === 6 ? '::' : '0.0.0.0'))
    if (address === undefined) throw new NetError('ERR_NET_ARGUMENT', `Not an IP address: ${options.address}`)
    if (this.#crashed || !(isWildcard(address) || this.isOwn(address))) {
      throw new NetError('ERR_NET_BIND', `${this.name} has no address ${address}`, { systemCode: 'EADDRNOTAVAIL' })
    }
    return address
  }

  /** @internal */
  interfacesChanged(): void {
    this.#watches.changed()
  }

  /** @internal The packet keeps `data`. */
  makePacket(
    source: string,
    sourcePort: number,
    destination: string,
    destinationPort: number,
    data: Uint8Array,
    segment?: TcpSegment,
  ): Packet {
    return {
      id: this.#core.nextPacketId++,
      family: source.includes(':') ? 6 : 4,
      protocol: segment === undefined ? 'udp' : 'tcp',
      source: withoutZone(source),
      sourcePort,
      destination,
      destinationPort,
      hops: MAX_HOPS,
      data,
      segment,
    }
  }

  /** @internal From the wire. */
  receivePacket(packet: Packet, entry: VirtualInterface): void {
    if (packet.destinationPort === MDNS_PORT && entry.isMulticast(packet.destination)) {
      this.#mdns.receive(packet, entry)
      return
    }
    const address = entry.addresses.find((own) => own === packet.destination)
    if (address === undefined) this.#core.drop(this.name, 'route', packet)
    else this.#accept(packet, entry.zoned(packet.source), entry.zoned(address))
  }

  /** @internal */
  get attachedInterfaces(): readonly VirtualInterface[] {
    return this.#interfaces
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.setTimer(this.now() + ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** To itself. */
  #loop(packet: Packet, from: string, to: string): void {
    this.#core.scheduler.schedule(this.now() + LOOPBACK_DELAY, () => {
      if (!this.#crashed) this.#accept(packet, from, to)
    })
  }

  #accept(packet: Packet, from: string, to: string): void {
    if (packet.protocol === 'tcp') this.#tcp.receive(packet, from, to)
    else this.#udp.receive(packet, from, to)
  }

  /** @internal */
  isOwn(address: string): boolean {
    if (address === '::1' || address.startsWith('127.')) return true
    return this.#interfaces.some((entry) => entry.has(address))
  }

  /** The interface that the source address or zone asks for, else the one next to the destination, else the first. */
  #route(source: string | undefined, destination: string, zone: string | undefined): VirtualInterface | undefined {
    const family = destination.includes(':') ? 6 : 4
    if (zone !== undefined) return this.#interfaces.find((entry) => entry.name === zone)
    if (source !== undefined) return this.#interfaces.find((entry) => entry.has(source))
    const usable = this.#interfaces.filter((entry) => entry.sourceFor(destination, family) !== undefined)
    return usable.find((entry) => entry.router.isOnLink(destination)) ?? usable[0]
  }
}

function withoutZone(address: string): string {
  const percent = address.indexOf('%')
  return percent < 0 ? address : address.slice(0, percent)
}

function zoneOf(address: string): string | undefined {
  const percent = address.indexOf('%')
  return percent < 0 ? undefined : address.slice(percent + 1)
}
