import { createNetwork, type Endpoint, type Network, type UdpSocket } from '@kaon/net'
import { DtlsConnection } from '../connection.ts'
import { CookieGate } from '../cookie.ts'
import { sameBytes } from '../bytes.ts'
import { DtlsError } from '../error.ts'
import { resolveOptions, type DtlsEvent, type DtlsOptions } from '../options.ts'
import { Runner } from './runner.ts'
import { DtlsSocket } from './socket.ts'

/** What `DtlsServer.listen` can be told, besides the options that every connection gets. */
export interface DtlsListenOptions extends Omit<
  DtlsOptions,
  'role' | 'now' | 'cookie' | 'pathValidated' | 'clientHello'
> {
  address?: string
  family?: 4 | 6
  /** Default: any free one. */
  port?: number
  /** This machine's by default. */
  network?: Network
  /**
   * Ask for a cookie before keeping anything about a client (RFC 6347 §4.2.1). Default true. Without, a client that is silent before its
   * handshake is over is not sent anything twice.
   */
  cookie?: boolean
  /** Associations at a time, with those that are still shaking hands. Default 10000. */
  maxConnections?: number
  /** Handshakes at a time. Default 1000. */
  maxHandshakes?: number
  signal?: AbortSignal
}

/** What is known about one remote address. */
interface Peer {
  readonly key: string
  runner: Runner
  socket: DtlsSocket | undefined
  readonly clientRandom: Uint8Array
  /** A client that began anew from the same address; takes over when it has finished its handshake (RFC 6347 §4.2.8). */
  successor: Peer | undefined
}

/** A DTLS server on one UDP port. */
export class DtlsServer {
  readonly local: Endpoint
  /** An association whose handshake is complete. */
  onconnection: ((socket: DtlsSocket) => void) | undefined
  /** Trouble with the socket, or a handshake that failed. The server goes on. */
  onerror: ((error: Error) => void) | undefined
  readonly #options: DtlsListenOptions
  readonly #network: Network
  readonly #udp: UdpSocket
  readonly #gate: CookieGate | undefined
  readonly #peers = new Map<string, Peer>()
  #handshakes = 0
  #lastFrom: Endpoint | undefined
  #lastPeer: Peer | undefined
  #closed = false

  private constructor(options: DtlsListenOptions, network: Network, udp: UdpSocket) {
    this.#options = options
    this.#network = network
    this.#udp = udp
    this.local = udp.local
    const { crypto } = options
    this.#gate = (options.cookie ?? true) ? new CookieGate(crypto === undefined ? {} : { crypto }) : undefined
    udp.onmessage = (data, from) => this.#receive(data, from)
    udp.onerror = (error) => this.onerror?.(error)
  }

  /** Binds the port. Rejects with a `NetError`, or `ERR_DTLS_OPTIONS`, also when certificates are asked for and nothing says whom to trust. */
  static async listen(options: DtlsListenOptions): Promise<DtlsServer> {
    const network = options.network ?? createNetwork()
    // What is wrong is said now, not at the first client.
    const { requestClientCertificate } = resolveOptions({ ...options, role: 'server', now: 0 })
    if (requestClientCertificate && options.verifyPeer === undefined && options.remoteFingerprints === undefined) {
      throw new DtlsError('ERR_DTLS_OPTIONS', 'client certificates need verifyPeer or remoteFingerprints')
    }
    const { address, family, port, signal } = options
    const udp = await network.bindUdp({
      ...(address === undefined ? {} : { address }),
      ...(family === undefined ? {} : { family }),
      ...(port === undefined ? {} : { port }),
      ...(signal === undefined ? {} : { signal }),
    })
    return new DtlsServer(options, network, udp)
  }

  /** Associations and handshakes at this moment. */
  get connections(): number {
    return this.#peers.size
  }

