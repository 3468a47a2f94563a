import type { Endpoint, Network, TcpConnection, TcpListener, Timer, UdpSocket } from '@kaon/net'
import {
  type BindingArrival,
  BindingServer,
  type BindingServerOptions,
  type BindingServerStats,
  type BindingOrigins,
} from '../binding-server.ts'
import { StunError } from '../error.ts'
import { StunFramer } from '../framer.ts'
import { RateLimit } from '../rate-limit.ts'
import { type AlternateOptions, checkAlternate, originsOf, planPlaces } from './places.ts'

export interface StunServerOptions extends BindingServerOptions {
  readonly network: Network
  /** Local addresses to listen on. Default: all, IPv4 and, where there is one, IPv6. */
  readonly addresses?: readonly string[]
  /** Default 3478; 0 takes a free one, the same for all sockets. */
  readonly port?: number
  /** Default true. */
  readonly udp?: boolean
  /** Default: where the network has it. */
  readonly tcp?: boolean
  /** Makes it a server of RFC 5780, with which clients find out how their NAT behaves. Needs `addresses`. */
  readonly alternate?: AlternateOptions
  /** Requests over UDP from one IPv4 address or IPv6 /64 that are answered in a second. Default 200; Infinity for no limit. */
  readonly maxRequestsPerSecond?: number
  /** TCP connections at a time; further ones are closed at once. Default 1000. */
  readonly maxConnections?: number
  /** ms after which a silent TCP connection is closed. Default 30,000. */
  readonly idleTimeout?: number
  readonly signal?: AbortSignal
}

export interface StunServerStats extends BindingServerStats {
  /** Datagrams beyond `maxRequestsPerSecond`. */
  droppedRate: number
  connections: number
  connectionsRefused: number
  connectionsTimedOut: number
  /** Connections closed because they carried something else than STUN. */
  connectionsMalformed: number
}

interface Connection {
  readonly tcp: TcpConnection
  lastActive: number
}

/** No request that a Binding server answers is longer than this; it bounds what a connection can make the server hold. */
const MAX_REQUEST = 4096

