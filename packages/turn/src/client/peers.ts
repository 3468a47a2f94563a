// Whom an allocation talks to: permissions by address, channels by address and port (RFC 8656 §9, §12).
import { type TransportAddress, transportAddress } from '@kaon/stun'
import { CHANNEL_LIFETIME, CHANNEL_REST, FIRST_CHANNEL, LAST_CHANNEL, PERMISSION_LIFETIME } from '../numbers.ts'

/** ms before its end that something is refreshed: a request may take 39.5 s with all its retransmissions. */
const AHEAD = 60_000
/** Datagrams that wait for the permission of one address: what an impatient start sends, not a stream. */
const MAX_WAITING = 16
const CHANNELS = LAST_CHANNEL - FIRST_CHANNEL + 1

export type PermissionState = 'none' | 'asked' | 'granted' | 'refused'

/** A peer's address: permissions do not look at ports. */
export class Permission {
  readonly address: TransportAddress
  readonly peers: Map<number, Peer> = new Map()
  state: PermissionState = 'none'
  expiresAt: number = -Infinity
  refreshAt: number = Infinity
  /** Asked for by name: it is refreshed whether it is used or not. */
  kept = false
  /** When something was sent to or came from the address. */
  usedAt: number = -Infinity
  /** Together with others it was refused: it is asked for in a request of its own. */
  alone = false
  /** When a refused one may be asked for again. */
  retryAt: number = -Infinity
  waiting: { readonly peer: Peer; readonly data: Uint8Array }[] = []

  constructor(address: TransportAddress) {
    this.address = address
  }

  granted(now: number): void {
    this.state = 'granted'
    this.expiresAt = now + PERMISSION_LIFETIME
    this.refreshAt = this.expiresAt - AHEAD
  }

  isOpen(now: number): boolean {
    return now < this.expiresAt
  }

  /** False when too many wait. */
  hold(peer: Peer, data: Uint8Array): boolean {
    if (this.waiting.length >= MAX_WAITING) return false
    this.waiting.push({ peer, data })
    return true
  }
}

export type ChannelState = 'none' | 'asked' | 'bound' | 'refused'

export class Peer {
  readonly endpoint: TransportAddress
  readonly permission: Permission
  /** 0: none was ever chosen. */
  channel = 0
  channelState: ChannelState = 'none'
  channelExpiresAt: number = -Infinity
  channelRefreshAt: number = Infinity
  usedAt: number = -Infinity

  constructor(endpoint: TransportAddress, permission: Permission) {
    this.endpoint = endpoint
    this.permission = permission
  }

  /** A ChannelBind was answered, which installs or refreshes the permission as well (RFC 8656 §12). */
  bound(now: number): void {
    this.channelState = 'bound'
    this.channelExpiresAt = now + CHANNEL_LIFETIME
    this.channelRefreshAt = this.channelExpiresAt - AHEAD
    this.permission.granted(now)
  }

  isBound(now: number): boolean {
    return this.channelState === 'bound' && now < this.channelExpiresAt
  }
}

export class PeerTable {
  readonly #permissions: Map<string, Permission> = new Map()
  readonly #channels: (Peer | undefined)[] = []
  readonly #maxPeers: number
  #count = 0
  #nextChannel = 0
  // The last peer looked for: traffic mostly goes to one.
  #last: Peer | undefined
  #lastEndpoint: TransportAddress | undefined

  constructor(maxPeers: number) {
    this.#maxPeers = maxPeers
  }

  /** @throws StunError `ERR_STUN_ADDRESS` */
  find(endpoint: TransportAddress): Peer | undefined {
    if (endpoint === this.#lastEndpoint) return this.#last
    const peer = this.#permissions.get(endpoint.address)?.peers.get(endpoint.port) ?? this.#findCanonical(endpoint)
    if (peer !== undefined) {
      this.#last = peer
      this.#lastEndpoint = endpoint
    }
    return peer
  }

  /** The peer, made when it is new; undefined when there is no room. @throws StunError `ERR_STUN_ADDRESS` */
  obtain(endpoint: TransportAddress): Peer | undefined {
    const known = this.find(endpoint)
    if (known !== undefined) return known
    if (this.#count >= this.#maxPeers) return undefined
    const canonical = transportAddress(endpoint.address, endpoint.port)
    const permission = this.permission(canonical.address)!
    const peer = new Peer(canonical, permission)
    permission.peers.set(canonical.port, peer)
    this.#count++
    return peer
  }

  /** The permission of an address, made when it is new; undefined when there is no room. @throws StunError `ERR_STUN_ADDRESS` */
  permission(address: string): Permission | undefined {
    const canonical = transportAddress(address, 0)
    let permission = this.#permissions.get(canonical.address)
    if (permission === undefined) {
      if (this.#permissions.size > this.#maxPeers) return undefined
      permission = new Permission(canonical)
      this.#permissions.set(canonical.address, permission)
    }
    return permission
  }

  /** What is known of an address as the wire tells it. */
  known(address: string): Permission | undefined {
    return this.#permissions.get(address)
  }

  permissions(): Iterable<Permission> {
    return this.#permissions.values()
  }

  byChannel(channel: number): Peer | undefined {
    return this.#channels[channel - FIRST_CHANNEL]
  }

  /** Chooses a number for the peer; false when all are taken. */
  assignChannel(peer: Peer, now: number): boolean {
    if (peer.channel !== 0) return true
    for (let tries = 0; tries < CHANNELS; tries++) {
      const index = (this.#nextChannel + tries) % CHANNELS
      const holder = this.#channels[index]
      if (holder !== undefined) {
        // RFC 8656 §12: a number rests for five minutes before it is another peer's.
        if (holder.channelState === 'asked' || now < holder.channelExpiresAt + CHANNEL_REST) continue
        holder.channel = 0
        holder.channelState = 'none'
      }
      this.#channels[index] = peer
      peer.channel = FIRST_CHANNEL + index
      this.#nextChannel = index + 1
      return true
    }
    return false
  }

  /** Forgets an address that is of no more use, unless a channel of it still rests. */
  forget(permission: Permission, now: number): void {
    for (const [port, peer] of permission.peers) {
      if (peer.channel !== 0) {
        if (now < peer.channelExpiresAt + CHANNEL_REST || peer.channelState === 'asked') continue
        this.#channels[peer.channel - FIRST_CHANNEL] = undefined
      }
      permission.peers.delete(port)
      this.#count--
    }
    this.#last = undefined
    this.#lastEndpoint = undefined
    if (permission.peers.size === 0) this.#permissions.delete(permission.address.address)
  }

  #findCanonical(endpoint: TransportAddress): Peer | undefined {
    const { address, port } = transportAddress(endpoint.address, endpoint.port)
    return address === endpoint.address ? undefined : this.#permissions.get(address)?.peers.get(port)
  }
}
