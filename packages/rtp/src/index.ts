export { RtpError, type RtpErrorCode } from './errors.ts'
export type { HeaderExtensionCodec } from './extensions/codec.ts'
export * as headerExtension from './extensions/codecs.ts'
export { DependencyDescriptorReader } from './extensions/dependency-descriptor/reader.ts'
export type {
  DecodeTargetIndication,
  DependencyDescriptor,
  FrameDependencies,
  FrameDependencyStructure,
} from './extensions/dependency-descriptor/types.ts'
export { writeDependencyDescriptor } from './extensions/dependency-descriptor/write.ts'
export { HeaderExtensionMap } from './extensions/map.ts'
export { headerExtensionUris } from './extensions/uris.ts'
export { FlexFecReceiver, type FlexFecReceiverOptions } from './fec/flexfec-receiver.ts'
export { readRed, type RedBlock, splitRed, writeRed } from './fec/red.ts'
export type { FecStats } from './fec/stats.ts'
export { UlpFecReceiver, type UlpFecReceiverOptions } from './fec/ulpfec-receiver.ts'
export { isRtcp } from './packet/classify.ts'
export { parseRtp } from './packet/parse.ts'
export { RtpPacket, type HeaderExtension, type RtpPacketInit } from './packet/rtp-packet.ts'
export { SequenceUnwrapper, TimestampUnwrapper, sequenceDistance, timestampDistance } from './packet/sequence.ts'
export { rtpHeaderLength, writeRtp, writeRtpHeader } from './packet/write.ts'
export { compactNtp, ntpTimestamp, ntpToWallClock } from './rtcp/ntp.ts'
export { parseRtcp } from './rtcp/parse.ts'
export type { ReportBlock, RtcpPacket } from './rtcp/types.ts'
export { writeRtcp } from './rtcp/write.ts'
