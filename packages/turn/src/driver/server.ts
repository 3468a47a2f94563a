import type { Endpoint, Network, TcpConnection, TcpListener, Timer, TlsServerOptions, UdpSocket } from '@kaon/net'
import { TurnError } from '../error.ts'
import type { PeerConnection } from '../server/connections.ts'
import { TurnServerCore } from '../server/core.ts'
import type { BindRequest, TurnServerCoreOptions, TurnServerEvent, TurnServerStats } from '../server/types.ts'
import type { TurnTransport } from '../uri.ts'
import { StreamClientLink, UdpClientLink } from './client-links.ts'
import { PeerConnections } from './peer-connections.ts'
import { type Relay, type RelayAddress, RelayPorts, TcpRelayPort, UdpRelay } from './relay-ports.ts'

export interface TurnServerOptions extends Omit<TurnServerCoreOptions, 'families'> {
  readonly network: Network
  /** Local addresses to listen on. Default: all, IPv4 and, where there is one, IPv6. */
  readonly addresses?: readonly string[]
  /** For UDP and TCP. Default 3478; 0 takes a free one, the same for all sockets. */
  readonly port?: number
  /** Default true. */
  readonly udp?: boolean
  /** Default: where the network has it. */
  readonly tcp?: boolean
  /** Listen with TLS too. `port` default 5349. */
  readonly tls?: TlsServerOptions & { readonly port?: number }
  /** Where to relay from, the first of each family. Default: where it listens, or the first public-looking address of each family. */
  readonly relayAddresses?: readonly RelayAddress[]
  /** Of relayed addresses, inclusive. Default 49,152 to 65,535 (RFC 8656 §7.2). */
  readonly portRange?: readonly [min: number, max: number]
  /** TCP and TLS connections of clients at a time; further ones are closed at once. Default 4000. */
  readonly maxClientConnections?: number
  /** ms after which a silent connection without an allocation is closed. Default 30,000. */
  readonly idleTimeout?: number
  readonly signal?: AbortSignal
}

export interface TurnDriverStats extends TurnServerStats {
  /** TCP and TLS connections of clients at this moment. */
  clientConnections: number
  connectionsRefused: number
  connectionsTimedOut: number
  /** Closed because they carried something else than STUN and channel data. */
  connectionsMalformed: number
}

/** A TURN server on the sockets of a `Network`: UDP, TCP and TLS for clients, UDP and TCP for peers. */
export class TurnServer {
  readonly #network: Network
  readonly #core: TurnServerCore
  readonly #relayPorts: RelayPorts
  readonly #peerConnections: PeerConnections
  readonly #udp: UdpClientLink[] = []
  #listeners: { readonly transport: 'tcp' | 'tls'; readonly listener: TcpListener }[] = []
  readonly #clients = new Set<StreamClientLink>()
  readonly #relays = new Set<Relay>()
  readonly #maxClients: number
  readonly #idleTimeout: number
  readonly #counters = { connectionsRefused: 0, connectionsTimedOut: 0, connectionsMalformed: 0 }
  #timer: Timer | undefined
  #timerAt = Infinity
  #idleTimer: Timer | undefined
  #draining = false
  #closed = false

  private constructor(options: TurnServerOptions) {
    const { network, random = (length) => crypto.getRandomValues(new Uint8Array(length)) } = options
    this.#network = network
    const addresses = options.relayAddresses ?? defaultRelayAddresses(network, options.addresses)
    this.#relayPorts = new RelayPorts(network, addresses, options.portRange ?? [49_152, 65_535], random)
    this.#core = new TurnServerCore({ ...options, families: this.#relayPorts.families })
    this.#peerConnections = new PeerConnections(network, this.#core, () => this.#drain())
    this.#maxClients = options.maxClientConnections ?? 4000
    this.#idleTimeout = options.idleTimeout ?? 30_000
  }

  /**
   * Opens the sockets. Rejects with the network's error when an address or port cannot be had, and leaves nothing open.
   * @throws TurnError `ERR_TURN_OPTION`
   */
  static async listen(options: TurnServerOptions): Promise<TurnServer> {
    const { addresses, port = 3478, signal } = options
    if (addresses?.length === 0) throw new TurnError('ERR_TURN_OPTION', 'no address to listen on')
    const attempts = port === 0 ? 10 : 1 // a port that UDP gave may be taken for TCP
    for (let attempt = 1; ; attempt++) {
      const server = new TurnServer(options)
      try {
        await server.#listen(options, port)
        return server
      } catch (error) {
        server.close()
        if (attempt >= attempts || signal?.aborted || error instanceof TurnError) throw error
      }
    }
  }

  /** Where clients come. */
  get endpoints(): { transport: TurnTransport; local: Endpoint }[] {
    return [
      ...this.#udp.map(({ local }) => ({ transport: 'udp' as const, local })),
      ...this.#listeners.map(({ transport, listener }) => ({ transport, local: listener.local })),
    ]
  }

