export { checkIceOptions } from './check-options.ts'
export { IceConnection } from './connection.ts'
export type { IceGatheringState } from './connection.ts'
export type { AddressMapping } from './mapping.ts'
export type {
  CandidateError,
  CandidateSide,
  IceConnectionOptions,
  IceServer,
  IceTransportPolicy,
  MdnsPolicy,
  SelectedCandidatePair,
} from './options.ts'
export type { CandidatePairStats, CandidateStats, IceConnectionStats } from './stats.ts'
export { SharedPorts, type SharedPortsOptions, type SharedPortsStats } from './shared-ports.ts'
export { parseServerUrl } from './server-url.ts'
export type { ServerUrl } from './server-url.ts'