/** Answers Binding requests over UDP and TCP on the sockets of a `Network`. */
export class StunServer {
  readonly #network: Network
  readonly #binding: BindingServer
  readonly #sockets: UdpSocket[] = []
  readonly #listeners: TcpListener[] = []
  /** The sockets of the four transport addresses of RFC 5780, and what came to each as the machine wants to know it. */
  readonly #origins: UdpSocket[] = []
  readonly #udpArrivals: BindingArrival[] = []
  readonly #tcpArrivals: BindingArrival[] = []
  readonly #connections = new Set<Connection>()
  readonly #maxConnections: number
  readonly #idleTimeout: number
  readonly #rateLimit: RateLimit
  readonly #counters = {
    droppedRate: 0,
    connections: 0,
    connectionsRefused: 0,
    connectionsTimedOut: 0,
    connectionsMalformed: 0,
  }
  #timer: Timer | undefined
  #closed = false

  private constructor(options: StunServerOptions) {
    this.#network = options.network
    this.#binding = new BindingServer(options)
    this.#rateLimit = new RateLimit(options.maxRequestsPerSecond ?? 200)
    this.#maxConnections = options.maxConnections ?? 1000
    this.#idleTimeout = options.idleTimeout ?? 30_000
  }

  /**
   * Opens the sockets. Rejects with the network's error when a given address or the port cannot be had, and leaves nothing open.
   */
  static async listen(options: StunServerOptions): Promise<StunServer> {
    const { network, addresses, udp = true, tcp, signal, port = 3478, alternate } = options
    if (!udp && tcp === false) throw new StunError('ERR_STUN_OPTION', 'neither UDP nor TCP is asked for')
    if (addresses?.length === 0) throw new StunError('ERR_STUN_OPTION', 'no address to listen on')
    if (alternate !== undefined) checkAlternate(addresses, alternate, port)
    const places = planPlaces(addresses, alternate)
    const wildcard = addresses === undefined
    const attempts = port === 0 ? 10 : 1 // a port that UDP gave may be taken for TCP
    for (let attempt = 1; ; attempt++) {
      const server = new StunServer(options)
      try {
        const ports = [port, alternate?.port ?? (port === 0 ? 0 : port + 1)]
        for (const { address, index, isAlternatePort } of places) {
          const which = isAlternatePort ? 1 : 0
          const where = { address, ...(signal && { signal }) }
          try {
            if (udp) {
              const socket = await network.bindUdp({ ...where, port: ports[which]! })
              ports[which] = socket.local.port
              server.#addSocket(socket, index)
            }
            if (tcp !== false) {
              const listener = await network.listenTcp({ ...where, port: ports[which]! })
              ports[which] = listener.local.port
              server.#addListener(listener, index)
            }
          } catch (error) {
            if (signal?.aborted || !isExcused(error, wildcard && address === '::', tcp === undefined)) throw error
          }
        }
        if (alternate !== undefined) server.#setOrigins(originsOf(addresses, alternate, ports[0]!, ports[1]!))
        if (server.endpoints.length === 0) throw new StunError('ERR_STUN_OPTION', 'this network has no such transport')
        return server
      } catch (error) {
        server.close()
        if (attempt >= attempts || signal?.aborted) throw error
      }
    }
  }

  /** Where the server listens. */
  get endpoints(): { transport: 'udp' | 'tcp'; local: Endpoint }[] {
    return [
      ...this.#sockets.map(({ local }) => ({ transport: 'udp' as const, local })),
      ...this.#listeners.map(({ local }) => ({ transport: 'tcp' as const, local })),
    ]
  }

  /** The port, the same on all sockets but those of the alternate port. */
  get port(): number {
    return this.endpoints[0]?.local.port ?? 0
  }

  get stats(): StunServerStats {
    return { ...this.#binding.stats, ...this.#counters }
  }

  /** Closes sockets and connections. Idempotent; nothing happens after it. */
  close(): void {
    this.#closed = true
    for (const socket of this.#sockets) socket.close()
    for (const listener of this.#listeners) listener.close()
    for (const connection of this.#connections) connection.tcp.close()
    this.#connections.clear()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #addSocket(socket: UdpSocket, index: number | undefined): void {
    this.#sockets.push(socket)
    if (index !== undefined) this.#origins[index] = socket
    socket.onmessage = (datagram, from) => {
      const now = this.#network.now()
      if (!this.#rateLimit.admits(from.address, now)) {
        this.#counters.droppedRate++
        return
      }
      const answer = this.#binding.answer(
        datagram,
        from,
        now,
        index === undefined ? undefined : this.#udpArrivals[index],
      )
      if (answer === undefined) return
      const sender = index === undefined ? socket : this.#origins[answer.origin]!
      sender.send(answer.bytes, answer.port === from.port ? from : { ...from, port: answer.port })
    }
    socket.onerror = () => {} // a client that cannot be reached is its own trouble
  }

  #addListener(listener: TcpListener, index: number | undefined): void {
    this.#listeners.push(listener)
    listener.onconnection = (tcp) => this.#accept(tcp, index)
    listener.onerror = () => {}
  }

  #setOrigins(origins: BindingOrigins): void {
    for (const index of origins.keys()) {
      this.#udpArrivals.push({ origins, index, movable: true })
      this.#tcpArrivals.push({ origins, index, movable: false })
    }
  }

  #accept(tcp: TcpConnection, index: number | undefined): void {
    if (this.#closed || this.#connections.size >= this.#maxConnections) {
      this.#counters.connectionsRefused++
      tcp.close()
      return
    }
    this.#counters.connections++
    const connection: Connection = { tcp, lastActive: this.#network.now() }
    const framer = new StunFramer({ maxMessageLength: MAX_REQUEST })
    this.#connections.add(connection)
    tcp.onclose = () => this.#connections.delete(connection)
    tcp.onend = () => tcp.end()
    tcp.ondrain = () => tcp.resume()
    tcp.ondata = (chunk) => {
      const now = this.#network.now()
      framer.push(chunk)
      for (let request = framer.pop(); request !== undefined; request = framer.pop()) {
        connection.lastActive = now
        const arrival = index === undefined ? undefined : this.#tcpArrivals[index]
        const answer = this.#binding.answer(request, tcp.remote, now, arrival)
        // Who asks without reading the answers is not listened to until he has.
        if (answer !== undefined && !tcp.write(answer.bytes)) tcp.pause()
      }
      if (framer.failed) {
        this.#counters.connectionsMalformed++
        this.#drop(connection)
      }
    }
    this.#watch()
  }

  #drop(connection: Connection): void {
    this.#connections.delete(connection)
    connection.tcp.close()
  }

  /** One coarse timer for all connections, and none when there are none. */
  #watch(): void {
    if (this.#timer !== undefined || this.#connections.size === 0) return
    const at = this.#network.now() + this.#idleTimeout / 2
    this.#timer = this.#network.setTimer(at, () => {
      this.#timer = undefined
      const now = this.#network.now()
      for (const connection of this.#connections) {
        if (now - connection.lastActive < this.#idleTimeout) continue
        this.#counters.connectionsTimedOut++
        this.#drop(connection)
      }
      this.#watch()
    })
  }
}

/** Whether listening may go on without what failed: IPv6 or TCP that nobody asked for by name and that are not there. */
function isExcused(error: unknown, optionalIpv6: boolean, optionalTcp: boolean): boolean {
  const { code, systemCode } = error as { code?: string; systemCode?: string }
  if (optionalTcp && code === 'ERR_NET_UNSUPPORTED') return true
  return optionalIpv6 && (systemCode === 'EAFNOSUPPORT' || systemCode === 'EADDRNOTAVAIL' || systemCode === 'EINVAL')
}
