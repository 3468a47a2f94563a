// What all rooms of the server share: its options, its counters, what it has to send and to ask of its driver, and its way to answer.
import {
  attribute,
  type Authenticator,
  MessageBuilder,
  type IntegrityKey,
  reasonPhrases,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { TurnError } from '../error.ts'
import { Fifo } from '../fifo.ts'
import { ALLOCATION_LIFETIME } from '../numbers.ts'
import { restUser } from '../rest-credentials.ts'
import type { ServerAllocation } from './allocation.ts'
import { peerPolicy } from './peer-policy.ts'
import type { ClientLink, RelayPort } from './ports.ts'
import type { TurnServerCoreOptions, TurnServerEvent, TurnServerStats, TurnTransmit, TurnUser } from './types.ts'

/** A request that has come, and what was found out about it. */
export interface Request {
  readonly link: ClientLink
  readonly from: TransportAddress
  readonly message: StunMessage
  readonly now: number
  readonly allocation: ServerAllocation | undefined
  /** Who sends it, once that is proved: what its answer is protected with. */
  readonly username: string
  readonly key: IntegrityKey | undefined
  readonly algorithm: 'sha1' | 'sha256'
  /** ms that the credential is good for. */
  readonly validFor: number
}

export interface Settings {
  readonly authenticator: Authenticator | undefined
  readonly families: readonly (4 | 6)[]
  readonly tcpRelay: boolean
  readonly permitPeer: (peer: TransportAddress, user: TurnUser) => boolean
  readonly userOf: (username: string) => string
  readonly alternateServer: ((user: TurnUser) => TransportAddress | undefined) | undefined
  readonly maxAllocations: number
  readonly maxAllocationsPerUser: number
  readonly maxPermissions: number
  readonly maxChannels: number
  readonly maxConnections: number
  readonly defaultLifetime: number
  readonly maxLifetime: number
  readonly maxBytesPerSecond: number
  readonly maxRequestsPerSecond: number
  readonly software: string | undefined
  readonly random: (length: number) => Uint8Array
  readonly trace: TurnServerCoreOptions['trace']
}

/** @throws TurnError `ERR_TURN_OPTION` */
export function settle(options: TurnServerCoreOptions): Settings {
  const { authenticator, families = [4] } = options
  const settings: Settings = {
    authenticator: authenticator === 'open' ? undefined : authenticator,
    families,
    tcpRelay: options.tcpRelay ?? false,
    permitPeer: options.permitPeer ?? peerPolicy(),
    userOf: options.userOf ?? ((username) => restUser(username)),
    alternateServer: options.alternateServer,
    maxAllocations: options.maxAllocations ?? 4000,
    maxAllocationsPerUser: options.maxAllocationsPerUser ?? 100,
    maxPermissions: options.maxPermissions ?? 200,
    maxChannels: options.maxChannels ?? 200,
    maxConnections: options.maxConnections ?? 50,
    defaultLifetime: options.defaultLifetime ?? ALLOCATION_LIFETIME,
    maxLifetime: Math.max(options.maxLifetime ?? 3_600_000, options.defaultLifetime ?? ALLOCATION_LIFETIME),
    maxBytesPerSecond: options.maxBytesPerSecond ?? Infinity,
    maxRequestsPerSecond: options.maxRequestsPerSecond ?? 200,
    software: options.software,
    random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
    trace: options.trace,
  }
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number' && !(value > 0)) {
      throw new TurnError('ERR_TURN_OPTION', `${name} must be above 0, not ${value}`)
    }
  }
  if (families.length === 0 || families.some((family) => family !== 4 && family !== 6)) {
    throw new TurnError('ERR_TURN_OPTION', 'families holds 4, 6 or both')
  }
  return settings
}

export class Desk {
  readonly settings: Settings
  readonly stats: TurnServerStats = {
    allocations: 0,
    permissions: 0,
    channels: 0,
    connections: 0,
    reservations: 0,
    allocationsCreated: 0,
    allocationsExpired: 0,
    requests: 0,
    successes: 0,
    errors: 0,
    errorCodes: {},
    datagramsToPeers: 0,
    bytesToPeers: 0,
    datagramsToClients: 0,
    bytesToClients: 0,
    droppedMalformed: 0,
    droppedOther: 0,
    droppedUnpermitted: 0,
    droppedUninvited: 0,
    droppedBandwidth: 0,
    droppedBacklog: 0,
    droppedRate: 0,
  }
  readonly #builder = new MessageBuilder({ slabSize: 16_384 })
  readonly #transmits = new Fifo<TurnTransmit>()
  readonly #events = new Fifo<TurnServerEvent>()

  constructor(settings: Settings) {
    this.settings = settings
  }

  send(via: ClientLink | RelayPort, to: TransportAddress, data: Uint8Array): void {
    this.#transmits.push({ via, to, data })
  }

  pollTransmit(): TurnTransmit | undefined {
    return this.#transmits.take()
  }

  want(event: TurnServerEvent): void {
    this.#events.push(event)
  }

  pollEvent(): TurnServerEvent | undefined {
    return this.#events.take()
  }

  trace(name: string, data: unknown): void {
    this.settings.trace?.({ layer: 'turn', name, data })
  }

  /** Answers with success and returns the answer. */
  success(request: Request, add?: (builder: MessageBuilder) => void): Uint8Array {
    this.stats.successes++
    const { message } = request
    const builder = this.#builder.start('success', message.method, message.transactionId)
    add?.(builder)
    return this.#finish(request, builder)
  }

  error(request: Request, code: number, add?: (builder: MessageBuilder) => void): void {
    const { stats } = this
    stats.errors++
    stats.errorCodes[code] = (stats.errorCodes[code] ?? 0) + 1
    const { message, from } = request
    this.trace('request-refused', { code, method: message.method, from, username: request.username })
    const builder = this.#builder.start('error', message.method, message.transactionId)
    builder.add(attribute.errorCode, { code, reason: reasonPhrases[code] ?? '' })
    add?.(builder)
    this.#finish(request, builder)
  }

  #finish(request: Request, builder: MessageBuilder): Uint8Array {
    const { software } = this.settings
    const { link, from, message, key } = request
    if (software !== undefined) builder.add(attribute.software, software)
    if (key !== undefined) {
      if (request.algorithm === 'sha256') builder.integritySha256(key)
      else builder.integrity(key)
    }
    // RFC 8489 §6.3.1.1: a response has FINGERPRINT when its request had.
    if (message.fingerprintOffset >= 0) builder.fingerprint()
    const bytes = builder.finish()
    this.send(link, from, bytes)
    return bytes
  }
}
