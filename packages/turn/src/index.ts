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
