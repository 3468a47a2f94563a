export type { ReceiveStreamEvent, SendStreamEvent } from './events.ts'
export type {
  ReceiveCodec,
  RtpReceiveStreamOptions,
  RtpSendStreamOptions,
  RtxOptions,
  SendParameters,
  StreamContext,
} from './options.ts'
export type { InboundStats, OutboundStats, RemoteInboundStats, RemoteOutboundStats } from './stats.ts'
