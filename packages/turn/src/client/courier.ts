// What goes to peers and comes from them, and the permissions and channels that this needs.
import { attribute, MessageBuilder, methods, type StunMessage, type TransportAddress } from '@kaon/stun'
import { ChannelDataWriter } from '../channel-data.ts'
import { TurnError } from '../error.ts'
import { Fifo } from '../fifo.ts'
import { IndicationIds } from '../indication-ids.ts'
import { type Peer, PeerTable, type Permission } from './peers.ts'
import { forgotten, type Outcome, type Requests } from './requests.ts'
import type { TurnAllocationStats, TurnEvent } from './types.ts'

/** Addresses per CreatePermission: sixteen of IPv6 keep the request below 600 bytes. */
const MAX_ADDRESSES = 16
/** ms that a permission or channel without traffic is still refreshed. */
const IDLE = 300_000
/** ms after which what was refused may be asked for again. */
const RETRY = 30_000
/** A Send indication with an IPv6 peer has 52 bytes around the data, a UDP datagram 65,507 in all. */
const MAX_DATA = 65_400

export interface CourierOptions {
  readonly requests: Requests
  readonly stats: TurnAllocationStats
  readonly padded: boolean
  readonly bindChannels: boolean
  readonly maxPeers: number
  /** Twelve random bytes: the transaction ids of indications count up from here. */
  readonly base: Uint8Array
  readonly emit: (event: TurnEvent) => void
  /** The server does not know the allocation. */
  readonly lost: (error: TurnError) => void
}

export class Courier {
  readonly #options: CourierOptions
  readonly #stats: TurnAllocationStats
  readonly #peers: PeerTable
  readonly #writer = new ChannelDataWriter()
  readonly #builder = new MessageBuilder({ slabSize: 65_536 })
  readonly #ids: IndicationIds
  /** Permissions to ask for. */
  readonly #wanted: Set<Permission> = new Set()
  #asking = false
  #active = false
  readonly #out = new Fifo<Uint8Array>()
  #maintainAt = Infinity

  constructor(options: CourierOptions) {
    this.#options = options
    this.#stats = options.stats
    this.#peers = new PeerTable(options.maxPeers)
    this.#ids = new IndicationIds(options.base)
  }

  get deadline(): number {
    return this.#active ? this.#maintainAt : Infinity
  }

  /** There is an allocation. */
  start(): void {
    this.#active = true
  }

  clear(): void {
    this.#active = false
    this.#wanted.clear()
    this.#out.clear()
  }

  permit(address: string, now: number): void {
    const permission = this.#peers.permission(address)
    if (permission === undefined) throw tooMany()
    permission.kept = true
    if (!permission.isOpen(now)) this.#want(permission, now)
    else this.#options.emit({ type: 'permitted', address: permission.address.address })
  }

  revoke(address: string): void {
    const permission = this.#peers.known(address)
    if (permission !== undefined) permission.kept = false
  }

  bindChannel(endpoint: TransportAddress, now: number): void {
    const peer = this.#peers.obtain(endpoint)
    if (peer === undefined) throw tooMany()
    peer.usedAt = now
    this.#bind(peer, now)
  }

  send(endpoint: TransportAddress, data: Uint8Array, now: number): void {
    if (data.length > MAX_DATA) throw new TurnError('ERR_TURN_TOO_LARGE', `${data.length} bytes of at most ${MAX_DATA}`)
    const peer = this.#peers.obtain(endpoint)
    if (peer === undefined) {
      this.#stats.droppedOutgoing++
      return
    }
    const { permission } = peer
    peer.usedAt = now
    permission.usedAt = now
    if (this.#active && permission.isOpen(now)) {
      this.#carry(peer, data, now)
      return
    }
    if (!permission.hold(peer, data) || !this.#want(permission, now)) {
      this.#stats.droppedOutgoing++
      if (permission.state === 'refused') permission.waiting = []
    }
  }

