export { IceAgent } from './agent.ts'
export { formatCandidate, parseCandidate } from './candidate.ts'
export type { Candidate, CandidateProtocol, CandidateType, RelayProtocol, TcpCandidateType } from './candidate.ts'
export type { IceParameters } from './credentials.ts'
export { FoundationTable } from './foundation.ts'
export { IceError } from './error.ts'
export type { IceErrorCode } from './error.ts'
export type { CandidatePair } from './pair.ts'
export { candidatePriority, localPreferences, pairPriority } from './priority.ts'
export type {
  CandidatePairState,
  IceAgentOptions,
  IceAgentStats,
  IceEvent,
  IceRole,
  IceState,
  LocalCandidate,
  NominationPolicy,
  TraceEvent,
  Transmit,
} from './types.ts'
