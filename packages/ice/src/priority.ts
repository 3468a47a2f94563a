// Arithmetic of RFC 8445 §5.1.2 and §6.1.2.3, and the order of addresses of RFC 8421.
import type { CandidateProtocol, CandidateType, TcpCandidateType } from './candidate.ts'

/** RFC 8445 §5.1.2.2: the recommended type preferences. */
export const typePreference: Readonly<Record<CandidateType, number>> = { host: 126, prflx: 110, srflx: 100, relay: 0 }

/**
 * RFC 6544 §4.2: where UDP is preferred, TCP's type preferences are below all of UDP's that are no relay's. A stream holds
 * everything up behind one lost segment, but a server in between costs a detour, and somebody money.
 */
const tcpTypePreference: Readonly<Record<CandidateType, number>> = { host: 90, prflx: 80, srflx: 70, relay: 0 }

/** RFC 8445 §5.1.2.1: `localPreference` 0–65535, `component` 1–256. */
export function candidatePriority(
  type: CandidateType,
  localPreference: number,
  component = 1,
  protocol: CandidateProtocol = 'udp',
): number {
  const preference = protocol === 'udp' ? typePreference[type] : tcpTypePreference[type]
  return (preference * 0x1000000 + (localPreference << 8) + (256 - component)) >>> 0
}

/** The priority that a peer-reflexive candidate found through a check from this base would have (RFC 8445 §7.1.1). */
export function peerReflexivePriority(basePriority: number, protocol: CandidateProtocol = 'udp'): number {
  const preference = protocol === 'udp' ? typePreference.prflx : tcpTypePreference.prflx
  return (preference * 0x1000000 + (basePriority & 0xffffff)) >>> 0
}

/** RFC 6544 §4.2: the direction-pref of host candidates above 13 bits of the address's own preference. */
export function tcpLocalPreference(tcpType: TcpCandidateType, preference: number): number {
  const direction = tcpType === 'active' ? 6 : tcpType === 'passive' ? 4 : 2
  return (direction << 13) | (preference >> 3)
}

/** RFC 8445 §6.1.2.3: 2^32·MIN(G,D) + 2·MAX(G,D) + (G > D ? 1 : 0), with G the controlling side's priority. */
export function pairPriority(controlling: number, controlled: number): bigint {
  const min = Math.min(controlling, controlled)
  const max = Math.max(controlling, controlled)
  return (BigInt(min) << 32n) + 2n * BigInt(max) + (controlling > controlled ? 1n : 0n)
}

/**
 * Local preferences for `families`, the families of the local addresses in the system's order: IPv6 first (RFC 6724), then
 * the families interleaved, so that a broken one costs a single check and not a row of them (RFC 8421 §4, §5).
 * All differ (RFC 8445 §5.1.2.1).
 */
export function localPreferences(families: readonly (4 | 6)[]): number[] {
  const six = indices(families, 6)
  const four = indices(families, 4)
  const preferences = families.map(() => 0)
  // The surplus of the larger family is spread evenly between the members of the smaller one (RFC 8421 §4: Hn / N).
  let rank = 0
  let nextSix = 0
  let nextFour = 0
  while (nextSix < six.length || nextFour < four.length) {
    const takeSix = nextFour >= four.length || (nextSix < six.length && nextSix * four.length <= nextFour * six.length)
    const index = takeSix ? six[nextSix++]! : four[nextFour++]!
    preferences[index] = 65535 - rank++
  }
  return preferences
}

function indices(families: readonly (4 | 6)[], family: 4 | 6): number[] {
  const found: number[] = []
  for (let i = 0; i < families.length; i++) if (families[i] === family) found.push(i)
  return found
}