  /** The port of UDP and TCP, the same on all sockets. */
  get port(): number {
    return this.endpoints.find(({ transport }) => transport !== 'tls')?.local.port ?? 0
  }

  /** Where it relays from, and what clients are told instead. */
  get relayAddresses(): readonly RelayAddress[] {
    return this.#relayPorts.addresses
  }

  /** The port of TLS, 0 when there is none. */
  get tlsPort(): number {
    return this.endpoints.find(({ transport }) => transport === 'tls')?.local.port ?? 0
  }

  get stats(): TurnDriverStats {
    return { ...this.#core.stats, ...this.#counters, clientConnections: this.#clients.size }
  }

  /**
   * Goes on with another certificate: TLS listeners are opened anew, connections that are there stay. Rejects with the network's error when
   * the certificate or its key is no good; then nothing has changed.
   */
  async renewTls(tls: TlsServerOptions): Promise<void> {
    const old = this.#listeners.filter(({ transport }) => transport === 'tls')
    for (const { listener } of old) {
      const { address, port } = listener.local
      // A port of the system's choice shows whether the identity is sound before anything is given up.
      const probe = await this.#network.listenTcp({ address, tls })
      probe.close()
      listener.close()
      this.#listeners = this.#listeners.filter((one) => one.listener !== listener)
      const renewed = await this.#network.listenTcp({ address, port, tls })
      if (this.#closed) renewed.close()
      else this.#addListener(renewed, 'tls')
    }
  }

  /** Closes all sockets and connections; clients are not told. Idempotent; nothing happens after it. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#idleTimer?.cancel()
    for (const { socket } of this.#udp) socket.close()
    for (const { listener } of this.#listeners) listener.close()
    for (const link of this.#clients) link.tcp.close()
    for (const relay of this.#relays) relay.close()
    this.#clients.clear()
    this.#relays.clear()
    this.#peerConnections.close()
  }

  async #listen(options: TurnServerOptions, port: number): Promise<void> {
    const { network, addresses, udp = true, tcp, tls, signal } = options
    let chosen = port
    let tlsPort = tls?.port ?? (port === 0 ? 0 : 5349)
    for (const address of addresses ?? ['0.0.0.0', '::']) {
      const where = { address, ...(signal && { signal }) }
      try {
        if (udp) {
          const socket = await network.bindUdp({ ...where, port: chosen })
          chosen = socket.local.port
          this.#addSocket(socket)
        }
        if (tcp !== false) {
          const listener = await network.listenTcp({ ...where, port: chosen })
          chosen = listener.local.port
          this.#addListener(listener, 'tcp')
        }
        if (tls !== undefined) {
          const listener = await network.listenTcp({ ...where, port: tlsPort, tls })
          tlsPort = listener.local.port
          this.#addListener(listener, 'tls')
        }
      } catch (error) {
        if (signal?.aborted || !isExcused(error, addresses === undefined && address === '::', tcp === undefined)) {
          throw error
        }
      }
    }
    if (this.endpoints.length === 0) throw new TurnError('ERR_TURN_OPTION', 'nothing to listen on')
  }

  #addSocket(socket: UdpSocket): void {
    const link = new UdpClientLink(socket)
    this.#udp.push(link)
    socket.onmessage = (datagram, from) => {
      this.#core.receive(link, datagram, from, this.#network.now())
      this.#drain()
    }
    socket.onerror = () => {} // a client that cannot be reached is its own trouble
  }

  #addListener(listener: TcpListener, transport: 'tcp' | 'tls'): void {
    this.#listeners.push({ transport, listener })
    listener.onconnection = (tcp) => this.#accept(tcp, transport)
    listener.onerror = () => {}
  }

  #accept(tcp: TcpConnection, transport: 'tcp' | 'tls'): void {
    if (this.#closed || this.#clients.size >= this.#maxClients) {
      this.#counters.connectionsRefused++
      tcp.close()
      return
    }
    const link = new StreamClientLink(tcp, transport, this.#network.now(), this.#core.stats)
    this.#clients.add(link)
    tcp.onclose = () => this.#lose(link)
    tcp.onend = () => this.#drop(link)
    tcp.ondrain = () => tcp.resume()
    tcp.ondata = (chunk) => this.#receiveStream(link, chunk)
    this.#watchIdle()
  }

  #receiveStream(link: StreamClientLink, chunk: Uint8Array): void {
    const now = this.#network.now()
    link.lastActive = now
    link.framer.push(chunk)
    while (link.data === undefined && this.#clients.has(link)) {
      const message = link.pop()
      if (message === undefined) break
      this.#core.receive(link, message, link.tcp.remote, now)
      this.#drain()
    }
    if (link.framer.failed && this.#clients.has(link)) {
      this.#counters.connectionsMalformed++
      this.#drop(link)
    } else if (link.tcp.bufferedAmount > 65_536 && link.find(link.tcp.remote) === undefined) {
      // Who asks without reading the answers is not listened to until he has.
      link.tcp.pause()
    }
  }

  #lose(link: StreamClientLink): void {
    if (!this.#clients.delete(link)) return
    this.#core.removeLink(link)
    this.#drain()
  }

  #drop(link: StreamClientLink): void {
    link.tcp.close()
    this.#lose(link)
  }

  /** Sends what the core has to send, then does what it wants. */
  #drain(): void {
    if (this.#draining || this.#closed) return
    this.#draining = true
    for (;;) {
      for (let one = this.#core.pollTransmit(); one !== undefined; one = this.#core.pollTransmit()) {
        // Links and relays are of the classes that this driver made.
        ;(one.via as UdpClientLink | StreamClientLink | UdpRelay).send(one.data, one.to)
      }
      const event = this.#core.pollEvent()
      if (event === undefined) break
      this.#do(event)
    }
    this.#draining = false
    this.#arm()
  }

  #do(event: TurnServerEvent): void {
    switch (event.type) {
      case 'bind':
        void this.#bind(event.request)
        break
      case 'release': {
        const relay = event.relay as Relay
        this.#relays.delete(relay)
        relay.close()
        break
      }
      case 'connect':
        this.#peerConnections.connect(event.connection, event.relay as TcpRelayPort)
        break
      case 'splice':
        this.#splice(event.connection, event.link as StreamClientLink)
        break
      case 'disconnect':
        this.#peerConnections.disconnect(event.connection)
        break
      case 'drop':
        this.#drop(event.link as StreamClientLink)
        break
    }
  }

  async #bind(request: BindRequest): Promise<void> {
    const { relays, reserved } = await this.#relayPorts.bind(request)
    const made = reserved === undefined ? relays : [...relays, reserved]
    if (this.#closed) {
      for (const relay of made) relay.close()
      return
    }
    for (const relay of made) {
      this.#relays.add(relay)
      this.#open(relay)
    }
    const now = this.#network.now()
    if (relays.length === 0) this.#core.bindFailed(request, now)
    else this.#core.bound(request, relays, reserved, now)
    this.#drain()
  }

