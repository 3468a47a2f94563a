import type { Endpoint, Network, TcpConnection, TcpListener, Timer, UdpSocket } from '@kaon/net'
import { BindingServer, type BindingServerOptions, type BindingServerStats } from '../binding-server.ts'
import { StunError } from '../error.ts'
import { StunFramer } from '../framer.ts'
import { RateLimit } from '../rate-limit.ts'

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
    const { network, addresses, udp = true, tcp, signal, port = 3478 } = options
    if (!udp && tcp === false) throw new StunError('ERR_STUN_OPTION', 'neither UDP nor TCP is asked for')
    if (addresses?.length === 0) throw new StunError('ERR_STUN_OPTION', 'no address to listen on')
    const wildcard = addresses === undefined
    const attempts = port === 0 ? 10 : 1 // a port that UDP gave may be taken for TCP
    for (let attempt = 1; ; attempt++) {
      const server = new StunServer(options)
      try {
        let chosen = port
        for (const address of addresses ?? ['0.0.0.0', '::']) {
          const where = { address, ...(signal && { signal }) }
          try {
            if (udp) {
              const socket = await network.bindUdp({ ...where, port: chosen })
              chosen = socket.local.port
              server.#addSocket(socket)
            }
            if (tcp !== false) {
              const listener = await network.listenTcp({ ...where, port: chosen })
              chosen = listener.local.port
              server.#addListener(listener)
            }
          } catch (error) {
            if (signal?.aborted || !isExcused(error, wildcard && address === '::', tcp === undefined)) throw error
          }
        }
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

  /** The port, the same on all sockets. */
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

  #addSocket(socket: UdpSocket): void {
    this.#sockets.push(socket)
    socket.onmessage = (datagram, from) => {
      const now = this.#network.now()
      if (!this.#rateLimit.admits(from.address, now)) {
        this.#counters.droppedRate++
        return
      }
      const response = this.#binding.respond(datagram, from, now)
      if (response !== undefined) socket.send(response, from)
    }
    socket.onerror = () => {} // a client that cannot be reached is its own trouble
  }

  #addListener(listener: TcpListener): void {
    this.#listeners.push(listener)
    listener.onconnection = (tcp) => this.#accept(tcp)
    listener.onerror = () => {}
  }

  #accept(tcp: TcpConnection): void {
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
        const response = this.#binding.respond(request, tcp.remote, now)
        // Who asks without reading the answers is not listened to until he has.
        if (response !== undefined && !tcp.write(response)) tcp.pause()
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
