import {
  attribute,
  createTransactionId,
  decodeMessage,
  isStunMessage,
  type MessageBuilder,
  methods,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { ALLOCATION_LIFETIME, TRANSPORT_TCP, TRANSPORT_UDP } from '../numbers.ts'
import { CHANNEL_HEADER, channelDataLength, channelOf, isChannelByte } from '../channel-data.ts'
import { TurnError } from '../error.ts'
import { Fifo } from '../fifo.ts'
import { Courier } from './courier.ts'
import { forgotten, type Outcome, Requests } from './requests.ts'
import type { TurnAllocationOptions, TurnAllocationStats, TurnEvent } from './types.ts'

/** ms before its end that an allocation is refreshed (RFC 8656 §8.1). */
const REFRESH_AHEAD = 60_000
/** Datagrams that wait to be polled: whoever feeds more without asking loses them. */
const MAX_EVENTS = 4096
/** ms that a closed allocation waits for the server's last word. */
const CLOSE_TIMEOUT = 5000

type State = 'idle' | 'allocating' | 'allocated' | 'closing' | 'ended'

/**
 * One allocation on a TURN server as its client sees it (RFC 8656). A machine: it has no socket and no clock. `receive` takes what comes from
 * the server, a datagram or a whole message of the stream; `pollTransmit` has what goes there.
 */
export class TurnAllocation {
  readonly stats: TurnAllocationStats = {
    datagramsSent: 0,
    bytesSent: 0,
    datagramsReceived: 0,
    bytesReceived: 0,
    channelDataSent: 0,
    droppedMalformed: 0,
    droppedUnexpected: 0,
    droppedForeign: 0,
    droppedOutgoing: 0,
    droppedOverflow: 0,
  }
  readonly #options: TurnAllocationOptions
  readonly #requests: Requests
  readonly #courier: Courier
  readonly #keepaliveInterval: number
  #state: State = 'idle'
  readonly #events = new Fifo<TurnEvent>()
  #heardAt = 0
  #refreshAt = Infinity
  #expiresAt = Infinity
  #refreshing = false
  /** Why refreshing is of no use any more. */
  #refreshError: TurnError | undefined
  #closeBy = Infinity
  #relayed: readonly TransportAddress[] = []

  /** @throws TurnError `ERR_TURN_OPTION` */
  constructor(options: TurnAllocationOptions) {
    checkOptions(options)
    this.#options = options
    this.#requests = new Requests({ ...options, reliable: options.reliable ?? false })
    this.#courier = new Courier({
      requests: this.#requests,
      stats: this.stats,
      padded: options.reliable ?? false,
      bindChannels: options.bindChannels ?? true,
      maxPeers: options.maxPeers ?? 1000,
      base: createTransactionId(options.random),
      emit: (event) => this.#emit(event),
      lost: (error) => this.#end({ type: 'failed', error }),
    })
    this.#keepaliveInterval = options.keepaliveInterval ?? 25_000
  }

  /** The relayed addresses, once there are some. */
  get relayed(): readonly TransportAddress[] {
    return this.#relayed
  }

  /** `ended` after a `failed`, `redirected` or `closed` event. */
  get state(): State {
    return this.#state
  }

  /** Asks the server for the allocation. @throws TurnError `ERR_TURN_STATE` when it was asked before. */
  allocate(now: number): void {
    if (this.#state !== 'idle') throw new TurnError('ERR_TURN_STATE', 'an allocation is asked for once')
    this.#state = 'allocating'
    this.#heardAt = now
    this.#requests.start(
      methods.allocate,
      (builder) => writeAllocate(builder, this.#options),
      (outcome, at) => this.#allocated(outcome, at),
      now,
    )
  }

  /**
   * Lets datagrams of this address in, and keeps it so until `revoke`. Sending permits as well, for as long as there is traffic.
   * @throws StunError `ERR_STUN_ADDRESS`, TurnError `ERR_TURN_STATE`, `ERR_TURN_LIMIT`
   */
  permit(address: string, now: number): void {
    this.#requireOpen()
    this.#courier.permit(address, now)
  }

  /** The permission is not refreshed any more: it ends within five minutes (a server cannot be told, RFC 8656 §9). */
  revoke(address: string): void {
    this.#courier.revoke(address)
  }

  /**
   * Binds a channel to a peer. Needless where `bindChannels` is on and something is sent.
   * @throws StunError `ERR_STUN_ADDRESS`, TurnError `ERR_TURN_STATE`, `ERR_TURN_LIMIT`
   */
  bindChannel(peer: TransportAddress, now: number): void {
    this.#requireUdp()
    if (this.#state !== 'allocated') throw new TurnError('ERR_TURN_STATE', 'there is no allocation yet')
    this.#courier.bindChannel(peer, now)
  }

  /**
   * Sends a datagram to a peer. `data` changes owner. Before there is an allocation and a permission, up to 16 datagrams per address wait.
   * @throws StunError `ERR_STUN_ADDRESS`, TurnError `ERR_TURN_STATE`, `ERR_TURN_TOO_LARGE`
   */
  send(peer: TransportAddress, data: Uint8Array, now: number): void {
    this.#requireUdp()
    this.#courier.send(peer, data, now)
  }

  /** RFC 6062 §4.3: asks the server for a connection to a peer; `connection` or `connection-failed` tells. @throws TurnError `ERR_TURN_STATE` */
  connect(peer: TransportAddress, now: number): void {
    if (this.#state !== 'allocated' || this.#options.relay !== 'tcp') {
      throw new TurnError('ERR_TURN_STATE', 'connections are for TCP allocations that are there')
    }
    this.#requests.start(
      methods.connect,
      (builder) => void builder.add(attribute.xorPeerAddress, peer),
      (outcome) => {
        const connectionId = outcome.ok ? outcome.message.get(attribute.connectionId) : undefined
        if (connectionId !== undefined) this.#emit({ type: 'connection', peer, connectionId, incoming: false })
        else this.#emit({ type: 'connection-failed', peer, error: outcome.ok ? malformed() : outcome.error })
      },
      now,
    )
  }

  /** Refreshes the allocation now, which happens by itself in time. `lifetime` is ms. @throws TurnError `ERR_TURN_STATE` */
  refresh(now: number, lifetime?: number): void {
    if (this.#state !== 'allocated') throw new TurnError('ERR_TURN_STATE', 'there is no allocation')
    this.#refresh(now, lifetime ?? this.#options.lifetime)
  }

  /**
   * Ends the allocation and tells the server; `closed` comes when it has answered, or after five seconds. One that was asked for and is not
   * there yet is given back when it comes. Idempotent.
   */
  close(now: number): void {
    const state = this.#state
    if (state === 'closing' || state === 'ended') return
    this.#courier.clear()
    if (state === 'idle') {
      this.#end({ type: 'closed' })
      return
    }
    this.#state = 'closing'
    this.#closeBy = now + CLOSE_TIMEOUT
    this.#requests.abandon()
    if (state === 'allocated') this.#giveBack(now)
  }

  /** Takes a datagram from the server, or a message of its stream. It changes owner. */
  receive(datagram: Uint8Array, now: number): void {
    if (this.#state === 'ended' || datagram.length === 0) return
    this.#heardAt = now
    if (isChannelByte(datagram[0]!)) {
      const length = channelDataLength(datagram)
      if (length < 0) this.stats.droppedMalformed++
      else {
        const data = datagram.subarray(CHANNEL_HEADER, CHANNEL_HEADER + length)
        this.#courier.receiveChannelData(channelOf(datagram), data, now)
      }
      return
    }
    const message = isStunMessage(datagram) ? decodeMessage(datagram) : undefined
    if (message === undefined) this.stats.droppedMalformed++
    else if (message.messageClass === 'indication') this.#indication(message, now)
    else if (!this.#requests.handle(message, now)) this.stats.droppedForeign++
  }

  /** Absolute ms at which `tick` is due. */
  get deadline(): number {
    if (this.#state === 'ended') return Infinity
    let deadline = Math.min(this.#requests.deadline, this.#courier.deadline, this.#closeBy)
    if (this.#state !== 'allocated') return deadline
    deadline = Math.min(deadline, this.#expiresAt)
    if (this.#refreshing || this.#refreshError !== undefined) return deadline
    return Math.min(deadline, this.#refreshAt, this.#heardAt + this.#keepaliveInterval)
  }

  tick(now: number): void {
    if (now < this.deadline) return
    this.#requests.tick(now)
    this.#courier.tick(now)
    if (now >= this.#closeBy) this.#end({ type: 'closed' })
    if (this.#state !== 'allocated') return
    if (now >= this.#expiresAt) {
      const error = this.#refreshError ?? new TurnError('ERR_TURN_LOST', 'the allocation has expired')
      this.#end({ type: 'failed', error })
    } else if (!this.#refreshing && this.#refreshError === undefined) {
      if (now >= this.#refreshAt || now >= this.#heardAt + this.#keepaliveInterval) {
        this.#refresh(now, this.#options.lifetime)
      }
    }
  }

  /** The next datagram for the server. */
  pollTransmit(now: number): Uint8Array | undefined {
    if (this.#state === 'ended') return undefined
    if (this.#state === 'allocated') this.#courier.prepare(now)
    return this.#requests.pollTransmit(now) ?? this.#courier.pollTransmit()
  }

  pollEvent(): TurnEvent | undefined {
    return this.#events.take()
  }

  #giveBack(now: number): void {
    this.#requests.start(
      methods.refresh,
      (builder) => void builder.add(attribute.lifetime, 0),
      () => this.#end({ type: 'closed' }),
      now,
    )
  }

  #allocated(outcome: Outcome, now: number): void {
    if (this.#state === 'closing') {
      if (outcome.ok) this.#giveBack(now)
      else this.#end({ type: 'closed' })
      return
    }
    if (!outcome.ok) {
      const { message, error } = outcome
      const server = error.responseCode === 300 ? message?.get(attribute.alternateServer) : undefined
      if (server === undefined) this.#end({ type: 'failed', error })
      else this.#end({ type: 'redirected', server, domain: message?.get(attribute.alternateDomain) })
      return
    }
    const { message } = outcome
    const relayed = message.getAll(attribute.xorRelayedAddress)
    const mapped = message.get(attribute.xorMappedAddress)
    if (relayed.length === 0 || relayed.length > 2 || mapped === undefined) {
      this.#end({ type: 'failed', error: malformed() })
      return
    }
    this.#state = 'allocated'
    this.#relayed = relayed
    const lifetime = this.#schedule(message, now)
    this.#courier.start()
    this.#emit({
      type: 'allocated',
      relayed,
      mapped,
      lifetime,
      reservationToken: message.get(attribute.reservationToken),
      software: message.get(attribute.software),
    })
  }

  #refresh(now: number, lifetime: number | undefined): void {
    this.#refreshing = true
    this.#requests.start(
      methods.refresh,
      (builder) => {
        if (lifetime !== undefined) builder.add(attribute.lifetime, Math.ceil(lifetime / 1000))
      },
      (outcome, at) => this.#refreshed(outcome, at),
      now,
    )
  }

  #refreshed(outcome: Outcome, now: number): void {
    if (this.#state !== 'allocated') return
    this.#refreshing = false
    if (outcome.ok) {
      const lifetime = this.#schedule(outcome.message, now)
      if (lifetime > 0) this.#emit({ type: 'refreshed', lifetime })
      else this.#end({ type: 'failed', error: new TurnError('ERR_TURN_LOST', 'the server has ended the allocation') })
      return
    }
    const { error } = outcome
    if (error.responseCode === 437) {
      this.#end({ type: 'failed', error: forgotten(error) })
    } else if (error.responseCode === undefined) {
      // Seven transmissions went unanswered.
      this.#end({ type: 'failed', error })
    } else {
      this.#refreshError = error
      this.#options.trace?.({ layer: 'turn', name: 'refresh-refused', data: { code: error.responseCode } })
    }
  }

  #schedule(message: StunMessage, now: number): number {
    const lifetime = (message.get(attribute.lifetime) ?? ALLOCATION_LIFETIME / 1000) * 1000
    this.#expiresAt = now + lifetime
    this.#refreshAt = now + Math.max(lifetime - REFRESH_AHEAD, lifetime / 2)
    return lifetime
  }

  #indication(message: StunMessage, now: number): void {
    if (this.#state !== 'allocated') return
    const peer = message.get(attribute.xorPeerAddress)
    if (message.method === methods.data && peer !== undefined) {
      this.#courier.receiveIndication(message, peer, now)
    } else if (message.method === methods.connectionAttempt && peer !== undefined && this.#options.relay === 'tcp') {
      const connectionId = message.get(attribute.connectionId)
      if (connectionId === undefined) this.stats.droppedMalformed++
      else this.#emit({ type: 'connection', peer, connectionId, incoming: true })
    } else {
      this.stats.droppedUnexpected++
    }
  }

  #end(event: TurnEvent): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#requests.clear()
    this.#courier.clear()
    this.#emit(event)
  }

  #emit(event: TurnEvent): void {
    if (event.type === 'data' && this.#events.length >= MAX_EVENTS) {
      this.stats.droppedOverflow++
      return
    }
    this.#events.push(event)
    if (event.type !== 'data') this.#options.trace?.({ layer: 'turn', name: event.type, data: event })
  }

  #requireOpen(): void {
    if (this.#state === 'closing' || this.#state === 'ended') {
      throw new TurnError('ERR_TURN_STATE', 'the allocation has ended')
    }
  }

  #requireUdp(): void {
    this.#requireOpen()
    if (this.#options.relay === 'tcp') throw new TurnError('ERR_TURN_STATE', 'a TCP allocation carries no datagrams')
  }
}

function checkOptions(options: TurnAllocationOptions): void {
  const { families, relay, reliable, evenPort, reservationToken, lifetime, maxPeers } = options
  const refuse = (text: string): never => {
    throw new TurnError('ERR_TURN_OPTION', text)
  }
  if (families !== undefined && !['4', '6', '4,6'].includes(families.join())) {
    refuse('families is [4], [6] or [4, 6]')
  }
  if (relay === 'tcp') {
    // RFC 6062 §4.1
    if (!reliable) refuse('TCP is relayed for clients that come over TCP or TLS')
    if (evenPort !== undefined || reservationToken !== undefined) refuse('even ports and reservations are for UDP')
  }
  if (reservationToken !== undefined) {
    if (reservationToken.length !== 8) refuse('a reservation token has 8 bytes')
    if (evenPort !== undefined || families !== undefined) refuse('a reservation is what it is')
  }
  if (evenPort === 'pair' && families?.length === 2) refuse('a pair of ports is of one family')
  if (lifetime !== undefined && !(lifetime > 0 && lifetime < 2 ** 32 * 1000)) refuse('lifetime is above 0 ms')
  if (maxPeers !== undefined && !(maxPeers >= 1)) refuse('maxPeers is at least 1')
}

/** RFC 8656 §7.1 */
function writeAllocate(builder: MessageBuilder, options: TurnAllocationOptions): void {
  const { relay, families, lifetime, evenPort, reservationToken } = options
  builder.add(attribute.requestedTransport, relay === 'tcp' ? TRANSPORT_TCP : TRANSPORT_UDP)
  if (lifetime !== undefined) builder.add(attribute.lifetime, Math.ceil(lifetime / 1000))
  if (families?.length === 2) builder.add(attribute.additionalAddressFamily, 6)
  else if (families !== undefined) builder.add(attribute.requestedAddressFamily, families[0]!)
  if (evenPort !== undefined) builder.add(attribute.evenPort, evenPort === 'pair')
  if (reservationToken !== undefined) builder.add(attribute.reservationToken, reservationToken)
}

function malformed(): TurnError {
  return new TurnError('ERR_TURN_MALFORMED', 'the server sent a response that lacks what it must carry')
}