  #open(relay: Relay): void {
    if (relay instanceof UdpRelay) {
      relay.socket.onmessage = (data, from) => {
        this.#core.receivePeer(relay, data, relay.asKnown(from), this.#network.now())
        this.#drain()
      }
      relay.socket.onerror = () => {} // a peer that cannot be reached is the client's trouble
    } else {
      relay.listener.onconnection = (tcp) => this.#peerConnections.arrived(relay, tcp)
      relay.listener.onerror = () => {}
    }
  }

  /** The client's connection leaves the server's hands for a peer's. */
  #splice(connection: PeerConnection, link: StreamClientLink): void {
    this.#clients.delete(link)
    this.#peerConnections.splice(connection, link.tcp, link.framer.takeRest())
  }

  /** A deadline that has moved away is left alone: the timer finds out. */
  #arm(): void {
    const { deadline } = this.#core
    if (deadline >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = deadline
    this.#timer = this.#network.setTimer(deadline, () => {
      this.#timer = undefined
      this.#timerAt = Infinity
      this.#core.tick(this.#network.now())
      this.#drain()
    })
  }

  /** One coarse timer for all connections, and none when there are none. */
  #watchIdle(): void {
    if (this.#idleTimer !== undefined || this.#clients.size === 0 || this.#closed) return
    this.#idleTimer = this.#network.setTimer(this.#network.now() + this.#idleTimeout / 2, () => {
      this.#idleTimer = undefined
      const now = this.#network.now()
      for (const link of this.#clients) {
        if (now - link.lastActive < this.#idleTimeout || link.find(link.tcp.remote) !== undefined) continue
        this.#counters.connectionsTimedOut++
        this.#drop(link)
      }
      this.#watchIdle()
    })
  }
}

/** Where the server listens, or the first address of each family that others may reach. */
function defaultRelayAddresses(network: Network, listening: readonly string[] | undefined): RelayAddress[] {
  const named = (listening ?? []).filter((address) => address !== '0.0.0.0' && address !== '::')
  if (named.length > 0) return named.map((address) => ({ address }))
  const all = network.interfaces()
  const found: RelayAddress[] = []
  for (const family of [4, 6] as const) {
    const own = all.filter((one) => one.family === family && !one.address.startsWith('fe80:'))
    const best = own.find((one) => !one.internal) ?? (family === 4 ? own[0] : undefined)
    if (best !== undefined) found.push({ address: best.address })
  }
  return found
}

/** Whether listening may go on without what failed: IPv6 or TCP that nobody asked for by name and that are not there. */
function isExcused(error: unknown, optionalIpv6: boolean, optionalTcp: boolean): boolean {
  const { code, systemCode } = error as { code?: string; systemCode?: string }
  if (optionalTcp && code === 'ERR_NET_UNSUPPORTED') return true
  return optionalIpv6 && (systemCode === 'EAFNOSUPPORT' || systemCode === 'EADDRNOTAVAIL' || systemCode === 'EINVAL')
}
