export {
  type BindingResult,
  requestBinding,
  StunClient,
  type StunClientOptions,
  type StunRequestOptions,
  type StunResponse,
} from './client.ts'
export type { StunTransport } from './link.ts'
export { StunServer, type StunServerOptions, type StunServerStats } from './server.ts'
export { discoverNat, type DiscoverNatOptions } from './nat/discover.ts'
export type { NatDoubt, NatDoubtReason, NatReport, NatServerReport, NatTopic } from './nat/report.ts'
export type { NatDependence, NatMapping } from '../nat-mapping.ts'
export type { AlternateOptions } from './places.ts'
