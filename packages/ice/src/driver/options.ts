import type { CryptoProvider } from '@kaon/crypto'
import type { Network, NetworkInterface } from '@kaon/net'
import type { Candidate } from '../candidate.ts'
import type { IceAgentOptions, IceRole, TraceEvent } from '../types.ts'

/** A STUN or TURN server as `RTCIceServer` describes it. */
export interface IceServer {
  readonly urls: string | readonly string[]
  readonly username?: string
  readonly credential?: string
}

export type IceTransportPolicy = 'all' | 'relay'

/**
 * What to do with multicast DNS names (draft-ietf-mmusic-mdns-ice-candidates):
 * 'off': ignore remote `.local` candidates; 'resolve': look them up (the default); 'hide': look them up, and announce
 * the own host candidates under random `.local` names instead of their addresses.
 */
export type MdnsPolicy = 'off' | 'resolve' | 'hide'

export interface IceConnectionOptions {
  readonly network: Network
  readonly crypto?: CryptoProvider
  /** No server is contacted that is not named here. */
  readonly iceServers?: readonly IceServer[]
  /** 'relay' gathers only relayed candidates. Default 'all'. */
  readonly iceTransportPolicy?: IceTransportPolicy
  /** Default 'controlled'. */
  readonly role?: IceRole
  /** Gather 127.0.0.1 and ::1 too. Default false. */
  readonly includeLoopback?: boolean
  /** Gather IPv6 link-local addresses too. Default false, as in browsers. */
  readonly includeLinkLocal?: boolean
  readonly mdns?: MdnsPolicy
  /** Return false to leave an interface out (by its name, for instance). */
  readonly interfaceFilter?: (networkInterface: NetworkInterface) => boolean
  /** Return false to leave a local address out. */
  readonly addressFilter?: (address: string, family: 4 | 6) => boolean
  /** UDP ports to bind, inclusive. Default: whatever the system gives. */
  readonly portRange?: readonly [min: number, max: number]
  /** Gives up on a STUN server after this many ms. Default 9500 (RFC 8489 §6.2.1 would take 39.5 s). */
  readonly gatherTimeoutMs?: number
  /** Further settings of the agent (Ta, consent, limits, …). */
  readonly agent?: Omit<IceAgentOptions, 'now' | 'role' | 'crypto' | 'trace'>
  /** Ta in ms; shorthand for `agent.checkIntervalMs`. */
  readonly checkIntervalMs?: number
  readonly trace?: (event: TraceEvent) => void
}

/** The fields of W3C RTCPeerConnectionIceErrorEvent. */
export interface CandidateError {
  /** The local address that the server was asked from; null when none or when it must stay hidden. */
  readonly address: string | null
  readonly port: number | null
  readonly url: string
  /** A STUN error code, or 701 when the server could not be reached, or (with an empty `url`) a socket not be made. */
  readonly errorCode: number
  readonly errorText: string
}

/** The pair that data goes over. */
export interface SelectedCandidatePair {
  readonly local: Candidate
  readonly remote: Candidate
}
