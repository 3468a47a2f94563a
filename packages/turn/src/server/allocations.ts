// Allocate and Refresh (RFC 8656 §7.2, §8.2), and how allocations end.
import { attribute, type TransportAddress } from '@kaon/stun'
import { TRANSPORT_TCP, TRANSPORT_UDP } from '../numbers.ts'
import { ServerAllocation } from './allocation.ts'
import type { Connections } from './connections.ts'
import type { Desk, Request } from './desk.ts'
import { Expiries, type Expiring } from './expiries.ts'
import type { RelayPort } from './ports.ts'
import type { BindRequest } from './types.ts'

/** A port that was asked for together with the one before it (EVEN-PORT). */
interface Reservation extends Expiring {
  readonly token: string
  readonly relay: RelayPort
  readonly user: string
}

interface Pending {
  readonly request: Request
  readonly allocation: ServerAllocation
  readonly bind: BindRequest
}

/** ms that a reserved port waits (RFC 8656 §7.2). */
const RESERVATION_LIFETIME = 30_000

export class Allocations {
  readonly #desk: Desk
  readonly #connections: Connections
  readonly #expiries: Expiries<ServerAllocation> = new Expiries()
  readonly #reservations: Map<string, Reservation> = new Map()
  readonly #reservationExpiries: Expiries<Reservation> = new Expiries()
  readonly #pending: Map<BindRequest, Pending> = new Map()
  /** Allocations and reservations by user. */
  readonly #quota: Map<string, number> = new Map()

  constructor(desk: Desk, connections: Connections) {
    this.#desk = desk
    this.#connections = connections
  }

