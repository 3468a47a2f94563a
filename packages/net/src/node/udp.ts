// UDP over node:dgram: the packet path of everything above. Per datagram it makes no closure and no object of its own.

import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { NetError } from '../errors.ts'
import type { Endpoint, UdpBindOptions, UdpSocket, UdpStats } from '../network.ts'
import { whenAborted } from './abort.ts'
import { bindAddress, portsToTry, toEndpoint } from './address.ts'
import { systemCodeOf, wrapError } from './errors.ts'

/** The system's default of some 200 KB holds 170 datagrams: a fast sender overruns it while the receiver computes. */
const DEFAULT_BUFFER_SIZE = 4 * 1024 * 1024
const SMALLEST_BUFFER_SIZE = 128 * 1024
/** Remote endpoints remembered per socket, so that their objects are not made anew for each datagram. */
const ENDPOINT_CACHE_SIZE = 8
/** What may wait in the process while the system takes nothing (EAGAIN); beyond it datagrams are dropped, as a network would. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024
/** How many sends go unanswered before it is worth asking how much waits. */
const QUEUE_CHECK = 512
/** Of a burst to one remote, one datagram in so many is asked after: an answer costs 0.6 µs, and what refuses one refuses all. */
const ASK_EVERY = 32

interface CachedEndpoint {
  /** As Node spells it. */
  readonly address: string
  readonly port: number
  readonly endpoint: Endpoint
}

/** dgram asks this before each send; with its own look-up even an IP literal would go through `dns.lookup`. */
function literalOnly(
  address: string,
  family: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  callback(null, address, family as number)
}

export class NodeUdpSocket implements UdpSocket {
  readonly local: Endpoint
  readonly stats: UdpStats = {
    datagramsSent: 0,
    bytesSent: 0,
    datagramsReceived: 0,
    bytesReceived: 0,
    sendErrors: 0,
  }
  onmessage: ((data: Uint8Array, from: Endpoint) => void) | undefined = undefined
  onerror: ((error: Error) => void) | undefined = undefined
  readonly #socket: Socket
  readonly #sent: (error: Error | null) => void
  readonly #cache: CachedEndpoint[] = []
  #cacheNext = 0
  /** Sends since the last answer, and the remote of the last that was asked after since then. */
  #unanswered = 0
  #asked: Endpoint | undefined
  #closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    const { address, port } = socket.address()
    this.local = toEndpoint(address, port)
    // One callback for all sends that are asked after: without any, dgram keeps errors of the system to itself.
    this.#sent = (error) => {
      this.#unanswered = 0
      this.#asked = undefined
      if (error !== null && error !== undefined) this.#failed(error)
    }
    socket.on('message', (data: Buffer, info: RemoteInfo) => this.#receive(data, info))
    socket.on('error', (error) => {
      if (!this.#closed) this.onerror?.(wrapError('ERR_NET_SOCKET', error))
    })
  }

  send(data: Uint8Array, to: Endpoint): void {
    if (this.#closed) return
    const { address, port } = to
    // dgram throws for these ports, and takes an empty address for the loopback one.
    if (!(port > 0 && port <= 65_535) || address === '') {
      this.#refuse('EINVAL', to)
      return
    }
    if (this.#unanswered >= QUEUE_CHECK && this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) {
      this.#refuse('ENOBUFS', to)
      return
    }
    this.stats.datagramsSent++
    this.stats.bytesSent += data.length
    const ask = to !== this.#asked || this.#unanswered % ASK_EVERY === 0
    this.#unanswered++
    try {
      if (ask) {
        this.#asked = to
        this.#socket.send(data, port, address, this.#sent)
      } else {
        this.#socket.send(data, port, address)
      }
    } catch (error) {
      process.nextTick(() => this.#failed(error))
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.onmessage = undefined
    this.onerror = undefined
    this.#socket.close()
  }

  ref(): void {
    if (!this.#closed) this.#socket.ref()
  }

  unref(): void {
    if (!this.#closed) this.#socket.unref()
  }

  #receive(data: Buffer, info: RemoteInfo): void {
    this.stats.datagramsReceived++
    this.stats.bytesReceived += data.length
    if (this.onmessage !== undefined) this.onmessage(data, this.#endpointOf(info.address, info.port))
  }

  #endpointOf(address: string, port: number): Endpoint {
    const cache = this.#cache
    for (let i = 0; i < cache.length; i++) {
      const entry = cache[i]!
      if (entry.port === port && entry.address === address) return entry.endpoint
    }
    const endpoint = toEndpoint(address, port)
    cache[this.#cacheNext] = { address, port, endpoint }
    this.#cacheNext = (this.#cacheNext + 1) % ENDPOINT_CACHE_SIZE
    return endpoint
  }

  /** Before the system saw it; told later, as the system's own errors are. */
  #refuse(systemCode: string, to: Endpoint): void {
    this.stats.sendErrors++
    process.nextTick(() => {
      const message = `send ${systemCode} ${to.address}:${to.port}`
      this.onerror?.(new NetError('ERR_NET_SEND', message, { systemCode, remote: to }))
    })
  }

  #failed(error: unknown): void {
    if (this.#closed) return
    this.stats.datagramsSent--
    this.stats.sendErrors++
    if (this.onerror === undefined) return
    const { address, port } = error as { address?: string; port?: number }
    this.onerror(wrapError('ERR_NET_SEND', error, address === undefined ? undefined : toEndpoint(address, port)))
  }
}

/** @throws NetError `ERR_NET_ARGUMENT`, `ERR_NET_BIND`; the signal's reason */
export async function bindUdp(options: UdpBindOptions = {}): Promise<UdpSocket> {
  const { address, family } = bindAddress(options)
  let lastError: unknown
  for (const port of portsToTry(options)) {
    options.signal?.throwIfAborted()
    try {
      const socket = await bindOnce(address, family, port, options)
      if (options.signal?.aborted === true) socket.close()
      options.signal?.throwIfAborted()
      growBuffer(options.receiveBufferSize, (size) => socket.setRecvBufferSize(size))
      growBuffer(options.sendBufferSize, (size) => socket.setSendBufferSize(size))
      return new NodeUdpSocket(socket)
    } catch (error) {
      options.signal?.throwIfAborted()
      lastError = error
      // Within a range, go on over ports that others have or that Windows reserves.
      const systemCode = systemCodeOf(error)
      if (systemCode !== 'EADDRINUSE' && systemCode !== 'EACCES') break
    }
  }
  throw wrapError('ERR_NET_BIND', lastError)
}

function bindOnce(address: string, family: 4 | 6, port: number, options: UdpBindOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      reuseAddr: options.reuseAddress ?? false,
      lookup: literalOnly as never,
    })
    const stopWatching = whenAborted(options.signal, () => {
      socket.removeAllListeners()
      socket.close()
      reject(options.signal?.reason)
    })
    socket.once('error', (error) => {
      stopWatching()
      socket.close()
      reject(error)
    })
    // `exclusive`: a worker of node:cluster gets a socket of its own.
    socket.bind({ address, port, exclusive: true }, () => {
      stopWatching()
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

/** Linux cuts an excessive size to its limit, others refuse it. */
function growBuffer(wanted: number | undefined, set: (size: number) => void): void {
  for (let size = wanted ?? DEFAULT_BUFFER_SIZE; size >= SMALLEST_BUFFER_SIZE; size >>= 1) {
    try {
      set(size)
      return
    } catch {
      // Try half of it; in the end the system's default will do.
    }
  }
}
