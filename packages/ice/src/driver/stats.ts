import type { Candidate } from '../candidate.ts'
import type { CandidatePairState, IceAgentStats, IceRole, IceState } from '../types.ts'

/** One candidate, with the identifier that the pairs refer to. */
export interface CandidateStats {
  /** Unique within the connection and stable for the candidate's life. */
  readonly id: string
  readonly candidate: Candidate
}

/** The W3C RTCIceCandidatePairStats that ICE knows; times in ms on the network's clock unless said. */
export interface CandidatePairStats {
  readonly id: string
  readonly localCandidateId: string
  readonly remoteCandidateId: string
  readonly state: CandidatePairState
  readonly nominated: boolean
  readonly selected: boolean
  /** RFC 8445 §6.1.2.3: up to 64 bits. */
  readonly priority: bigint
  readonly packetsSent: number
  readonly packetsReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly lastPacketSentAt: number | undefined
  readonly lastPacketReceivedAt: number | undefined
  /** Sum of all measured round trips, in s. */
  readonly totalRoundTripTime: number
  /** The latest one, in s. */
  readonly currentRoundTripTime: number | undefined
  readonly requestsSent: number
  readonly requestsReceived: number
  readonly responsesSent: number
  readonly responsesReceived: number
  readonly consentRequestsSent: number
}

/** A snapshot for `getStats`. */
export interface IceConnectionStats {
  readonly state: IceState
  readonly role: IceRole
  readonly localUsernameFragment: string
  readonly pairs: readonly CandidatePairStats[]
  readonly localCandidates: readonly CandidateStats[]
  readonly remoteCandidates: readonly CandidateStats[]
  readonly selectedPairId: string | undefined
  readonly selectedPairChanges: number
  /** Data (not STUN) over all pairs, past ones included. */
  readonly packetsSent: number
  readonly packetsReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly agent: Readonly<IceAgentStats>
}
