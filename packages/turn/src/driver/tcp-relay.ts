// TCP over TURN (RFC 6062): an allocation for connections, each on a connection of its own to the server.
import type { Endpoint, TcpConnection } from '@kaon/net'
import { attribute, type ClientCredentials, decodeMessage, methods, type TransportAddress } from '@kaon/stun'
import { type LinkOptions, openStream } from '@kaon/stun/driver/link'
import { Requests } from '../client/requests.ts'
import type { TurnEvent } from '../client/types.ts'
import { TurnError } from '../error.ts'
import { TurnFramer } from '../framer.ts'
import { RelayedConnection } from './relayed-connection.ts'
import type { Granted } from './relay-socket.ts'
import type { Session } from './session.ts'

interface Waiting {
  readonly peer: TransportAddress
  readonly resolve: (connection: TcpConnection) => void
  readonly reject: (error: TurnError) => void
}

/** ms; the server waits 30 s (RFC 6062 §5.2). */
const BIND_TIMEOUT = 30_000

export class TcpRelay {
  /** Where peers connect to. */
  readonly local: Endpoint
  readonly relayed: readonly Endpoint[]
  readonly mapped: Endpoint
  /** A peer has connected. Without a listener nobody is let in. */
  onconnection: ((connection: TcpConnection) => void) | undefined = undefined
  /** A peer's address is refused, or its connection could not be taken over. */
  onerror: ((error: TurnError) => void) | undefined = undefined
  /** Once, when the allocation is gone, and with it its connections (RFC 6062 §5.1). Not after `close`. */
  onclose: ((error: TurnError) => void) | undefined = undefined
  readonly #session: Session
  readonly #link: LinkOptions
  readonly #credentials: ClientCredentials
  readonly #settings: { readonly software?: string; readonly random?: (length: number) => Uint8Array }
  readonly #waiting: Waiting[] = []
  #closed = false

  constructor(
    session: Session,
    granted: Granted,
    link: LinkOptions,
    credentials: ClientCredentials,
    settings: { readonly software?: string; readonly random?: (length: number) => Uint8Array },
  ) {
    this.#session = session
    this.#link = { ...link, localPort: undefined }
    this.#credentials = credentials
    this.#settings = settings
    this.relayed = granted.relayed
    this.local = granted.relayed[0]!
    this.mapped = granted.mapped
    session.onevent = (event) => this.#handle(event)
  }

  /** Lets connections from this address in. */
  permit(address: string): void {
    this.#session.permit(address)
  }

  /**
   * A connection from the server to a peer (RFC 6062 §4.3).
   * @throws TurnError `ERR_TURN_RESPONSE` (447: the peer does not answer or refuses), `ERR_TURN_UNREACHABLE`, `ERR_TURN_CLOSED`
   */
  connect(peer: TransportAddress): Promise<TcpConnection> {
    if (this.#closed) return Promise.reject(closed())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ peer, resolve, reject })
      this.#session.connect(peer)
    })
  }

  /** Gives the allocation back; the server ends its connections. Idempotent; no callback runs after it. */
  close(): void {
    this.onconnection = undefined
    this.onerror = undefined
    this.onclose = undefined
    this.#session.close()
    this.#end(closed())
  }

  #handle(event: TurnEvent): void {
    switch (event.type) {
      case 'connection': {
        const { peer, connectionId, incoming } = event
        const waiting = incoming ? undefined : this.#take(peer)
        if (incoming && this.onconnection === undefined) return
        this.#bind(connectionId, peer).then(
          (connection) => {
            if (waiting !== undefined) waiting.resolve(connection)
            else if (this.onconnection === undefined) connection.close()
            else this.onconnection(connection)
          },
          (error: TurnError) => {
            if (waiting !== undefined) waiting.reject(error)
            else this.onerror?.(error)
          },
        )
        break
      }
      case 'connection-failed':
        this.#take(event.peer)?.reject(event.error)
        break
      case 'refused':
        this.onerror?.(event.error)
        break
      case 'failed':
        this.#end(event.error)
        this.onclose?.(event.error)
        break
      default:
    }
  }

  #take(peer: TransportAddress): Waiting | undefined {
    const index = this.#waiting.findIndex((one) => one.peer === peer)
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]
  }

  #end(error: TurnError): void {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  /**
   * RFC 6062 §4.3: ConnectionBind on a new connection, which then is the peer's. It is authenticated with what the allocation knows of the
   * server: coturn breaks a connection that comes with a bare request.
   */
  async #bind(connectionId: number, peer: TransportAddress): Promise<TcpConnection> {
    const { network } = this.#session
    let tcp: TcpConnection
    try {
      tcp = await openStream(this.#link)
    } catch (cause) {
      throw new TurnError('ERR_TURN_UNREACHABLE', 'no data connection to the server', { cause })
    }
    return new Promise((resolve, reject) => {
      const framer = new TurnFramer({ maxLength: 4096 })
      const requests = new Requests({ ...this.#settings, credentials: this.#credentials, reliable: true })
      const timer = network.setTimer(network.now() + BIND_TIMEOUT, () =>
        stop(new TurnError('ERR_TURN_TIMEOUT', 'the server does not answer')),
      )
      const state = { done: false }
      const stop = (error: TurnError): void => {
        state.done = true
        timer.cancel()
        tcp.close()
        reject(error)
      }
      const flush = (): void => {
        for (;;) {
          const request = requests.pollTransmit(network.now())
          if (request === undefined) return
          tcp.write(request)
        }
      }
      tcp.onclose = (cause) => stop(new TurnError('ERR_TURN_UNREACHABLE', 'the data connection broke', { cause }))
      tcp.onend = () => stop(new TurnError('ERR_TURN_UNREACHABLE', 'the server closed the data connection'))
      tcp.ondata = (chunk) => {
        framer.push(chunk)
        while (!state.done) {
          const bytes = framer.pop()
          const message = bytes === undefined ? undefined : decodeMessage(bytes)
          if (message === undefined) break
          requests.handle(message, network.now())
        }
        if (framer.failed && !state.done) stop(new TurnError('ERR_TURN_MALFORMED', 'the server does not speak STUN'))
        else if (!state.done) flush()
      }
      requests.start(
        methods.connectionBind,
        (builder) => void builder.add(attribute.connectionId, connectionId),
        (outcome) => {
          if (!outcome.ok) {
            stop(outcome.error)
            return
          }
          state.done = true
          timer.cancel()
          const local = this.relayed.find(({ family }) => family === peer.family) ?? this.local
          // What the peer said already may be in the same segment.
          resolve(new RelayedConnection(tcp, local, peer, framer.takeRest()))
        },
        network.now(),
      )
      flush()
    })
  }
}

function closed(): TurnError {
  return new TurnError('ERR_TURN_CLOSED', 'the allocation is closed')
}
