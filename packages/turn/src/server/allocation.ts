import type { IntegrityKey, TransportAddress } from '@kaon/stun'
import type { PeerConnection } from './connections.ts'
import { EndpointMap } from './endpoint-map.ts'
import type { ClientLink, RelayPort } from './ports.ts'

/** An address that an allocation lets in (RFC 8656 §9). */
export class ServerPermission {
  readonly address: string
  expiresAt: number

  constructor(address: string, expiresAt: number) {
    this.address = address
    this.expiresAt = expiresAt
  }
}

/** RFC 8656 §12 */
export class ServerChannel {
  readonly number: number
  readonly peer: TransportAddress
  readonly relay: RelayPort
  readonly permission: ServerPermission
  expiresAt: number

  constructor(
    number: number,
    peer: TransportAddress,
    relay: RelayPort,
    permission: ServerPermission,
    expiresAt: number,
  ) {
    this.number = number
    this.peer = peer
    this.relay = relay
    this.permission = permission
    this.expiresAt = expiresAt
  }
}

/** What a server knows of one allocation (RFC 8656 §3.2): the 5-tuple, whose it is, its relayed addresses and whom it lets in. */
export class ServerAllocation {
  readonly link: ClientLink
  readonly client: TransportAddress
  username: string
  /** Whose quota it counts for. */
  readonly user: string
  key: IntegrityKey | undefined
  readonly transport: 'udp' | 'tcp'
  /** Of the Allocate request and of its answer, for retransmissions. */
  readonly transactionKey: string
  response: Uint8Array | undefined = undefined
  /** Empty until the sockets are there. */
  relays: RelayPort[] = []
  expiresAt: number = Infinity
  /** When the timer looks at it next: not after `expiresAt`, before it when there was a refresh. */
  checkAt: number = Infinity
  ended = false
  /** What was relayed, for the books. */
  bytesToPeers = 0
  bytesToClient = 0
  readonly permissions: Map<string, ServerPermission> = new Map()
  readonly channels: Map<number, ServerChannel> = new Map()
  readonly connections: Set<PeerConnection> = new Set()
  readonly #byPeer = new EndpointMap<ServerChannel>()
  // One bucket per direction: bytes that may still pass.
  #toPeers = 0
  #toClient = 0
  #filledAt: number = -Infinity

  constructor(
    link: ClientLink,
    client: TransportAddress,
    username: string,
    user: string,
    key: IntegrityKey | undefined,
    transport: 'udp' | 'tcp',
    transactionKey: string,
  ) {
    this.link = link
    this.client = client
    this.username = username
    this.user = user
    this.key = key
    this.transport = transport
    this.transactionKey = transactionKey
  }

  relayOf(family: 4 | 6): RelayPort | undefined {
    return this.relays.find((relay) => relay.endpoint.family === family)
  }

  channelOf(peer: TransportAddress): ServerChannel | undefined {
    return this.#byPeer.get(peer)
  }

  addChannel(channel: ServerChannel): void {
    this.channels.set(channel.number, channel)
    this.#byPeer.set(channel.peer, channel)
  }

  removeChannel(channel: ServerChannel): void {
    this.channels.delete(channel.number)
    this.#byPeer.delete(channel.peer)
  }

  /** Forgets what has expired; returns how many permissions and channels that were. */
  purge(now: number): { permissions: number; channels: number } {
    let channels = 0
    let permissions = 0
    for (const channel of this.channels.values()) {
      if (now < channel.expiresAt) continue
      this.removeChannel(channel)
      channels++
    }
    for (const [address, permission] of this.permissions) {
      // A channel keeps its permission object, which a later request may renew.
      if (now < permission.expiresAt || this.#byPeer.hasAddress(address)) continue
      this.permissions.delete(address)
      permissions++
    }
    return { permissions, channels }
  }

  /** Whether so many bytes may pass at this time, `perSecond` being the limit. */
  admitsToPeers(bytes: number, perSecond: number, now: number): boolean {
    if (perSecond === Infinity) return true
    this.#fill(perSecond, now)
    if (this.#toPeers < bytes) return false
    this.#toPeers -= bytes
    return true
  }

  admitsToClient(bytes: number, perSecond: number, now: number): boolean {
    if (perSecond === Infinity) return true
    this.#fill(perSecond, now)
    if (this.#toClient < bytes) return false
    this.#toClient -= bytes
    return true
  }

  #fill(perSecond: number, now: number): void {
    const more = Math.min(perSecond, ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
    this.#toPeers = Math.min(perSecond, this.#toPeers + more)
    this.#toClient = Math.min(perSecond, this.#toClient + more)
  }
}
