// ICE-TCP (RFC 6544): the TCP connections of one candidate, which together look like a socket for datagrams.
import type { Endpoint, Network, TcpConnection } from '@kaon/net'
import { FrameReader, FrameWriter } from '../framing.ts'
import type { TcpCandidateType } from '../candidate.ts'
import { Stops } from './stop.ts'
import { isStun, type PortSocket } from './port.ts'

/** Connections of one candidate, those under way included. */
const MAX_CONNECTIONS = 32
/** What may wait in a stream before data is dropped: more would only come later than it is wanted. */
const MAX_BUFFERED = 1024 * 1024
/** Packets kept for a connection that is being made: a check, and what follows its answer. */
const MAX_EARLY = 16
/** ms until a connection must be there. */
const CONNECT_TIMEOUT = 10_000
/** ms between the attempts at a simultaneous open: the peer's SYN has to meet one. */
const RETRY = 100

class Stream {
  readonly remote: Endpoint
  connection: TcpConnection | undefined
  early: Uint8Array[] = []

  constructor(remote: Endpoint) {
    this.remote = remote
  }
}

export class TcpPort implements PortSocket {
  readonly local: Endpoint
  readonly tcpType: TcpCandidateType
  onmessage: ((data: Uint8Array, from: Endpoint) => void) | undefined
  onerror: ((error: Error) => void) | undefined
  /** A connection could not be made, or is over. */
  onfailed: ((remote: Endpoint) => void) | undefined
  /** Whether anything authentic has come from there: a connection whose first packet was not is closed. */
  isTrusted: ((from: Endpoint) => boolean) | undefined
  /** What else ends with this port: a listener. */
  onclose: (() => void) | undefined
  dropped = 0
  readonly #network: Network
  readonly #streams = new Map<string, Stream>()
  readonly #writer = new FrameWriter()
  readonly #stops = new Stops()
  #closed = false

  constructor(network: Network, local: Endpoint, tcpType: TcpCandidateType) {
    this.#network = network
    this.local = local
    this.tcpType = tcpType
  }

  get connections(): number {
    return this.#streams.size
  }

  /** Takes ownership of `data`. Connects where that is this side's to do. */
  send(data: Uint8Array, to: Endpoint): void {
    if (this.#closed) return
    const stream = this.#streams.get(keyOf(to)) ?? this.#open(to)
    if (stream === undefined) {
      this.dropped++
      this.#network.defer(() => this.onfailed?.(to)) // a passive side cannot make it anew
      return
    }
    const frame = this.#writer.write(data)
    if (frame === undefined) this.dropped++
    else if (stream.connection === undefined) {
      if (stream.early.length < MAX_EARLY) stream.early.push(frame)
      else this.dropped++
    } else if (stream.connection.bufferedAmount > MAX_BUFFERED && !isStun(data[0]!)) this.dropped++
    else stream.connection.write(frame)
  }

  /**
   * A connection that a peer has made, and what it has said already. False when there is no room or the first packet is none of
   * the peer's: it is closed then.
   */
  accept(connection: TcpConnection, reader: FrameReader, first: Uint8Array): boolean {
    const { remote } = connection
    const key = keyOf(remote)
    if (this.#closed || this.#streams.size >= MAX_CONNECTIONS || this.#streams.has(key)) {
      connection.close()
      return false
    }
    const stream = new Stream(remote)
    this.#streams.set(key, stream)
    reader.maxLength = 0xffff
    this.#attach(stream, connection, reader)
    this.onmessage?.(first, remote)
    if (this.isTrusted?.(remote) !== true) {
      this.#streams.delete(key)
      connection.close()
      return false
    }
    this.#read(stream, reader)
    return true
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stops.abortAll()
    this.onmessage = undefined
    this.onerror = undefined
    this.onfailed = undefined
    for (const { connection } of this.#streams.values()) connection?.close()
    this.#streams.clear()
    this.onclose?.()
    this.onclose = undefined
  }

  #open(to: Endpoint): Stream | undefined {
    if (this.tcpType === 'passive' || this.#streams.size >= MAX_CONNECTIONS) return undefined
    const stream = new Stream(to)
    this.#streams.set(keyOf(to), stream)
    void this.#connect(stream, this.#network.now() + CONNECT_TIMEOUT)
    return stream
  }

  async #connect(stream: Stream, deadline: number): Promise<void> {
    const network = this.#network
    const { remote } = stream
    const stop = this.#stops.begin()
    const timer = network.setTimer(deadline, () => stop.abort())
    let connection: TcpConnection | undefined
    try {
      connection = await network.connectTcp({
        host: remote.address,
        port: remote.port,
        localAddress: this.local.address,
        ...(this.tcpType === 'so' && { localPort: this.local.port }),
        signal: stop.signal,
      })
    } catch (error) {
      if (this.#closed) return
      // RFC 6544 §7.1: each side's SYN may find nobody until the other's is on its way.
      if (this.tcpType === 'so' && network.now() + RETRY < deadline) {
        network.setTimer(network.now() + RETRY, () => {
          if (!this.#closed && this.#streams.get(keyOf(remote)) === stream) void this.#connect(stream, deadline)
        })
        return
      }
      this.onerror?.(error instanceof Error ? error : new Error('no connection'))
      this.#end(stream)
      return
    } finally {
      timer.cancel()
      this.#stops.end(stop)
    }
    if (this.#closed || this.#streams.get(keyOf(remote)) !== stream) {
      connection.close()
      return
    }
    this.#attach(stream, connection, new FrameReader())
    for (const frame of stream.early.splice(0)) connection.write(frame)
  }

  #attach(stream: Stream, connection: TcpConnection, reader: FrameReader): void {
    stream.connection = connection
    connection.onclose = () => this.#end(stream)
    connection.onend = () => this.#end(stream) // a path that carries one way only is none
    connection.ondata = (chunk) => {
      reader.push(chunk)
      this.#read(stream, reader)
    }
  }

  #read(stream: Stream, reader: FrameReader): void {
    for (let packet = reader.pop(); packet !== undefined; packet = reader.pop()) {
      this.onmessage?.(packet, stream.remote)
      if (this.#closed) return
    }
  }

  #end(stream: Stream): void {
    const key = keyOf(stream.remote)
    if (this.#streams.get(key) !== stream) return
    this.#streams.delete(key)
    stream.connection?.close()
    this.onfailed?.(stream.remote)
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${port} ${address}`
}
