// Permissions and channels, and what passes through them (RFC 8656 §9–§12).
import { attribute, MessageBuilder, methods, type StunMessage, type TransportAddress } from '@kaon/stun'
import { CHANNEL_HEADER, channelDataLength, ChannelDataWriter, channelOf } from '../channel-data.ts'
import { IndicationIds } from '../indication-ids.ts'
import { CHANNEL_LIFETIME, FIRST_CHANNEL, LAST_OLD_CHANNEL, PERMISSION_LIFETIME, serverAttributes } from '../numbers.ts'
import { type ServerAllocation, ServerChannel, ServerPermission } from './allocation.ts'
import type { Desk, Request } from './desk.ts'
import type { RelayPort } from './ports.ts'

export class Peers {
  readonly #desk: Desk
  readonly #writer = new ChannelDataWriter()
  readonly #builder = new MessageBuilder({ slabSize: 65_536 })
  readonly #ids: IndicationIds

  constructor(desk: Desk) {
    this.#desk = desk
    this.#ids = new IndicationIds(desk.settings.random(12).slice())
  }

  /** RFC 8656 §10.2: all of the addresses or none. */
  createPermission(request: Request): void {
    const desk = this.#desk
    const { allocation, message } = request
    if (allocation === undefined || allocation.relays.length === 0) {
      desk.error(request, 437)
      return
    }
    const peers = message.getAll(attribute.xorPeerAddress)
    const count = message.attributes().filter(({ type }) => type === attribute.xorPeerAddress.type).length
    if (count === 0 || peers.length !== count) {
      desk.error(request, 400)
      return
    }
    for (const peer of peers) {
      const code = this.#objection(allocation, peer)
      if (code === undefined) continue
      desk.error(request, code)
      return
    }
    if (!this.#hasRoom(allocation, peers, request.now)) {
      desk.error(request, 508)
      return
    }
    for (const { address } of peers) this.#permit(allocation, address, request.now)
    desk.success(request)
  }

  /** RFC 8656 §12.2 */
  bindChannel(request: Request): void {
    const desk = this.#desk
    const { allocation, message, now } = request
    if (allocation === undefined || allocation.relays.length === 0) {
      desk.error(request, 437)
      return
    }
    const number = message.get(attribute.channelNumber)
    const peer = message.get(attribute.xorPeerAddress)
    if (
      number === undefined ||
      peer === undefined ||
      peer.port === 0 ||
      number < FIRST_CHANNEL ||
      number > LAST_OLD_CHANNEL
    ) {
      desk.error(request, 400)
      return
    }
    if (allocation.transport === 'tcp') {
      desk.error(request, 400)
      return
    }
    const code = this.#objection(allocation, peer)
    if (code !== undefined) {
      desk.error(request, code)
      return
    }
    this.#purge(allocation, now)
    let channel = allocation.channels.get(number)
    const other = allocation.channelOf(peer)
    if (channel !== other) {
      desk.error(request, 400) // the number is another peer's, or the peer has another number
      return
    }
    if (channel === undefined) {
      if (allocation.channels.size >= desk.settings.maxChannels || !this.#hasRoom(allocation, [peer], now)) {
        desk.error(request, 508)
        return
      }
      const permission = this.#permit(allocation, peer.address, now)
      channel = new ServerChannel(number, peer, allocation.relayOf(peer.family)!, permission, now + CHANNEL_LIFETIME)
      allocation.addChannel(channel)
      desk.stats.channels++
    } else {
      channel.expiresAt = now + CHANNEL_LIFETIME
      this.#permit(allocation, peer.address, now)
    }
    desk.success(request)
  }