  get deadline(): number {
    return Math.min(this.#expiries.deadline, this.#reservationExpiries.deadline)
  }

  tick(now: number): void {
    for (let due = this.#expiries.take(now); due !== undefined; due = this.#expiries.take(now)) {
      if (due.ended) continue
      if (now >= due.expiresAt) {
        this.#desk.stats.allocationsExpired++
        this.end(due, 'expired')
      } else {
        due.checkAt = due.expiresAt
        this.#expiries.add(due)
      }
    }
    const queue = this.#reservationExpiries
    for (let due = queue.take(now); due !== undefined; due = queue.take(now)) {
      if (!this.#reservations.delete(due.token)) continue
      this.#desk.stats.reservations--
      this.#count(due.user, -1)
      this.#desk.want({ type: 'release', relay: due.relay })
    }
  }

  /** The checks of RFC 8656 §7.2 in their order. */
  allocate(request: Request): void {
    const desk = this.#desk
    const { settings } = desk
    const { message, link, allocation: existing, username, from } = request
    if (existing !== undefined) {
      // The same request again: UDP lost the answer, or it is still being made.
      if (existing.transactionKey !== message.transactionKey) desk.error(request, 437)
      else if (existing.response !== undefined) desk.send(link, from, existing.response.slice())
      return
    }
    const protocol = message.get(attribute.requestedTransport)
    if (protocol === undefined || link.data !== undefined) {
      desk.error(request, 400)
      return
    }
    if (protocol !== TRANSPORT_UDP && !(protocol === TRANSPORT_TCP && settings.tcpRelay)) {
      desk.error(request, 442)
      return
    }
    const wanted = readWanted(request, protocol === TRANSPORT_TCP)
    if (typeof wanted === 'number') {
      desk.error(request, wanted)
      return
    }
    if (!settings.families.includes(wanted.families[0]!)) {
      desk.error(request, 440)
      return
    }
    const user = settings.userOf(username)
    const alternate = settings.alternateServer?.({ username, client: from })
    if (alternate !== undefined) {
      desk.error(request, 300, (builder) => builder.add(attribute.alternateServer, alternate))
      return
    }
    const reserved = wanted.token === undefined ? undefined : this.#reservations.get(wanted.token)
    if (wanted.token !== undefined && reserved?.user !== user) {
      desk.error(request, 508)
      return
    }
    if (reserved === undefined) {
      const more = wanted.pair ? 2 : 1
      if ((this.#quota.get(user) ?? 0) + more > settings.maxAllocationsPerUser) {
        desk.error(request, 486)
        return
      }
      if (desk.stats.allocations + desk.stats.reservations + more > settings.maxAllocations) {
        desk.error(request, 508)
        return
      }
    }
    const transport = protocol === TRANSPORT_TCP ? 'tcp' : 'udp'
    const { transactionKey } = message
    const allocation = new ServerAllocation(link, from, username, user, request.key, transport, transactionKey)
    link.add(allocation)
    desk.stats.allocations++
    this.#count(user, 1)
    const families = wanted.families.filter((family) => settings.families.includes(family))
    const bind = { transport, families, even: wanted.even, pair: wanted.pair } as const
    this.#pending.set(bind, { request, allocation, bind })
    if (reserved === undefined) {
      desk.want({ type: 'bind', request: bind })
      return
    }
    this.#reservations.delete(reserved.token)
    desk.stats.reservations--
    this.#count(user, -1)
    this.bound(bind, [reserved.relay], undefined, request.now)
  }

  /** The sockets are there; `reserved` is the port after the first one. */
  bound(bind: BindRequest, relays: readonly RelayPort[], reserved: RelayPort | undefined, now: number): void {
    const desk = this.#desk
    const pending = this.#pending.get(bind)
    this.#pending.delete(bind)
    if (pending === undefined || pending.allocation.ended) {
      // The client has gone in the meantime.
      for (const relay of relays) desk.want({ type: 'release', relay })
      if (reserved !== undefined) desk.want({ type: 'release', relay: reserved })
      return
    }
    const { request, allocation } = pending
    if (relays.length === 0) {
      this.bindFailed(bind, now)
      return
    }
    allocation.relays = [...relays]
    for (const relay of relays) relay.allocation = allocation
    const lifetime = this.#lifetime(request)
    allocation.expiresAt = now + lifetime
    allocation.checkAt = allocation.expiresAt
    this.#expiries.add(allocation)
    const token = reserved === undefined ? undefined : this.#reserve(reserved, allocation.user, now)
    desk.stats.allocationsCreated++
    desk.trace('allocated', { username: allocation.username, client: allocation.client, relays: endpoints(relays) })
    const wantedSecond = request.message.has(attribute.additionalAddressFamily)
    allocation.response = desk
      .success(request, (builder) => {
        for (const relay of relays) builder.add(attribute.xorRelayedAddress, relay.endpoint)
        builder.add(attribute.lifetime, Math.ceil(lifetime / 1000)).add(attribute.xorMappedAddress, request.from)
        if (token !== undefined) builder.add(attribute.reservationToken, token)
        if (wantedSecond && relays.length < 2) {
          // RFC 8656 §7.2: which family could not be had, and why.
          const family = relays[0]!.endpoint.family === 4 ? 6 : 4
          const code = desk.settings.families.includes(family) ? 508 : 440
          builder.add(attribute.addressErrorCode, { family, code, reason: '' })
        }
      })
      .slice()
  }

  bindFailed(bind: BindRequest, _now: number): void {
    const pending = this.#pending.get(bind)
    this.#pending.delete(bind)
    if (pending === undefined) return
    if (!pending.allocation.ended) {
      this.#desk.error(pending.request, 508)
      this.end(pending.allocation, 'no port')
    }
  }

  refresh(request: Request): void {
    const { allocation, message, now } = request
    if (allocation === undefined || allocation.relays.length === 0) {
      this.#desk.error(request, 437)
      return
    }
    const family = message.get(attribute.requestedAddressFamily)
    const relay = family === undefined ? undefined : allocation.relayOf(family)
    if (message.has(attribute.requestedAddressFamily) && relay === undefined) {
      this.#desk.error(request, 443)
      return
    }
    const isEnd = message.get(attribute.lifetime) === 0
    const lifetime = isEnd ? 0 : this.#lifetime(request)
    this.#desk.success(request, (builder) => builder.add(attribute.lifetime, Math.ceil(lifetime / 1000)))
    if (!isEnd) {
      allocation.expiresAt = now + lifetime
      const purged = allocation.purge(now)
      this.#desk.stats.permissions -= purged.permissions
      this.#desk.stats.channels -= purged.channels
      if (allocation.expiresAt < allocation.checkAt) {
        allocation.checkAt = allocation.expiresAt
        this.#expiries.add(allocation)
      }
    } else if (relay !== undefined && allocation.relays.length > 1) {
      this.#endFamily(allocation, relay)
    } else {
      this.end(allocation, 'refreshed with 0')
    }
  }

  end(allocation: ServerAllocation, reason: string): void {
    if (allocation.ended) return
    allocation.ended = true
    const { stats } = this.#desk
    stats.allocations--
    stats.permissions -= allocation.permissions.size
    stats.channels -= allocation.channels.size
    this.#count(allocation.user, -1)
    allocation.link.remove(allocation)
    for (const connection of allocation.connections) this.#connections.close(connection)
    for (const relay of allocation.relays) {
      relay.allocation = undefined
      this.#desk.want({ type: 'release', relay })
    }
    const { username, client, bytesToPeers, bytesToClient } = allocation
    this.#desk.trace('ended', { username, client, reason, bytesToPeers, bytesToClient })
  }

  #endFamily(allocation: ServerAllocation, relay: RelayPort): void {
    allocation.relays.splice(allocation.relays.indexOf(relay), 1)
    relay.allocation = undefined
    for (const channel of allocation.channels.values()) {
      if (channel.relay !== relay) continue
      allocation.removeChannel(channel)
      this.#desk.stats.channels--
    }
    this.#desk.want({ type: 'release', relay })
  }

  /** RFC 8656 §7.2, and no longer than the credential lives (RFC 7635 §7). */
  #lifetime(request: Request): number {
    const { defaultLifetime, maxLifetime } = this.#desk.settings
    const wanted = (request.message.get(attribute.lifetime) ?? 0) * 1000
    return Math.min(Math.max(defaultLifetime, Math.min(wanted, maxLifetime)), request.validFor)
  }

  #reserve(relay: RelayPort, user: string, now: number): Uint8Array {
    const bytes = this.#desk.settings.random(8)
    const reservation = { token: tokenKey(bytes), relay, user, checkAt: now + RESERVATION_LIFETIME }
    this.#reservations.set(reservation.token, reservation)
    this.#reservationExpiries.add(reservation)
    this.#desk.stats.reservations++
    this.#count(user, 1)
    return bytes
  }

