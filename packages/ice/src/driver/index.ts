export { IceConnection } from './connection.ts'
export type { IceGatheringState } from './connection.ts'
export type {
  CandidateError,
  IceConnectionOptions,
  IceServer,
  IceTransportPolicy,
  MdnsPolicy,
  SelectedCandidatePair,
} from './options.ts'
export type { CandidatePairStats, CandidateStats, IceConnectionStats } from './stats.ts'
export { parseServerUrl } from './server-url.ts'
export type { ServerUrl } from './server-url.ts'
