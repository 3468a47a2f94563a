import type { Endpoint, Network, TcpConnection, TlsOptions, UdpSocket } from '@kaon/net'
import { parseAddress } from '@kaon/stun'
import { TurnFramer } from '../framer.ts'
import type { TurnTransport } from '../uri.ts'

/** An open way to a server. Callbacks are set by its user before anything can arrive. */
export interface Link {
  readonly transport: TurnTransport
  readonly reliable: boolean
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Bytes that the system has not taken yet. */
  readonly bufferedAmount: number
  onmessage: ((message: Uint8Array) => void) | undefined
  /** A datagram could not be sent; the link may still be of use. */
  onerror: ((cause: Error) => void) | undefined
  /** The link is of no more use. */
  onbroken: ((cause: Error | undefined) => void) | undefined
  send(message: Uint8Array): void
  close(): void
  ref(): void
  unref(): void
}

export interface LinkOptions {
  readonly network: Network
  readonly transport: TurnTransport
  readonly remote: Endpoint
  /** The name that the certificate must have. */
  readonly serverName: string
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly tls?: TlsOptions | undefined
  readonly signal?: AbortSignal | undefined
}

export async function openLink(options: LinkOptions): Promise<Link> {
  if (options.transport !== 'udp') return new StreamLink(await connect(options), options.transport)
  const { network, remote, localAddress, localPort, signal } = options
  const socket = await network.bindUdp({
    family: remote.family,
    ...(localAddress !== undefined && { address: localAddress }),
    ...(localPort !== undefined && { port: localPort }),
    ...(signal && { signal }),
  })
  return new DatagramLink(socket, remote)
}

/** A TCP or TLS connection to the server. */
export function connect(options: LinkOptions): Promise<TcpConnection> {
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
      if (from !== this.#lastFrom) {
        // What does not come from the server is nobody's here.
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
  readonly transport: TurnTransport
  readonly reliable = true
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly #connection: TcpConnection
  #closed = false
  onmessage: ((message: Uint8Array) => void) | undefined = undefined
  onerror: ((cause: Error) => void) | undefined = undefined
  onbroken: ((cause: Error | undefined) => void) | undefined = undefined

  constructor(connection: TcpConnection, transport: TurnTransport) {
    this.transport = transport
    this.#connection = connection
    this.local = connection.local
    this.remote = connection.remote
    const framer = new TurnFramer()
    connection.onclose = (error) => this.#break(error)
    connection.onend = () => this.#break(undefined)
    connection.ondata = (chunk) => {
      framer.push(chunk)
      for (let message = framer.pop(); message !== undefined; message = framer.pop()) {
        this.onmessage?.(message)
        if (this.#closed) return
      }
      if (framer.failed) this.#break(new Error('the server sent bytes that are neither STUN nor channel data'))
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
