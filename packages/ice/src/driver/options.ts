import type { CryptoProvider } from '@kaon/crypto'
import type { Network, NetworkInterface, TlsOptions } from '@kaon/net'
import type { Candidate, TcpCandidateType } from '../candidate.ts'
import type { IceAgentOptions, IceRole, TraceEvent } from '../types.ts'
import type { AddressMapping } from './mapping.ts'
import type { SharedPorts } from './shared-ports.ts'

/** A STUN or TURN server as `RTCIceServer` describes it. */
export interface IceServer {
  readonly urls: string | readonly string[]
  /** For TURN. */
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

/** Whose candidate is to be judged by `candidateFilter`. */
export type CandidateSide = 'local' | 'remote'

export interface IceConnectionOptions {
  readonly network: Network
  readonly crypto?: CryptoProvider
  /** No server is contacted that is not named here. */
  readonly iceServers?: readonly IceServer[]
  /** 'relay' gathers only relayed candidates, so that the peer learns no address of this host. Default 'all'. */
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
  /**
   * Return false to leave a candidate out: a local one is not told to the peer, a remote one is not used. Checks still go out from the
   * socket of a host candidate that is not told.
   */
  readonly candidateFilter?: (candidate: Candidate, side: CandidateSide) => boolean
  /** What stands for local addresses outside of a 1:1 NAT; the first rule that fits counts. */
  readonly addressMapping?: readonly AddressMapping[]
  /**
   * TCP candidates (RFC 6544) of which types. 'active': connects to the peer's passive ones; they have nothing to announce. 'passive':
   * listens on a port of each address, or has the TCP port of `sharedPorts`. 'so': simultaneous open. Default: active ones.
   */
  readonly tcp?: readonly TcpCandidateType[]
  /** Ports that this connection shares with others instead of having its own. `portRange` is not for these. */
  readonly sharedPorts?: SharedPorts
  /** An ICE-lite agent: host candidates only, always controlled, answers only. Default false. */
  readonly lite?: boolean
  /**
   * Follows the host's interfaces: candidates of new addresses are told as they come, with the same username fragment; what is on an
   * address that has gone ends at once. Pairs are kept in reserve (`agent.standby`). Default false.
   */
  readonly continualGathering?: boolean
  /** UDP ports to bind (and TCP ports to listen on), inclusive. Default: whatever the system gives. */
  readonly portRange?: readonly [min: number, max: number]
  /** For `turns:` servers: authorities of one's own instead of the system's, another name in the certificate, … */
  readonly tls?: TlsOptions
  /** Gives up on a STUN or TURN server after this many ms. Default 9500 (RFC 8489 §6.2.1 would take 39.5 s). */
  readonly gatherTimeoutMs?: number
  /** Further settings of the agent (Ta, consent, limits, …). */
  readonly agent?: Omit<IceAgentOptions, 'now' | 'role' | 'crypto' | 'trace' | 'lite'>
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