  #count(user: string, change: number): void {
    const count = (this.#quota.get(user) ?? 0) + change
    if (count === 0) this.#quota.delete(user)
    else this.#quota.set(user, count)
  }
}

interface Wanted {
  readonly families: readonly (4 | 6)[]
  readonly even: boolean
  readonly pair: boolean
  readonly token: string | undefined
}

/** What an Allocate request asks for, or the code of the error that it makes (RFC 8656 §7.2, RFC 6062 §5.1). */
function readWanted({ message, link }: Request, isTcp: boolean): Wanted | number {
  const hasFamily = message.has(attribute.requestedAddressFamily)
  const hasSecond = message.has(attribute.additionalAddressFamily)
  const hasToken = message.has(attribute.reservationToken)
  const hasEven = message.has(attribute.evenPort)
  const family = message.get(attribute.requestedAddressFamily)
  const pair = message.get(attribute.evenPort)
  const token = message.get(attribute.reservationToken)
  if (isTcp && (!link.reliable || hasToken || hasEven)) return 400
  if (hasToken && (hasEven || hasFamily || hasSecond || token === undefined)) return 400
  if (hasEven && pair === undefined) return 400
  if (hasFamily && hasSecond) return 400
  if (hasFamily && family === undefined) return 440
  if (hasSecond && (message.get(attribute.additionalAddressFamily) !== 6 || pair === true)) return 400
  const families: readonly (4 | 6)[] = hasSecond ? [4, 6] : [family ?? 4]
  return { families, even: hasEven, pair: pair ?? false, token: token === undefined ? undefined : tokenKey(token) }
}

function tokenKey(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function endpoints(relays: readonly RelayPort[]): TransportAddress[] {
  return relays.map((relay) => relay.endpoint)
}
