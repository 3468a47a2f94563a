export { formatCandidate, parseCandidate } from './candidate.ts'
export type { Candidate, CandidateProtocol, CandidateType, TcpCandidateType } from './candidate.ts'
export type { IceParameters } from './credentials.ts'
export { IceError } from './error.ts'
export type { IceErrorCode } from './error.ts'
export type {
  CandidatePairState,
  IceAgentOptions,
  IceAgentStats,
  IceEvent,
  IceRole,
  IceState,
  LocalCandidate,
  TraceEvent,
  Transmit,
} from './types.ts'