  /** Closes all associations and the port. Idempotent; no callback follows. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const peer of this.#peers.values()) {
      peer.successor?.runner.stop()
      if (peer.socket !== undefined) peer.socket.close()
      else {
        peer.runner.connection.close()
        peer.runner.flush()
        peer.runner.stop()
      }
    }
    this.#peers.clear()
    this.#udp.close()
  }

  ref(): void {
    this.#udp.ref()
  }

  unref(): void {
    this.#udp.unref()
  }

  #receive(data: Uint8Array, from: Endpoint): void {
    let peer = this.#lastPeer
    if (from !== this.#lastFrom || peer === undefined) {
      peer = this.#peers.get(keyOf(from))
      this.#lastFrom = from
      this.#lastPeer = peer
    }
    if (peer === undefined) this.#newPeer(data, from)
    else this.#knownPeer(peer, data, from)
  }

  #newPeer(data: Uint8Array, from: Endpoint): void {
    const key = keyOf(from)
    if (this.#peers.size >= (this.#options.maxConnections ?? 10_000)) return
    const random = this.#admit(data, from, key)
    if (random === undefined) return
    const peer = this.#makePeer(key, from, random)
    if (peer === undefined) return
    this.#peers.set(key, peer)
    this.#lastPeer = peer
    peer.runner.receive(data)
  }

  #knownPeer(peer: Peer, data: Uint8Array, from: Endpoint): void {
    if (this.#gate !== undefined && isPlainHandshake(data) && this.#isNewClient(peer, data, from)) return
    peer.successor?.runner.receive(data.slice())
    peer.runner.receive(data)
  }

  /**
   * A hello that has its cookie, and another random than the ones we know, comes from a client that has lost its state. It takes the place of
   * a handshake that is under way at once, and that of an association when it has finished its own (RFC 6347 §4.2.8).
   */
  #isNewClient(peer: Peer, data: Uint8Array, from: Endpoint): boolean {
    const random = this.#admit(data, from, peer.key)
    if (random === undefined || sameBytes(random, peer.clientRandom)) return false
    if (peer.successor !== undefined && sameBytes(random, peer.successor.clientRandom)) return false
    const old = peer.socket === undefined ? peer : peer.successor
    if (old !== undefined) {
      old.runner.stop()
      this.#handshakes--
      this.#forget(old)
    }
    const made = this.#makePeer(peer.key, from, random)
    if (made === undefined) return true
    if (peer.socket === undefined) this.#peers.set(peer.key, made)
    else peer.successor = made
    this.#lastPeer = undefined
    made.runner.receive(data)
    return true
  }

  /** The random of a hello that may go on; without a gate, everything may. */
  #admit(data: Uint8Array, from: Endpoint, key: string): Uint8Array | undefined {
    if (this.#gate === undefined) return isPlainHandshake(data) ? new Uint8Array(0) : undefined
    const verdict = this.#gate.check(data, key, this.#network.now())
    if (verdict === undefined) return undefined
    if (verdict.type === 'accept') return verdict.clientRandom.slice() // the datagram will go its own way
    this.#udp.send(verdict.datagram, from)
    return undefined
  }

  #makePeer(key: string, from: Endpoint, clientRandom: Uint8Array): Peer | undefined {
    if (this.#handshakes >= (this.#options.maxHandshakes ?? 1000)) return undefined
    this.#handshakes++
    const connection = new DtlsConnection({
      ...this.#options,
      role: 'server',
      now: this.#network.now(),
      cookie: this.#gate === undefined ? false : 'verified',
      pathValidated: this.#gate !== undefined,
    })
    connection.start(this.#network.now()) // a hello that never becomes whole must not stay for ever
    const onEvent = (event: DtlsEvent): void => this.#event(peer, from, event)
    const runner = new Runner(this.#network, connection, (datagram) => this.#udp.send(datagram, from), onEvent)
    const peer: Peer = { key, runner, socket: undefined, clientRandom, successor: undefined }
    return peer
  }

  #event(peer: Peer, from: Endpoint, event: DtlsEvent): void {
    if (peer.socket !== undefined) {
      peer.socket.handleEvent(event)
      return
    }
    this.#handshakes--
    if (event.type !== 'connected') {
      peer.runner.stop()
      this.#forget(peer)
      if (event.type === 'failed') this.onerror?.(event.error)
      return
    }
    const known = this.#peers.get(peer.key)
    if (known !== undefined && known !== peer) this.#succeed(known, peer)
    peer.socket = new DtlsSocket(this.local, from, peer.runner, () => this.#forget(peer))
    if (this.onconnection === undefined) peer.socket.close()
    else this.onconnection(peer.socket)
  }

  /** The old association ends as if its client had said goodbye: that client is no more. */
  #succeed(old: Peer, peer: Peer): void {
    old.successor = undefined
    old.socket?.handleEvent({ type: 'closed' })
    this.#peers.set(peer.key, peer)
    this.#lastPeer = undefined
  }

  #forget(peer: Peer): void {
    const known = this.#peers.get(peer.key)
    this.#lastPeer = undefined
    if (known?.successor === peer) known.successor = undefined
    if (known !== peer) return
    // Whoever was about to take over goes on alone.
    if (peer.successor === undefined) this.#peers.delete(peer.key)
    else this.#peers.set(peer.key, peer.successor)
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`
}

/** Begins with a handshake record of epoch 0. */
function isPlainHandshake(data: Uint8Array): boolean {
  return data.length > 13 && data[0] === 22 && data[3] === 0 && data[4] === 0
}
