import type { IceAgent } from '../agent.ts'
import type { Candidate } from '../candidate.ts'
import { withoutInternals } from './announced.ts'
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

/** What a connection counts over all its pairs. */
export interface DataTotals {
  packetsSent: number
  packetsReceived: number
  bytesSent: number
  bytesReceived: number
  selectedPairChanges: number
}

export function snapshot(agent: IceAgent, state: IceState, totals: Readonly<DataTotals>): IceConnectionStats {
  const selected = agent.selectedPair
  const pairs = [...agent.pairs]
  if (selected !== undefined && !pairs.includes(selected)) pairs.push(selected) // of the generation before a restart
  const locals = new Map<number, Candidate>()
  const remotes = new Map<number, Candidate>()
  const pairStats: CandidatePairStats[] = []
  for (const pair of pairs) {
    const { local, remote, stats } = pair
    locals.set(local.id, local.candidate)
    remotes.set(remote.id, remote.candidate)
    pairStats.push({
      id: `P${pair.id}`,
      localCandidateId: `L${local.id}`,
      remoteCandidateId: `R${remote.id}`,
      state: pair.state,
      nominated: pair.nominated,
      selected: pair === selected,
      priority: pair.priority,
      packetsSent: stats.packetsSent,
      packetsReceived: stats.packetsReceived,
      bytesSent: stats.bytesSent,
      bytesReceived: stats.bytesReceived,
      lastPacketSentAt: stats.packetsSent === 0 ? undefined : stats.lastPacketSentAt,
      lastPacketReceivedAt: stats.lastPacketReceivedAt === 0 ? undefined : stats.lastPacketReceivedAt,
      totalRoundTripTime: stats.totalRoundTripTime / 1000,
      currentRoundTripTime: stats.responsesReceived === 0 ? undefined : stats.currentRoundTripTime / 1000,
      requestsSent: stats.requestsSent,
      requestsReceived: stats.requestsReceived,
      responsesSent: stats.responsesSent,
      responsesReceived: stats.responsesReceived,
      consentRequestsSent: stats.consentRequestsSent,
    })
  }
  for (const { id, candidate } of agent.localEntries) locals.set(id, candidate)
  for (const { id, candidate } of agent.remoteEntries) remotes.set(id, candidate)
  return {
    state,
    role: agent.role,
    localUsernameFragment: agent.localParameters.usernameFragment,
    pairs: pairStats,
    localCandidates: list('L', locals),
    remoteCandidates: list('R', remotes),
    selectedPairId: selected === undefined ? undefined : `P${selected.id}`,
    ...totals,
    agent: { ...agent.stats },
  }
}

function list(prefix: string, candidates: Map<number, Candidate>): CandidateStats[] {
  return Array.from(candidates, ([id, candidate]) => ({ id: prefix + id, candidate: withoutInternals(candidate) }))
}
