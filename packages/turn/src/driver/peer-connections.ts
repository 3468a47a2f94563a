// The sockets of peers' TCP connections (RFC 6062 §5).
import type { Network, TcpConnection } from '@kaon/net'
import type { PeerConnection } from '../server/connections.ts'
import type { TurnServerCore } from '../server/core.ts'
import type { TcpRelayPort } from './relay-ports.ts'
import { splice } from './splice.ts'

interface Stop {
  readonly signal: AbortSignal
  abort(): void
}

// Present on every platform with sockets, but not among what the portable projects declare.
declare const AbortController: new () => Stop

export class PeerConnections {
  readonly #network: Network
  readonly #core: TurnServerCore
  readonly #drain: () => void
  readonly #connecting: Map<PeerConnection, Stop> = new Map()
  readonly #peers: Map<PeerConnection, TcpConnection> = new Map()
  readonly #clients: Map<PeerConnection, TcpConnection> = new Map()
  #closed = false

  constructor(network: Network, core: TurnServerCore, drain: () => void) {
    this.#network = network
    this.#core = core
    this.#drain = drain
  }

  connect(connection: PeerConnection, relay: TcpRelayPort): void {
    const stop = new AbortController()
    this.#connecting.set(connection, stop)
    const { address: host, port } = connection.peer
    this.#network.connectTcp({ host, port, localAddress: relay.localAddress, signal: stop.signal }).then(
      (tcp) => {
        this.#connecting.delete(connection)
        if (this.#closed || connection.ended) {
          tcp.close()
          return
        }
        this.#hold(connection, tcp)
        this.#core.connected(connection, this.#network.now())
        this.#drain()
      },
      () => {
        if (!this.#connecting.delete(connection)) return
        this.#core.connectFailed(connection)
        this.#drain()
      },
    )
  }

  arrived(relay: TcpRelayPort, tcp: TcpConnection): void {
    const connection = this.#core.peerArrived(relay, tcp.remote, this.#network.now())
    if (connection === undefined) {
      tcp.close()
      return
    }
    this.#hold(connection, tcp)
    this.#drain()
  }

  /** `first`: what the client said behind its request. */
  splice(connection: PeerConnection, client: TcpConnection, first: Uint8Array): void {
    const peer = this.#peers.get(connection)
    if (peer === undefined) {
      client.close()
      return
    }
    this.#clients.set(connection, client)
    if (first.length > 0) peer.write(first)
    splice(client, peer, () => {
      this.#peers.delete(connection)
      this.#clients.delete(connection)
      this.#core.disconnected(connection)
      this.#drain()
    })
  }

  disconnect(connection: PeerConnection): void {
    this.#connecting.get(connection)?.abort()
    this.#connecting.delete(connection)
    this.#peers.get(connection)?.close()
    this.#clients.get(connection)?.close()
    this.#peers.delete(connection)
    this.#clients.delete(connection)
  }

  close(): void {
    this.#closed = true
    for (const connection of new Set([...this.#connecting.keys(), ...this.#peers.keys()])) this.disconnect(connection)
  }

  /** Nothing is read before the client has come for it. */
  #hold(connection: PeerConnection, tcp: TcpConnection): void {
    this.#peers.set(connection, tcp)
    tcp.onclose = () => {
      this.#peers.delete(connection)
      this.#core.disconnected(connection)
      this.#drain()
    }
  }
}
