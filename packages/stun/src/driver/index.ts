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
