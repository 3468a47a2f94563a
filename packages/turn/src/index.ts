export { TurnError, type TurnErrorCode } from './error.ts'
export { TurnAllocation } from './client/allocation.ts'
export type { TurnAllocationOptions, TurnAllocationStats, TurnEvent } from './client/types.ts'
export { channelDataLength, channelOf, ChannelDataWriter } from './channel-data.ts'
export { TurnFramer } from './framer.ts'
export { formatTurnUri, parseTurnUri, type TurnTransport, type TurnUri } from './uri.ts'
export {
  createRestCredentials,
  type RestCredentials,
  type RestOptions,
  restPasswords,
  restUser,
} from './rest-credentials.ts'
export { TurnServerCore } from './server/core.ts'
export type { PeerConnection } from './server/connections.ts'
export { ClientLink, RelayPort } from './server/ports.ts'
export { peerPolicy, type PeerPolicyOptions } from './server/peer-policy.ts'
export type {
  BindRequest,
  TurnServerCoreOptions,
  TurnServerEvent,
  TurnServerStats,
  TurnTransmit,
  TurnUser,
} from './server/types.ts'
export { formatMetrics } from './metrics.ts'
export {
  acceptAccessTokens,
  type AccessTokenOptions,
  createAccessToken,
  openAccessToken,
  type SealedToken,
} from './access-token.ts'
export { ThirdPartyCredentials, type ThirdPartyOptions } from './third-party.ts'
