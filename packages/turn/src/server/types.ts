import type { Authenticator, TransportAddress } from '@kaon/stun'
import type { ClientLink, RelayPort } from './ports.ts'
import type { PeerConnection } from './connections.ts'

/** Who asks for something. */
export interface TurnUser {
  readonly username: string
  readonly client: TransportAddress
}

export interface TurnServerCoreOptions {
  /** Who may have allocations. `open`: everybody, for tests and closed networks. */
  readonly authenticator: Authenticator | 'open'
  /** The families that relayed addresses can be had of. Default: IPv4. */
  readonly families?: readonly (4 | 6)[]
  /** Relay TCP connections too (RFC 6062). Default false. */
  readonly tcpRelay?: boolean
  /** Whether something may be relayed to and from this peer. Default: `peerPolicy()`, public addresses only. */
  readonly permitPeer?: (peer: TransportAddress, user: TurnUser) => boolean
  /** Whose quota a username counts for. Default `restUser`, which drops the time of time-limited usernames. */
  readonly userOf?: (username: string) => string
  /** Where an Allocate request is sent with 300 Try Alternate, undefined for nowhere (RFC 8489 §10). */
  readonly alternateServer?: (user: TurnUser) => TransportAddress | undefined
  /** Allocations at a time (508 beyond). Default 4000. */
  readonly maxAllocations?: number
  /** Allocations of one user at a time (486 beyond). Default 100. */
  readonly maxAllocationsPerUser?: number
  /** Addresses that one allocation lets in at a time. Default 200. */
  readonly maxPermissions?: number
  /** Channels of one allocation at a time. Default 200. */
  readonly maxChannels?: number
  /** TCP connections of one allocation at a time (RFC 6062). Default 50. */
  readonly maxConnections?: number
  /** ms that an allocation lives without a refresh unless more is asked for. Default ten minutes. */
  readonly defaultLifetime?: number
  /** ms that a client may ask for. Default one hour. */
  readonly maxLifetime?: number
  /** Bytes of data per second that one allocation relays in each direction; a second's worth may come at once. Default: no limit. */
  readonly maxBytesPerSecond?: number
  /** Answers per second over UDP to one IPv4 address or IPv6 /64 that has not proved who it is. Default 200; Infinity for no limit. */
  readonly maxRequestsPerSecond?: number
  /** SOFTWARE in responses. Default: none. */
  readonly software?: string
  /** The random source for tokens and connection ids. Default: the platform's. */
  readonly random?: (length: number) => Uint8Array
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

/** A datagram (or message of a stream) to be sent: to a client by its link, or to a peer by a relayed address. */
export interface TurnTransmit {
  readonly via: ClientLink | RelayPort
  readonly to: TransportAddress
  readonly data: Uint8Array
}

/** Relayed addresses that are to be made. Answered with `bound` or `bindFailed`. */
export interface BindRequest {
  readonly transport: 'udp' | 'tcp'
  /** One address of each. */
  readonly families: readonly (4 | 6)[]
  /** The port shall be even; with `pair`, the next one is to be had too. */
  readonly even: boolean
  readonly pair: boolean
}

/** What the core wants of its driver. Everything that `pollTransmit` has goes out first. */
export type TurnServerEvent =
  | { readonly type: 'bind'; readonly request: BindRequest }
  | { readonly type: 'release'; readonly relay: RelayPort }
  /** Connect to a peer (RFC 6062 §5.2). Answered with `connected` or `connectFailed`. */
  | { readonly type: 'connect'; readonly connection: PeerConnection; readonly relay: RelayPort }
  /** From now on the bytes of the peer's connection and those of the client's are each other's. */
  | { readonly type: 'splice'; readonly connection: PeerConnection; readonly link: ClientLink }
  | { readonly type: 'disconnect'; readonly connection: PeerConnection }
  /** Close the client's stream: it carries nothing that belongs there, or its allocation is over. */
  | { readonly type: 'drop'; readonly link: ClientLink }

/** Plain counters. */
export interface TurnServerStats {
  /** At this moment. */
  allocations: number
  permissions: number
  channels: number
  connections: number
  reservations: number
  /** Ever. */
  allocationsCreated: number
  allocationsExpired: number
  /** Requests by outcome; `errorCodes` has the numbers. */
  requests: number
  successes: number
  errors: number
  errorCodes: Record<number, number>
  /** Data from clients to peers, headers not counted. */
  datagramsToPeers: number
  bytesToPeers: number
  /** And back. */
  datagramsToClients: number
  bytesToClients: number
  /** Neither STUN nor channel data, or with a wrong FINGERPRINT. */
  droppedMalformed: number
  /** Responses, indications and methods that mean nothing here. */
  droppedOther: number
  /** Data of clients without allocation, channel or permission. */
  droppedUnpermitted: number
  /** Data of peers without permission. */
  droppedUninvited: number
  /** Beyond `maxBytesPerSecond`. */
  droppedBandwidth: number
  /** Data for clients whose stream takes no more; counted by the driver. */
  droppedBacklog: number
  /** Requests beyond `maxRequestsPerSecond`. */
  droppedRate: number
}
