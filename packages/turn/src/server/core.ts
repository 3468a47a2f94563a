import {
  attribute,
  type Authentication,
  checkFingerprint,
  decodeMessage,
  isStunMessage,
  methods,
  RateLimit,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { isChannelByte } from '../channel-data.ts'
import { serverAttributes } from '../numbers.ts'
import { Allocations } from './allocations.ts'
import { Connections, type PeerConnection } from './connections.ts'
import { Desk, type Request, settle } from './desk.ts'
import { Peers } from './peers.ts'
import type { ClientLink, RelayPort } from './ports.ts'
import type { BindRequest, TurnServerCoreOptions, TurnServerEvent, TurnServerStats, TurnTransmit } from './types.ts'

/**
 * A TURN server (RFC 8656, RFC 6062) without sockets. Clients come by `ClientLink`s, peers by `RelayPort`s; both are made by the driver, the
 * latter when a `bind` event asks for them. A Binding request is answered as well.
 */
export class TurnServerCore {
  readonly #desk: Desk
  readonly #allocations: Allocations
  readonly #peers: Peers
  readonly #connections: Connections
  readonly #rateLimit: RateLimit

  /** @throws TurnError `ERR_TURN_OPTION` */
  constructor(options: TurnServerCoreOptions) {
    this.#desk = new Desk(settle(options))
    this.#peers = new Peers(this.#desk)
    this.#connections = new Connections(this.#desk, this.#peers)
    this.#allocations = new Allocations(this.#desk, this.#connections)
    this.#rateLimit = new RateLimit(this.#desk.settings.maxRequestsPerSecond)
  }

  get stats(): TurnServerStats {
    return this.#desk.stats
  }

  /** Takes a datagram, or a message of a stream, from a client. It changes owner. */
  receive(link: ClientLink, datagram: Uint8Array, from: TransportAddress, now: number): void {
    if (datagram.length > 0 && isChannelByte(datagram[0]!)) {
      const allocation = link.find(from)
      if (allocation !== undefined) this.#peers.channelData(allocation, datagram, now)
      else {
        this.#desk.stats.droppedUnpermitted++
        if (link.reliable) this.#desk.want({ type: 'drop', link })
      }
      return
    }
    const message = isStunMessage(datagram) ? decodeMessage(datagram) : undefined
    if (message === undefined || (message.fingerprintOffset >= 0 && !checkFingerprint(message))) {
      this.#desk.stats.droppedMalformed++
      return
    }
    if (message.messageClass === 'request') this.#request(link, message, from, now)
    else if (message.messageClass === 'indication' && message.method === methods.send) {
      const allocation = link.find(from)
      if (allocation?.transport === 'udp') this.#peers.sendIndication(allocation, message, now)
      else this.#desk.stats.droppedUnpermitted++
    } else if (message.messageClass !== 'indication' || message.method !== methods.binding) {
      this.#desk.stats.droppedOther++
    }
  }

  /** Takes a datagram that came to a relayed address. It changes owner. */
  receivePeer(relay: RelayPort, data: Uint8Array, from: TransportAddress, now: number): void {
    this.#peers.peerData(relay, data, from, now)
  }

  /** The answer to a `bind` event: the relayed addresses, and with `pair` the port after the first one. */
  bound(request: BindRequest, relays: readonly RelayPort[], reserved: RelayPort | undefined, now: number): void {
    this.#allocations.bound(request, relays, reserved, now)
  }

  bindFailed(request: BindRequest, now: number): void {
    this.#allocations.bindFailed(request, now)
  }

  /** A relayed address is of no more use. */
  relayFailed(relay: RelayPort): void {
    if (relay.allocation !== undefined) this.#allocations.end(relay.allocation, 'the socket failed')
  }

  /** The answers to a `connect` event. */
  connected(connection: PeerConnection, now: number): void {
    this.#connections.connected(connection, now)
  }

  connectFailed(connection: PeerConnection): void {
    this.#connections.failed(connection)
  }

  /** A peer has connected to a relayed address; undefined when it is to be turned away. */
  peerArrived(relay: RelayPort, from: TransportAddress, now: number): PeerConnection | undefined {
    return this.#connections.arrived(relay, from, now)
  }

  /** A peer's connection is over, or the client's that was joined to it. */
  disconnected(connection: PeerConnection): void {
    this.#connections.close(connection)
  }

  /** A client's stream is over, and with it what came by it. */
  removeLink(link: ClientLink): void {
    for (const allocation of Array.from(link.allocations())) this.#allocations.end(allocation, 'the connection is over')
    if (link.data !== undefined) this.#connections.close(link.data)
  }

  /** Absolute ms at which `tick` is due. */
  get deadline(): number {
    return Math.min(this.#allocations.deadline, this.#connections.deadline)
  }

  tick(now: number): void {
    this.#allocations.tick(now)
    this.#connections.tick(now)
  }

  pollTransmit(): TurnTransmit | undefined {
    return this.#desk.pollTransmit()
  }

  pollEvent(): TurnServerEvent | undefined {
    return this.#desk.pollEvent()
  }

  #request(link: ClientLink, message: StunMessage, from: TransportAddress, now: number): void {
    const { stats, settings } = this.#desk
    const { method } = message
    if (method !== methods.binding && !isTurnMethod(method)) {
      stats.droppedOther++
      return
    }
    stats.requests++
    const allocation = link.find(from)
    const stranger: Request = {
      link,
      message,
      from,
      now,
      allocation,
      username: '',
      key: undefined,
      algorithm: 'sha1',
      validFor: Infinity,
    }
    if (method === methods.binding) {
      if (!this.#admits(link, from, now)) return
      if (this.#refuseUnknown(stranger)) return
      this.#desk.success(stranger, (builder) => builder.add(attribute.xorMappedAddress, from))
      return
    }
    const { authenticator } = settings
    let request = stranger
    if (authenticator !== undefined) {
      const { username = '', key = undefined } = allocation ?? {}
      const known = key === undefined ? undefined : { username, key }
      let found: Authentication = authenticator.authenticate(message, from, now, known)
      if (!found.ok && found.code === 438 && method === methods.connectionBind) {
        // The nonce is the allocation's, which was given to another port of this client: coturn's client knows no other.
        const owner = this.#connections.ownerOf(message)
        if (owner?.address === from.address) found = authenticator.authenticate(message, owner, now, known)
      }
      if (!found.ok) {
        if (!this.#admits(link, from, now)) return
        const { code } = found
        this.#desk.error(stranger, code, (builder) => authenticator.challenge(builder, code, from, now))
        return
      }
      const { validFor = Infinity } = found
      request = { ...stranger, username: found.username, key: found.key, algorithm: found.algorithm, validFor }
      if (allocation !== undefined && found.validFor !== undefined) {
        // A new token brings a new key, perhaps under another name (RFC 7635 §4): requests without a token go on with it.
        allocation.username = found.username
        allocation.key = found.key
      }
    }
    if (this.#refuseUnknown(request)) return
    if (allocation !== undefined && allocation.username !== request.username) {
      // RFC 8656 §5: all requests of an allocation come from who made it; the 5-tuple itself is told apart for Allocate.
      this.#desk.error(request, method === methods.allocate ? 437 : 441)
      return
    }
    switch (method) {
      case methods.allocate:
        this.#allocations.allocate(request)
        break
      case methods.refresh:
        this.#allocations.refresh(request)
        break
      case methods.createPermission:
        this.#peers.createPermission(request)
        break
      case methods.channelBind:
        this.#peers.bindChannel(request)
        break
      case methods.connect:
        this.#connections.connect(request)
        break
      default:
        this.#connections.bind(request)
    }
  }

  #refuseUnknown(request: Request): boolean {
    const unknown = request.message.unknownRequired(serverAttributes)
    if (unknown.length === 0) return false
    this.#desk.error(request, 420, (builder) => builder.add(attribute.unknownAttributes, unknown))
    return true
  }

  /** The source of a datagram may be forged: answers to strangers are rationed. */
  #admits(link: ClientLink, from: TransportAddress, now: number): boolean {
    if (link.reliable || this.#rateLimit.admits(from.address, now)) return true
    this.#desk.stats.droppedRate++
    return false
  }
}

function isTurnMethod(method: number): boolean {
  switch (method) {
    case methods.allocate:
    case methods.refresh:
    case methods.createPermission:
    case methods.channelBind:
    case methods.connect:
    case methods.connectionBind:
      return true
    default:
      return false
  }
}