  receiveChannelData(channel: number, data: Uint8Array, now: number): void {
    const peer = this.#peers.byChannel(channel)
    // While a ChannelBind is on its way, its channel may be heard before its answer.
    if (peer === undefined || (peer.channelState !== 'asked' && !peer.isBound(now))) {
      this.#stats.droppedUnexpected++
      return
    }
    this.#deliver(peer.endpoint, peer, peer.permission, data, now)
  }

  /** A Data indication (RFC 8656 §11.4). */
  receiveIndication(message: StunMessage, from: TransportAddress, now: number): void {
    const permission = this.#peers.known(from.address)
    if (permission === undefined || !permission.isOpen(now)) {
      this.#stats.droppedUnexpected++
      return
    }
    const peer = permission.peers.get(from.port)
    const endpoint = peer?.endpoint ?? from
    const data = message.get(attribute.data)
    if (data !== undefined) {
      this.#deliver(endpoint, peer, permission, data, now)
      return
    }
    const icmp = message.get(attribute.icmp)
    if (icmp === undefined) this.#stats.droppedMalformed++
    else this.#options.emit({ type: 'icmp', peer: endpoint, icmpType: icmp.type, icmpCode: icmp.code })
  }

  /** Asks for the permissions that have come to be wanted: once per drain, many in one request. */
  prepare(now: number): void {
    if (this.#asking || this.#wanted.size === 0) return
    const batch: Permission[] = []
    for (const permission of this.#wanted) {
      if (batch.length > 0 && permission.alone) continue
      batch.push(permission)
      this.#wanted.delete(permission)
      if (permission.alone || batch.length === MAX_ADDRESSES) break
    }
    this.#asking = true
    for (const permission of batch) if (permission.state !== 'granted') permission.state = 'asked'
    this.#options.requests.start(
      methods.createPermission,
      (builder) => {
        for (const { address } of batch) builder.add(attribute.xorPeerAddress, address)
      },
      (outcome, at) => this.#answered(batch, outcome, at),
      now,
    )
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.take()
  }

  /** Refreshes what is used, and forgets what is not. */
  tick(now: number): void {
    if (!this.#active || now < this.#maintainAt) return
    let next = Infinity
    for (const permission of this.#peers.permissions()) {
      for (const peer of permission.peers.values()) {
        if (now >= peer.channelRefreshAt) {
          peer.channelRefreshAt = Infinity
          if (now - peer.usedAt < IDLE) this.#bind(peer, now)
        }
        next = Math.min(next, peer.channelRefreshAt)
      }
      if (now >= permission.refreshAt) {
        permission.refreshAt = Infinity
        if (permission.kept || now - permission.usedAt < IDLE) this.#want(permission, now)
      }
      if (permission.isOpen(now)) next = Math.min(next, permission.refreshAt, permission.expiresAt)
      else if (permission.kept) {
        if (!this.#want(permission, now)) next = Math.min(next, permission.retryAt)
      } else if (permission.state !== 'asked' && permission.waiting.length === 0) {
        if (now - permission.usedAt >= IDLE) this.#peers.forget(permission, now)
        else next = Math.min(next, permission.usedAt + IDLE)
      }
    }
    this.#maintainAt = Math.max(next, now + 1)
  }

  #carry(peer: Peer, data: Uint8Array, now: number): void {
    this.#stats.datagramsSent++
    this.#stats.bytesSent += data.length
    if (peer.isBound(now)) {
      this.#stats.channelDataSent++
      this.#out.push(this.#writer.write(peer.channel, data, this.#options.padded))
      return
    }
    const builder = this.#builder.start('indication', methods.send, this.#ids.next())
    this.#out.push(builder.add(attribute.xorPeerAddress, peer.endpoint).add(attribute.data, data).finish())
    if (this.#options.bindChannels && peer.channelState === 'none') this.#bind(peer, now)
  }

  #deliver(
    peer: TransportAddress,
    known: Peer | undefined,
    permission: Permission,
    data: Uint8Array,
    now: number,
  ): void {
    permission.usedAt = now
    if (known !== undefined) known.usedAt = now
    this.#stats.datagramsReceived++
    this.#stats.bytesReceived += data.length
    this.#options.emit({ type: 'data', peer, data })
  }

  /** False when it was refused a moment ago. */
  #want(permission: Permission, now: number): boolean {
    if (permission.state === 'refused') {
      if (now < permission.retryAt) return false
      permission.state = 'none'
    }
    if (permission.state !== 'asked') this.#wanted.add(permission)
    return true
  }

