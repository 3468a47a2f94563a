import type { Endpoint, Network, TcpConnection, TlsOptions, UdpSocket } from '@kaon/net'
import { parseAddress } from '../address.ts'
import { StunFramer } from '../framer.ts'

/** How a client's messages travel. */
export type StunTransport = 'udp' | 'tcp' | 'tls'

/** An open way to one server. Callbacks are set by its user before anything can arrive. */
export interface Link {
  readonly reliable: boolean
  readonly local: Endpoint
  readonly remote: Endpoint
  onmessage: ((datagram: Uint8Array) => void) | undefined
  /** The link is of no more use. */
  onbroken: ((cause: Error | undefined) => void) | undefined
  send(datagram: Uint8Array): void
  close(): void
}

export interface LinkOptions {
  readonly network: Network
  readonly transport: StunTransport
  readonly remote: Endpoint
  /** The name that the certificate must have (RFC 8489 §6.2.3). */
  readonly serverName: string
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly tls?: TlsOptions | undefined
  readonly signal?: AbortSignal | undefined
}

export async function openLink(options: LinkOptions): Promise<Link> {
  const { network, transport, remote, signal } = options
  if (transport === 'udp') {
    const socket = await network.bindUdp({
      family: remote.family,
      ...(options.localAddress !== undefined && { address: options.localAddress }),
      ...(options.localPort !== undefined && { port: options.localPort }),
      ...(signal && { signal }),
    })
    return new UdpLink(socket, remote)
  }
  const connection = await network.connectTcp({
    host: remote.address,
    port: remote.port,
    ...(transport === 'tls' && { tls: { ...serverName(options.serverName), ...options.tls } }),
    ...(options.localAddress !== undefined && { localAddress: options.localAddress }),
    ...(options.localPort !== undefined && { localPort: options.localPort }),
    ...(signal && { signal }),
  })
  return new TcpLink(connection)
}

/** An address is no server name (RFC 6066 §3). */
function serverName(host: string): TlsOptions {
  return parseAddress(host) === undefined ? { serverName: host } : {}
}

class UdpLink implements Link {
  readonly reliable = false
  readonly remote: Endpoint
  readonly #socket: UdpSocket
  #lastFrom: Endpoint | undefined
  onmessage: ((datagram: Uint8Array) => void) | undefined
  onbroken: ((cause: Error | undefined) => void) | undefined

  constructor(socket: UdpSocket, remote: Endpoint) {
    this.#socket = socket
    this.remote = remote
    socket.onmessage = (datagram, from) => {
      // A response comes from where the request went to (RFC 8489 §6.3.1.2).
      if (from !== this.#lastFrom) {
        if (from.port !== remote.port || from.address !== remote.address) return
        this.#lastFrom = from
      }
      this.onmessage?.(datagram)
    }
    socket.onerror = (error) => this.onbroken?.(error)
  }

  get local(): Endpoint {
    return this.#socket.local
  }

  send(datagram: Uint8Array): void {
    this.#socket.send(datagram, this.remote)
  }

  close(): void {
    this.#socket.close()
  }
}

class TcpLink implements Link {
  readonly reliable = true
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly #connection: TcpConnection
  onmessage: ((datagram: Uint8Array) => void) | undefined
  onbroken: ((cause: Error | undefined) => void) | undefined

  constructor(connection: TcpConnection) {
    this.#connection = connection
    this.local = connection.local
    this.remote = connection.remote
    const framer = new StunFramer()
    connection.onclose = (error) => this.onbroken?.(error)
    connection.onend = () => this.#break(undefined)
    connection.ondata = (chunk) => {
      framer.push(chunk)
      for (let message = framer.pop(); message !== undefined; message = framer.pop()) this.onmessage?.(message)
      if (framer.failed) this.#break(new Error('the server sent bytes that are not STUN'))
    }
  }

  send(datagram: Uint8Array): void {
    this.#connection.write(datagram)
  }

  close(): void {
    this.#connection.close()
  }

  #break(cause: Error | undefined): void {
    this.#connection.close()
    this.onbroken?.(cause)
  }
}