  /** From a client to a peer, by channel: the path of most traffic. The data is not copied. */
  channelData(allocation: ServerAllocation, datagram: Uint8Array, now: number): void {
    const { stats } = this.#desk
    const length = channelDataLength(datagram)
    if (length < 0) {
      stats.droppedMalformed++
      return
    }
    const channel = allocation.channels.get(channelOf(datagram))
    if (channel === undefined || now >= channel.expiresAt || now >= channel.permission.expiresAt) {
      stats.droppedUnpermitted++
      return
    }
    this.#toPeer(
      allocation,
      channel.relay,
      channel.peer,
      datagram.subarray(CHANNEL_HEADER, CHANNEL_HEADER + length),
      now,
    )
  }

  /** From a client to a peer, by Send indication (RFC 8656 §11.2). */
  sendIndication(allocation: ServerAllocation, message: StunMessage, now: number): void {
    const { stats } = this.#desk
    const peer = message.get(attribute.xorPeerAddress)
    const data = message.get(attribute.data)
    if (peer === undefined || data === undefined || message.unknownRequired(serverAttributes).length > 0) {
      stats.droppedMalformed++
      return
    }
    const permission = allocation.permissions.get(peer.address)
    const relay = allocation.relayOf(peer.family)
    if (permission === undefined || now >= permission.expiresAt || relay === undefined || peer.port === 0) {
      stats.droppedUnpermitted++
      return
    }
    this.#toPeer(allocation, relay, allocation.channelOf(peer)?.peer ?? peer, data, now)
  }

  /** From a peer to a client (RFC 8656 §11.3, §12.6). */
  peerData(relay: RelayPort, data: Uint8Array, from: TransportAddress, now: number): void {
    const { stats, settings } = this.#desk
    const { allocation } = relay
    const channel = allocation?.channelOf(from)
    const permission = channel?.permission ?? allocation?.permissions.get(from.address)
    if (allocation === undefined || permission === undefined || now >= permission.expiresAt) {
      stats.droppedUninvited++
      return
    }
    if (!allocation.admitsToClient(data.length, settings.maxBytesPerSecond, now)) {
      stats.droppedBandwidth++
      return
    }
    stats.datagramsToClients++
    stats.bytesToClients += data.length
    allocation.bytesToClient += data.length
    const { link, client } = allocation
    if (channel !== undefined && now < channel.expiresAt) {
      this.#desk.send(link, client, this.#writer.write(channel.number, data, link.reliable))
      return
    }
    const builder = this.#builder.start('indication', methods.data, this.#ids.next())
    builder.add(attribute.xorPeerAddress, from).add(attribute.data, data)
    this.#desk.send(link, client, builder.finish())
  }

  /** ConnectionAttempt (RFC 6062 §5.3) goes the same way. */
  connectionAttempt(allocation: ServerAllocation, connectionId: number, peer: TransportAddress): void {
    const builder = this.#builder.start('indication', methods.connectionAttempt, this.#ids.next())
    builder.add(attribute.connectionId, connectionId).add(attribute.xorPeerAddress, peer)
    this.#desk.send(allocation.link, allocation.client, builder.finish())
  }

  /** The code of what speaks against this peer. */
  objection(allocation: ServerAllocation, peer: TransportAddress): number | undefined {
    return this.#objection(allocation, peer)
  }

  #toPeer(allocation: ServerAllocation, relay: RelayPort, peer: TransportAddress, data: Uint8Array, now: number): void {
    const { stats, settings } = this.#desk
    if (!allocation.admitsToPeers(data.length, settings.maxBytesPerSecond, now)) {
      stats.droppedBandwidth++
      return
    }
    stats.datagramsToPeers++
    stats.bytesToPeers += data.length
    allocation.bytesToPeers += data.length
    this.#desk.send(relay, peer, data)
  }

  #objection(allocation: ServerAllocation, peer: TransportAddress): number | undefined {
    if (allocation.relayOf(peer.family) === undefined) return 443
    const { username, client } = allocation
    // A permission has no port (RFC 8656 §9): where none is named, any will do.
    const named = peer.port === 0 ? { ...peer, port: 9 } : peer
    return this.#desk.settings.permitPeer(named, { username, client }) ? undefined : 403
  }

  #hasRoom(allocation: ServerAllocation, peers: readonly TransportAddress[], now: number): boolean {
    const { maxPermissions } = this.#desk.settings
    const fresh = new Set(peers.map((peer) => peer.address).filter((address) => !allocation.permissions.has(address)))
    if (allocation.permissions.size + fresh.size <= maxPermissions) return true
    this.#purge(allocation, now)
    return allocation.permissions.size + fresh.size <= maxPermissions
  }

  #permit(allocation: ServerAllocation, address: string, now: number): ServerPermission {
    let permission = allocation.permissions.get(address)
    if (permission === undefined) {
      permission = new ServerPermission(address, 0)
      allocation.permissions.set(address, permission)
      this.#desk.stats.permissions++
    }
    permission.expiresAt = now + PERMISSION_LIFETIME
    return permission
  }

  #purge(allocation: ServerAllocation, now: number): void {
    const { permissions, channels } = allocation.purge(now)
    this.#desk.stats.permissions -= permissions
    this.#desk.stats.channels -= channels
  }
}