  #answered(batch: readonly Permission[], outcome: Outcome, now: number): void {
    this.#asking = false
    if (!this.#active) return
    if (outcome.ok) {
      for (const permission of batch) this.#granted(permission, now)
      return
    }
    const { error } = outcome
    if (error.responseCode === 437) {
      this.#options.lost(forgotten(error))
      return
    }
    for (const permission of batch) {
      if (batch.length > 1 && error.responseCode !== undefined) {
        // One of them is the culprit.
        permission.alone = true
        if (permission.state === 'asked') permission.state = 'none'
        this.#wanted.add(permission)
        continue
      }
      permission.retryAt = now + RETRY
      if (permission.isOpen(now)) {
        permission.refreshAt = permission.retryAt
        this.#maintainBy(permission.refreshAt)
        continue
      }
      permission.state = 'refused'
      this.#stats.droppedOutgoing += permission.waiting.length
      permission.waiting = []
      this.#options.emit({ type: 'refused', address: permission.address.address, error })
      this.#maintainBy(permission.kept ? permission.retryAt : now + IDLE)
    }
  }

  #granted(permission: Permission, now: number): void {
    const isNew = permission.state !== 'granted'
    permission.granted(now)
    this.#maintainBy(permission.refreshAt)
    if (isNew) this.#options.emit({ type: 'permitted', address: permission.address.address })
    const { waiting } = permission
    permission.waiting = []
    for (const { peer, data } of waiting) this.#carry(peer, data, now)
  }

  #bind(peer: Peer, now: number): void {
    if (peer.channelState === 'asked') return
    if (!this.#peers.assignChannel(peer, now)) {
      peer.channelState = 'refused'
      return
    }
    const wasBound = peer.isBound(now)
    peer.channelState = wasBound ? 'bound' : 'asked'
    this.#options.requests.start(
      methods.channelBind,
      (builder) => void builder.add(attribute.channelNumber, peer.channel).add(attribute.xorPeerAddress, peer.endpoint),
      (outcome, at) => this.#bound(peer, outcome, at),
      now,
    )
  }

  #bound(peer: Peer, outcome: Outcome, now: number): void {
    if (!this.#active) return
    if (outcome.ok) {
      const isNew = peer.channelState === 'asked'
      const { permission } = peer
      const wasOpen = permission.state === 'granted'
      peer.bound(now)
      this.#maintainBy(peer.permission.refreshAt)
      if (isNew) this.#options.emit({ type: 'channel-bound', peer: peer.endpoint, channel: peer.channel })
      if (!wasOpen) this.#granted(permission, now)
      return
    }
    const { error } = outcome
    if (error.responseCode === 437) {
      this.#options.lost(forgotten(error))
      return
    }
    // Send indications do as well; a bound one goes on until it expires.
    if (!peer.isBound(now)) peer.channelState = 'refused'
    if (!peer.permission.isOpen(now)) {
      this.#options.emit({ type: 'refused', address: peer.permission.address.address, error })
    }
  }

  #maintainBy(at: number): void {
    if (at < this.#maintainAt) this.#maintainAt = at
  }
}

function tooMany(): TurnError {
  return new TurnError('ERR_TURN_LIMIT', 'no room for another peer: see maxPeers')
}
