// The vocabulary of the agent that several rooms share.
import type { CryptoProvider } from '@kaon/crypto'
import type { TransportAddress } from '@kaon/stun'
import type { Candidate } from './candidate.ts'

export type IceRole = 'controlling' | 'controlled'

/** W3C RTCIceTransportState. */
export type IceState = 'new' | 'checking' | 'connected' | 'completed' | 'disconnected' | 'failed' | 'closed'

/**
 * Which of several valid pairs the controlling side nominates. 'priority': the highest (RFC 8445 §8.1.1). 'round-trip': one
 * that is clearly faster goes first (10 ms and a fifth), also later, when the round trips of the pairs in reserve have changed.
 */
export type NominationPolicy = 'priority' | 'round-trip'

/** RFC 8445 §6.1.2.6. */
export type CandidatePairState = 'frozen' | 'waiting' | 'in-progress' | 'succeeded' | 'failed'

/** A local candidate as the driver tells it to the agent. */
export interface LocalCandidate extends Candidate {
  /**
   * The driver's number of the socket behind the candidate. Host and relayed candidates are bases, one per socket; reflexive
   * candidates name the socket of their base and never form pairs of their own (RFC 8445 §6.1.2.4).
   */
  readonly socket: number
  /** The address that the socket is bound to, when `address` hides it (mDNS). */
  readonly transportAddress?: TransportAddress
}

/** A datagram to send. */
export interface Transmit {
  readonly socket: number
  readonly to: TransportAddress
  readonly data: Uint8Array
}

export type IceEvent =
  | { readonly type: 'state'; readonly state: IceState }
  /** The pair that data goes over has changed. */
  | { readonly type: 'selected-pair' }
  /** A role conflict changed the role (RFC 8445 §7.3.1.1). */
  | { readonly type: 'role'; readonly role: IceRole }
  /** An ICE restart is complete: nothing uses the previous generation any more. */
  | { readonly type: 'restarted' }

/** One event of the `trace` option. */
export interface TraceEvent {
  readonly layer: string
  readonly name: string
  readonly data?: unknown
}

export interface IceAgentOptions {
  /** Monotonic ms. */
  readonly now: number
  /** Default 'controlled'; may change by `setRole` and by conflict resolution. */
  readonly role?: IceRole
  /** Default: the platform's. */
  readonly crypto?: CryptoProvider
  /** Cryptographically strong bytes; default: the crypto provider's. */
  readonly random?: (length: number) => Uint8Array
  /** Ta, the least time between two ordinary checks, in ms; 5–1000, default 20. */
  readonly checkIntervalMs?: number
  /** First retransmission of a check after this many ms; default and minimum 500 (RFC 8445 §14.3). */
  readonly checkTimeoutMs?: number
  /** Mean time between consent checks, in ms; default 5000 (RFC 7675 §5.1). */
  readonly consentIntervalMs?: number
  /** Consent expires this long after the last answer, in ms; default 30000 (RFC 7675 §5.1). */
  readonly consentTimeoutMs?: number
  /** Silence after which the state becomes 'disconnected', in ms; default 5000. */
  readonly disconnectedTimeoutMs?: number
  /** Least time before the agent may fail, in ms; default 39500 (RFC 8863 §4). */
  readonly patienceMs?: number
  /** How long the controlling side waits for something better than a valid pair that is not direct, in ms; default 200. */
  readonly nominationDelayMs?: number
  /** Default 'priority'. */
  readonly nominationPolicy?: NominationPolicy
  /**
   * Keeps the best pair of each other socket in reserve by checking it, and checks pairs that come after one was nominated:
   * for connections whose interfaces come and go. Default: false, true with 'round-trip'.
   */
  readonly standby?: boolean
  /** Mean time between the checks of a pair in reserve, in ms; 1000–25000, default 5000. */
  readonly standbyIntervalMs?: number
  /** An ICE-lite agent (RFC 8445 §2.5): always controlled, it only answers. For hosts that everybody can reach. Default false. */
  readonly lite?: boolean
  /** Most candidate pairs; default 100 (RFC 8445 §6.1.2.5). */
  readonly maxPairs?: number
  readonly trace?: (event: TraceEvent) => void
}

/** Plain counters of an agent. */
export interface IceAgentStats {
  checksSent: number
  checksRetransmitted: number
  checksReceived: number
  checksSucceeded: number
  checksFailed: number
  consentChecksSent: number
  standbyChecksSent: number
  responsesSent: number
  roleConflicts: number
  /** Requests of an unknown local username fragment. */
  unknownUsername: number
  /** Messages whose MESSAGE-INTEGRITY is missing or wrong. */
  badIntegrity: number
  /** Not STUN, a bad fingerprint, or a message that lacks what it must have. */
  malformed: number
  /** Responses that match no outstanding check. */
  unknownTransaction: number
  /** Dropped since a limit was reached: pairs, peer-reflexive candidates, early checks, queued responses. */
  limited: number
  /** Remote candidates left aside: active TCP, host names, other components, unusable addresses. */
  ignoredCandidates: number
}
