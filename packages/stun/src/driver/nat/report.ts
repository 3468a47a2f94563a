import type { Endpoint } from '@kaon/net'
import type { NatDependence, NatMapping } from '../../nat-mapping.ts'

/** Why something could not be found out. Stable: switch on it. */
export type NatDoubtReason =
  | 'udp-blocked' // no answer over UDP
  | 'no-other-address' // no server has the second address that the test needs (RFC 5780 §7.4): most public ones have none
  | 'other-address-unusable' // a server names a second address that nobody could talk to
  | 'other-address-silent' // the second address does not answer
  | 'answers-missing' // the server stopped answering
  | 'contradiction' // one server told different addresses at one time: the mapping has changed, or it does not tell the truth
  | 'change-ignored' // the server does not answer from elsewhere when asked to, though it says that it can
  | 'no-response-port' // the server does not know RESPONSE-PORT (RFC 5780 §7.5)
  | 'mapping' // this NAT's mapping does not allow the test

/** What a test was for. */
export type NatTopic = 'mapping' | 'filtering' | 'hairpinning' | 'portPreservation' | 'bindingLifetime'

export interface NatDoubt {
  readonly topic: NatTopic
  readonly reason: NatDoubtReason
}

/** What was heard of one of the servers. */
export interface NatServerReport {
  /** As it was given. */
  readonly server: string
  /** Undefined when its name has no address. */
  readonly endpoint: Endpoint | undefined
  /** The own address as this server sees it; undefined when it did not answer over UDP. */
  readonly mappedAddress: Endpoint | undefined
  /** Its second address and port, when it has one that is usable (OTHER-ADDRESS, RFC 5780 §7.4). */
  readonly otherAddress: Endpoint | undefined
  /** ms; undefined without an answer, or when the request was repeated. */
  readonly roundTripTime: number | undefined
  /** Whether it answers over TCP; asked only when no server answers over UDP. */
  readonly answersTcp: boolean | undefined
}

/** How a NAT behaves between this machine and some servers, just now: RFC 5780 §1 warns that it may differ an hour later. */
export interface NatReport {
  /**
   * `open`: a server answered. `blocked`: servers answer over TCP, and over UDP none does. `silent`: no server answers at all; they may be
   * down, or a firewall stops both.
   */
  readonly udp: 'open' | 'blocked' | 'silent'
  readonly mapping: NatMapping
  /** From whom packets are let in to a port that something was sent from (RFC 4787 §5); of a firewall, too, where there is no NAT. */
  readonly filtering: NatDependence | 'unknown'
  /** Whether hosts behind the NAT reach each other by their outside addresses (RFC 4787 §6). Undefined: not known, or no NAT. */
  readonly hairpinning: boolean | undefined
  /** Whether outside ports are the local ones. Undefined: not known, or no NAT. */
  readonly portPreservation: boolean | undefined
  /** Whether something on the way rewrites addresses within packets (RFC 5780 §3.6). Undefined: no server that tells the address twice. */
  readonly rewritesPayload: boolean | undefined
  /** How long a mapping lives without traffic, in ms: it was there after `atLeast` and gone after `below`. Undefined: not asked, or not known. */
  readonly bindingLifetime: { readonly atLeast: number; readonly below: number | undefined } | undefined
  /** The own address and port outside. */
  readonly mappedAddress: Endpoint | undefined
  readonly localAddress: Endpoint | undefined
  readonly servers: readonly NatServerReport[]
  /** What could not be found out, and why. */
  readonly doubts: readonly NatDoubt[]
}
