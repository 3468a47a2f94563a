// TCP connections of peers (RFC 6062 §5): asked for by Connect or come by themselves, and joined to the client's by ConnectionBind.
import { attribute, type StunMessage, type TransportAddress } from '@kaon/stun'
import type { ServerAllocation } from './allocation.ts'
import type { Desk, Request } from './desk.ts'
import { Expiries } from './expiries.ts'
import type { Peers } from './peers.ts'
import type { RelayPort } from './ports.ts'

/** ms that a peer may take to answer, and that a client may take to come for the connection (RFC 6062 §5.2). */
const PATIENCE = 30_000

export class PeerConnection {
  readonly id: number
  readonly allocation: ServerAllocation
  readonly peer: TransportAddress
  /** The Connect request, until it is answered. */
  request: Request | undefined
  /** A client's connection has come for it. */
  isBound = false
  ended = false
  checkAt: number

  constructor(
    id: number,
    allocation: ServerAllocation,
    peer: TransportAddress,
    request: Request | undefined,
    checkAt: number,
  ) {
    this.id = id
    this.allocation = allocation
    this.peer = peer
    this.request = request
    this.checkAt = checkAt
  }
}

export class Connections {
  readonly #desk: Desk
  readonly #peers: Peers
  readonly #byId: Map<number, PeerConnection> = new Map()
  readonly #expiries: Expiries<PeerConnection> = new Expiries()

  constructor(desk: Desk, peers: Peers) {
    this.#desk = desk
    this.#peers = peers
  }

  get deadline(): number {
    return this.#expiries.deadline
  }

  tick(now: number): void {
    for (let due = this.#expiries.take(now); due !== undefined; due = this.#expiries.take(now)) {
      if (due.ended || due.isBound) continue
      if (due.request === undefined) this.close(due)
      else this.failed(due)
    }
  }

  /** RFC 6062 §5.2 */
  connect(request: Request): void {
    const desk = this.#desk
    const { allocation, message, now } = request
    if (allocation === undefined || allocation.relays.length === 0) {
      desk.error(request, 437)
      return
    }
    const peer = message.get(attribute.xorPeerAddress)
    if (allocation.transport !== 'tcp' || peer === undefined || peer.port === 0) {
      desk.error(request, 400)
      return
    }
    const code = this.#peers.objection(allocation, peer)
    if (code !== undefined) {
      desk.error(request, code)
      return
    }
    for (const one of allocation.connections) {
      if (one.peer.port !== peer.port || one.peer.address !== peer.address) continue
      desk.error(request, 446)
      return
    }
    const connection = this.#add(allocation, peer, request, now)
    if (connection === undefined) desk.error(request, 508)
    else desk.want({ type: 'connect', connection, relay: allocation.relayOf(peer.family)! })
  }

  connected(connection: PeerConnection, now: number): void {
    const { request } = connection
    if (connection.ended || request === undefined) return
    connection.request = undefined
    connection.checkAt = now + PATIENCE
    this.#expiries.add(connection)
    this.#desk.success(request, (builder) => builder.add(attribute.connectionId, connection.id))
  }

  failed(connection: PeerConnection): void {
    const { request } = connection
    if (connection.ended) return
    if (request !== undefined) this.#desk.error(request, 447)
    this.close(connection)
  }

  /** A peer has connected by itself (RFC 6062 §5.3); undefined when it may not. */
  arrived(relay: RelayPort, from: TransportAddress, now: number): PeerConnection | undefined {
    const { allocation } = relay
    const permission = allocation?.permissions.get(from.address)
    if (allocation === undefined || permission === undefined || now >= permission.expiresAt) {
      this.#desk.stats.droppedUninvited++
      return undefined
    }
    const connection = this.#add(allocation, from, undefined, now)
    if (connection !== undefined) this.#peers.connectionAttempt(allocation, connection.id, from)
    return connection
  }

  /** The client whose connection a ConnectionBind request names. */
  ownerOf(message: StunMessage): TransportAddress | undefined {
    const id = message.get(attribute.connectionId)
    return id === undefined ? undefined : this.#byId.get(id)?.allocation.client
  }

  /** RFC 6062 §5.4: from now on the client's connection is the peer's. */
  bind(request: Request): void {
    const { message, link, username, allocation } = request
    const id = message.get(attribute.connectionId)
    const connection = id === undefined ? undefined : this.#byId.get(id)
    const fits =
      connection !== undefined &&
      !connection.isBound &&
      connection.request === undefined &&
      connection.allocation.username === username
    if (!fits || !link.reliable || allocation !== undefined || link.data !== undefined) {
      this.#desk.error(request, 400)
      return
    }
    connection.isBound = true
    link.data = connection
    this.#desk.success(request)
    this.#desk.want({ type: 'splice', connection, link })
  }

  /** Either end is gone, or the allocation is. */
  close(connection: PeerConnection): void {
    if (connection.ended) return
    connection.ended = true
    connection.allocation.connections.delete(connection)
    this.#byId.delete(connection.id)
    this.#desk.stats.connections--
    this.#desk.want({ type: 'disconnect', connection })
  }

  #add(
    allocation: ServerAllocation,
    peer: TransportAddress,
    request: Request | undefined,
    now: number,
  ): PeerConnection | undefined {
    if (allocation.connections.size >= this.#desk.settings.maxConnections) return undefined
    const connection = new PeerConnection(this.#newId(), allocation, peer, request, now + PATIENCE)
    this.#byId.set(connection.id, connection)
    allocation.connections.add(connection)
    this.#expiries.add(connection)
    this.#desk.stats.connections++
    return connection
  }

  #newId(): number {
    for (;;) {
      const bytes = this.#desk.settings.random(4)
      const id = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
      if (!this.#byId.has(id)) return id
    }
  }
}
