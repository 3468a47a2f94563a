// The way to a server of STUN or of TURN. An entry point of its own, so that TURN's driver need not load the rest of STUN's.
import type { Endpoint, Network, TcpConnection, TlsOptions, UdpSocket } from '@kaon/net'
import { parseAddress } from '../address.ts'

/** How a client's messages travel. */
export type StunTransport = 'udp' | 'tcp' | 'tls'

/** An open way to one server. Callbacks are set by its user before anything can arrive. */
export interface Link {
  readonly transport: StunTransport
  readonly reliable: boolean
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Bytes that the system has not taken yet. */
  readonly bufferedAmount: number
  onmessage: ((message: Uint8Array) => void) | undefined
  /** A datagram could not be sent; the link may still be of use. */
  onerror: ((cause: Error) => void) | undefined
  /** The link is of no more use. Not after `close`. */
  onbroken: ((cause: Error | undefined) => void) | undefined
  send(message: Uint8Array): void
  close(): void
  ref(): void
  unref(): void
}

/** Cuts the bytes of a stream into messages: a `StunFramer` or another like it. */
export interface Framer {
  readonly failed: boolean
  push(chunk: Uint8Array): void
  pop(): Uint8Array | undefined
}

export interface LinkOptions {
  readonly network: Network
  readonly transport: StunTransport
  readonly remote: Endpoint
  /** The name that the certificate must have (RFC 8489 §6.2.3). */
  readonly serverName: string
  /** Makes what cuts the stream, where there is one. */
  readonly framer: () => Framer
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly tls?: TlsOptions | undefined
  readonly signal?: AbortSignal | undefined
}

/** A socket for one server, or a connection to it. @throws what the network does when there is none */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { network, transport, remote, framer, localAddress, localPort, signal } = options
  if (transport !== 'udp') return new StreamLink(await openStream(options), transport, framer())
  const socket = await network.bindUdp({
    family: remote.family,
    ...(localAddress !== undefined && { address: localAddress }),
    ...(localPort !== undefined && { port: localPort }),
    ...(signal && { signal }),
  })
  return new DatagramLink(socket, remote)
}

/** A TCP or TLS connection to the server, without a link around it. @throws what the network does when there is none */
export function openStream(options: Omit<LinkOptions, 'framer'>): Promise<TcpConnection> {
  const { network, transport, remote, serverName, localAddress, localPort, tls, signal } = options
  // An address is no server name (RFC 6066 §3).
  const named: TlsOptions = parseAddress(serverName) === undefined ? { serverName } : {}
  return network.connectTcp({
    host: remote.address,
    port: remote.port,
    ...(transport === 'tls' && { tls: { ...named, ...tls } }),
    ...(localAddress !== undefined && { localAddress }),
    ...(localPort !== undefined && { localPort }),
    ...(signal && { signal }),
  })
}

class DatagramLink implements Link {
  readonly transport = 'udp'
  readonly reliable = false
  readonly bufferedAmount = 0
  readonly remote: Endpoint
  readonly #socket: UdpSocket
  #lastFrom: Endpoint | undefined
  onmessage: ((message: Uint8Array) => void) | undefined = undefined
  onerror: ((cause: Error) => void) | undefined = undefined
  onbroken: ((cause: Error | undefined) => void) | undefined = undefined

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
    socket.onerror = (error) => this.onerror?.(error)
  }

  get local(): Endpoint {
    return this.#socket.local
  }

  send(message: Uint8Array): void {
    this.#socket.send(message, this.remote)
  }

  close(): void {
    this.#socket.close()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }
}

class StreamLink implements Link {
  readonly transport: StunTransport
  readonly reliable = true
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly #connection: TcpConnection
  #closed = false
  onmessage: ((message: Uint8Array) => void) | undefined = undefined
  onerror: ((cause: Error) => void) | undefined = undefined
  onbroken: ((cause: Error | undefined) => void) | undefined = undefined

  constructor(connection: TcpConnection, transport: StunTransport, framer: Framer) {
    this.transport = transport
    this.#connection = connection
    this.local = connection.local
    this.remote = connection.remote
    connection.onclose = (error) => this.#break(error)
    connection.onend = () => this.#break(undefined)
    connection.ondata = (chunk) => {
      framer.push(chunk)
      for (let message = framer.pop(); message !== undefined; message = framer.pop()) {
        this.onmessage?.(message)
        if (this.#closed) return
      }
      if (framer.failed) this.#break(new Error('the server sent bytes that are neither STUN nor TURN'))
    }
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedAmount
  }

  send(message: Uint8Array): void {
    this.#connection.write(message)
  }

  close(): void {
    this.#closed = true
    this.#connection.close()
  }

  ref(): void {
    this.#connection.ref()
  }

  unref(): void {
    this.#connection.unref()
  }

  #break(cause: Error | undefined): void {
    if (this.#closed) return
    this.close()
    this.onbroken?.(cause)
  }
}
