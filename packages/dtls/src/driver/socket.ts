import { createNetwork, type Endpoint, type Network, normalizeAddress, type UdpSocket } from '@kaon/net'
import { DtlsConnection } from '../connection.ts'
import { DtlsError } from '../error.ts'
import type { DtlsEvent, DtlsOptions, DtlsSelected, DtlsState, DtlsStats } from '../options.ts'
import { Runner } from './runner.ts'

/** Records that wait for `onmessage` to be set; later ones are lost, as datagrams are. */
const MAX_UNREAD = 256

/** What `DtlsSocket.connect` can be told, besides the options of the connection. */
export interface DtlsConnectOptions extends Omit<DtlsOptions, 'role' | 'now' | 'cookie'> {
  /** A name or an IP address. */
  host: string
  port: number
  /** This machine's by default. */
  network?: Network
  localAddress?: string
  localPort?: number
  /** Gives up: the promise rejects with the signal's reason and nothing stays open. */
  signal?: AbortSignal
}

/** One DTLS association over UDP, after its handshake. */
export class DtlsSocket {
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Once, when the peer has closed (without error) or the association broke. Not after an own `close`. */
  onclose: ((error: DtlsError | undefined) => void) | undefined
  readonly #runner: Runner
  readonly #release: () => void
  #onmessage: ((data: Uint8Array) => void) | undefined
  #unread: Uint8Array[] = []
  #over = false

  /** @internal Sockets come from `DtlsSocket.connect` and `DtlsServer`. */
  constructor(local: Endpoint, remote: Endpoint, runner: Runner, release: () => void) {
    this.local = local
    this.remote = remote
    this.#runner = runner
    this.#release = release
  }

  /**
   * Connects to a DTLS server. Rejects with a `DtlsError`, a `NetError`, or the reason of the signal. Give `verifyPeer` or
   * `remoteFingerprints`: without either nobody could be trusted, and `ERR_DTLS_OPTIONS` says so.
   */
  static async connect(options: DtlsConnectOptions): Promise<DtlsSocket> {
    const { signal } = options
    const network = options.network ?? createNetwork()
    if (options.verifyPeer === undefined && options.remoteFingerprints === undefined) {
      throw new DtlsError('ERR_DTLS_OPTIONS', 'verifyPeer or remoteFingerprints is needed')
    }
    const connection = new DtlsConnection({ ...options, role: 'client', now: network.now() })
    const remote = await resolve(network, options)
    const udp = await network.bindUdp({
      family: remote.family,
      ...(options.localAddress === undefined ? {} : { address: options.localAddress }),
      ...(options.localPort === undefined ? {} : { port: options.localPort }),
      ...(signal === undefined ? {} : { signal }),
    })
    return establish(network, connection, udp, remote, signal)
  }

  /** Each call is one record of the peer. What came before it is set is delivered when it is. */
  get onmessage(): ((data: Uint8Array) => void) | undefined {
    return this.#onmessage
  }

  set onmessage(callback: ((data: Uint8Array) => void) | undefined) {
    this.#onmessage = callback
    if (callback === undefined) return
    const unread = this.#unread
    this.#unread = []
    for (const data of unread) callback(data)
  }

  get state(): DtlsState {
    return this.#runner.connection.state
  }

  get selected(): DtlsSelected | undefined {
    return this.#runner.connection.selected
  }

  /** The peer's chain in DER. */
  get remoteCertificates(): readonly Uint8Array[] {
    return this.#runner.connection.remoteCertificates
  }

  get stats(): DtlsStats {
    return this.#runner.connection.stats
  }

  /** Sends one record in one datagram. Throws `ERR_DTLS_STATE` when closed, `ERR_DTLS_DATA_TOO_LARGE` beyond 16384 bytes. */
  send(data: Uint8Array): void {
    this.#runner.connection.send(data)
    this.#runner.flush()
    // All sequence numbers are used up: that is an event.
    if (this.state !== 'connected') this.#runner.drainSoon()
  }

  /** RFC 5705. */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    return this.#runner.connection.exportKeyingMaterial(label, length, context)
  }

  /** Sends close_notify and lets go of everything. Idempotent; no callback follows. */
  close(): void {
    if (this.#over) return
    this.#over = true
    this.#runner.connection.close()
    this.#runner.flush()
    this.#runner.stop()
    this.#unread = []
    this.#release()
  }

  /** @internal */
  handleEvent(event: DtlsEvent): void {
    if (this.#over) return
    if (event.type === 'data') {
      if (this.#onmessage !== undefined) this.#onmessage(event.data)
      else if (this.#unread.length < MAX_UNREAD) this.#unread.push(event.data)
      return
    }
    if (event.type === 'connected') return
    this.#over = true
    this.#runner.stop()
    this.#release()
    this.onclose?.(event.type === 'failed' ? event.error : undefined)
  }
}

/** The first address of the host, of the family of `localAddress` when that is given. */
async function resolve(network: Network, options: DtlsConnectOptions): Promise<Endpoint> {
  const { host, port, localAddress, signal } = options
  const [address] = await network.lookup(host, {
    ...(localAddress === undefined ? {} : { family: localAddress.includes(':') ? 6 : 4 }),
    ...(signal === undefined ? {} : { signal }),
  })
  const literal = normalizeAddress(address!) ?? address!
  return { address: literal, port, family: literal.includes(':') ? 6 : 4 }
}

function establish(
  network: Network,
  connection: DtlsConnection,
  udp: UdpSocket,
  remote: Endpoint,
  signal: AbortSignal | undefined,
): Promise<DtlsSocket> {
  return new Promise((fulfil, reject) => {
    let socket: DtlsSocket | undefined
    const giveUp = (reason: unknown): void => {
      signal?.removeEventListener('abort', onAbort)
      runner.stop()
      udp.close()
      reject(reason)
    }
    const onAbort = (): void => {
      connection.close()
      runner.flush()
      giveUp(signal!.reason ?? new DtlsError('ERR_DTLS_ABORTED', 'aborted'))
    }
    const onEvent = (event: DtlsEvent): void => {
      if (socket !== undefined) socket.handleEvent(event)
      else if (event.type === 'connected') {
        signal?.removeEventListener('abort', onAbort)
        socket = new DtlsSocket(udp.local, remote, runner, () => udp.close())
        fulfil(socket)
      } else if (event.type === 'failed') giveUp(event.error)
    }
    const runner = new Runner(network, connection, (datagram) => udp.send(datagram, remote), onEvent)
    let lastFrom: Endpoint | undefined
    udp.onmessage = (data, from) => {
      // Only the server may speak here: by identity where that is cheap, else by value.
      if (from !== lastFrom) {
        if (from.port !== remote.port || from.address !== remote.address) return
        lastFrom = from
      }
      runner.receive(data)
    }
    if (signal?.aborted) {
      onAbort()
      return
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    connection.start(network.now())
    runner.drain()
  })
}
