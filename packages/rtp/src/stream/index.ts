export { CcfbRecorder, type CcfbRecorderOptions } from './ccfb-recorder.ts'
export type { ReceiveStreamEvent, SendStreamEvent } from './events.ts'
export { FrameAssembler, type FrameAssemblerOptions } from './frame-assembler.ts'
export { JitterBuffer, type JitterBufferOptions } from './jitter-buffer.ts'
export { KeyFrameLimiter } from './key-frame-limiter.ts'
export { KeyFrameRequester, type KeyFrameRequesterOptions } from './key-frame-requester.ts'
export { NackGenerator, type NackGeneratorOptions } from './nack-generator.ts'
export { NackResponder } from './nack-responder.ts'
export type {
  ReceiveCodec,
  RtpReceiveStreamOptions,
  RtpSendStreamOptions,
  RtxOptions,
  SendParameters,
  StreamContext,
} from './options.ts'
export { PacketHistory, type PacketHistoryOptions } from './packet-history.ts'
export { PacketRewriter, type PacketRewriterOptions } from './packet-rewriter.ts'
export { RtpReceiveStream } from './receive-stream.ts'
export { ReceptionStatistics } from './reception-statistics.ts'
export { ReportSchedule } from './report-schedule.ts'
export { RoundTripTime } from './round-trip-time.ts'
export { RtxSender, unwrapRtx } from './rtx.ts'
export { RtpSendStream } from './send-stream.ts'
export { SenderReportGenerator } from './sender-report.ts'
export type { InboundStats, OutboundStats, RemoteInboundStats, RemoteOutboundStats } from './stats.ts'
export { TwccRecorder, type TwccRecorderOptions } from './twcc-recorder.ts'
export { WallClock } from './wall-clock.ts'
