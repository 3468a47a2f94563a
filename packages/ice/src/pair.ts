import type { TransportAddress } from '@kaon/stun'
import { zoned } from './address.ts'
import type { Candidate } from './candidate.ts'
import type { Check } from './check.ts'
import { pairPriority } from './priority.ts'
import type { CandidatePairState, IceRole, LocalCandidate } from './types.ts'

/** A candidate of the peer with the transport address that it stands for. */
export interface RemoteCandidate {
  readonly id: number
  /** As signalled; a peer-reflexive one is replaced when its signalling arrives later (RFC 8838 §11.4). */
  candidate: Candidate
  readonly address: TransportAddress
}

/**
 * Whether checks go out from the candidate itself (RFC 8445 §3, "base"): a relayed candidate is its own base, a socket on
 * the server.
 */
export function isBase(candidate: LocalCandidate): boolean {
  return candidate.type === 'host' || candidate.type === 'relay'
}

/** A local candidate as the agent keeps it. */
export interface LocalEntry {
  readonly id: number
  readonly candidate: LocalCandidate
  readonly address: TransportAddress | undefined
  /** What the peer is told, when that is an address and another one: a 1:1 NAT is in between. */
  readonly announced: TransportAddress | undefined
}

/**
 * A candidate pair: a socket and a remote address. Local reflexive candidates form no pairs of their own (RFC 8445
 * §6.1.2.4), so a path has one pair at most, and the pair that a check validates is the one that was checked: only `local`
 * is replaced by what the peer saw (§7.2.5.3.1, §7.2.5.3.2).
 */
export class CandidatePair {
  readonly id: number
  readonly socket: number
  /** Where datagrams go: one object for the pair's life. */
  readonly to: TransportAddress
  /** The host candidate that checks go out from. */
  readonly base: LocalEntry
  /** What the peer sees; the base until a check has told. */
  local: LocalEntry
  readonly remote: RemoteCandidate
  priority = 0n
  state: CandidatePairState = 'frozen'
  /** Nominated by a successful check, or by the peer's on a valid pair. */
  nominated = false
  /** The check under way for an ordinary or triggered check. */
  check: Check | undefined
  /** The nominating check under way (controlling side). */
  nomination: Check | undefined
  /** Checked even though another pair is nominated: it came when there was one, to be had in reserve. */
  wanted = false
  /** Smoothed round trip, ms, and how many were measured. */
  roundTrip = 0
  roundTrips = 0
  /** Checks of a pair in reserve that went unanswered in a row. */
  missed = 0
  /** In the triggered-check queue. */
  triggered = false
  /** The peer has nominated this pair (controlled side), at this time; 0 when it has not. */
  nominatedByPeerAt = 0
  /** The largest value of the NOMINATION attribute that came for this pair. */
  nominationValue = 0
  readonly stats: PairStats = {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    lastPacketSentAt: 0,
    lastPacketReceivedAt: 0,
    totalRoundTripTime: 0,
    currentRoundTripTime: 0,
    requestsSent: 0,
    requestsReceived: 0,
    responsesSent: 0,
    responsesReceived: 0,
    consentRequestsSent: 0,
  }
  /** Something authentic has come in over this path: its data is accepted from then on. */
  trusted = false
  /** When anything authentic or any data last came in over this path, ms; 0: never. */
  heardAt = 0
  /** When a check was last answered, ms: consent (RFC 7675) counts from here. 0: never. */
  answeredAt = 0
  /** Consent has expired: nothing more is sent over this path with these credentials (RFC 7675 §5.1). */
  revoked = false

  constructor(id: number, base: LocalEntry, remote: RemoteCandidate) {
    this.id = id
    this.socket = base.candidate.socket
    this.to = zoned(remote.address, base.address)
    this.base = base
    this.local = base
    this.remote = remote
  }

  /** RFC 8445 §6.1.2.6: pairs of one foundation are likely to fare alike. */
  get foundation(): string {
    return `${this.base.candidate.foundation}:${this.remote.candidate.foundation}`
  }

  /** To be called when the role or the remote priority changed. */
  updatePriority(role: IceRole): void {
    const local = this.base.candidate.priority
    const remote = this.remote.candidate.priority
    this.priority = role === 'controlling' ? pairPriority(local, remote) : pairPriority(remote, local)
  }

  get valid(): boolean {
    return this.state === 'succeeded'
  }

  measured(roundTrip: number): void {
    this.stats.totalRoundTripTime += roundTrip
    this.stats.currentRoundTripTime = roundTrip
    this.roundTrip = this.roundTrips++ === 0 ? roundTrip : this.roundTrip + (roundTrip - this.roundTrip) / 4
  }

  get isRelayed(): boolean {
    return this.base.candidate.type === 'relay' || this.remote.candidate.type === 'relay'
  }

  /**
   * What the way is worth before any number is measured: 2 from host to host by UDP, through NATs or not; 1 by TCP; 0 through
   * a server.
   */
  get rank(): number {
    return this.isRelayed ? 0 : this.base.candidate.protocol === 'tcp' ? 1 : 2
  }
}

/** Counters of one pair; times in ms (0: never), round trips in ms. */
export interface PairStats {
  packetsSent: number
  packetsReceived: number
  bytesSent: number
  bytesReceived: number
  lastPacketSentAt: number
  lastPacketReceivedAt: number
  totalRoundTripTime: number
  currentRoundTripTime: number
  requestsSent: number
  requestsReceived: number
  responsesSent: number
  responsesReceived: number
  consentRequestsSent: number
}

/** Names a path in maps. */
export function pathKey(socket: number, address: TransportAddress): string {
  return `${socket} ${address.port} ${address.address}`
}
