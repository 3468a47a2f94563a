/** The dictionaries of W3C WebRTC 1.0 §5 that senders, receivers and transceivers use, under their names there. */
import type { MediaStream } from '../media/media-stream.ts'

export type RTCRtpTransceiverDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive' | 'stopped'
export type RTCPriorityType = 'very-low' | 'low' | 'medium' | 'high'
export type MediaKind = 'audio' | 'video'

export interface RTCRtpCodec {
  /** `video/VP8` and its like. */
  mimeType: string
  /** Hz */
  clockRate: number
  channels?: number
  /** The value of `a=fmtp`. */
  sdpFmtpLine?: string
}

export interface RTCRtpCodecParameters extends RTCRtpCodec {
  payloadType: number
}

export interface RTCRtpHeaderExtensionCapability {
  uri: string
}

export interface RTCRtpHeaderExtensionParameters {
  uri: string
  id: number
  encrypted?: boolean
}

export interface RTCRtpCapabilities {
  codecs: RTCRtpCodec[]
  headerExtensions: RTCRtpHeaderExtensionCapability[]
}

export interface RTCRtcpParameters {
  cname?: string
  reducedSize?: boolean
}

export interface RTCRtpParameters {
  headerExtensions: RTCRtpHeaderExtensionParameters[]
  rtcp: RTCRtcpParameters
  codecs: RTCRtpCodecParameters[]
}

export interface RTCRtpEncodingParameters {
  rid?: string
  active?: boolean
  codec?: RTCRtpCodec
  /** bit/s. A track of encoded media has the rate that it has; the value is kept for the source to read. */
  maxBitrate?: number
  maxFramerate?: number
  scaleResolutionDownBy?: number
  priority?: RTCPriorityType
  networkPriority?: RTCPriorityType
}

export interface RTCRtpSendParameters extends RTCRtpParameters {
  transactionId: string
  encodings: RTCRtpEncodingParameters[]
}

export interface RTCRtpReceiveParameters extends RTCRtpParameters {}

export interface RTCRtpTransceiverInit {
  direction?: RTCRtpTransceiverDirection
  streams?: MediaStream[]
  sendEncodings?: RTCRtpEncodingParameters[]
}

export interface RTCRtpContributingSource {
  /** ms, on the axis of `performance.timeOrigin + performance.now()`. */
  timestamp: number
  source: number
  audioLevel?: number
  rtpTimestamp: number
}

export interface RTCRtpSynchronizationSource extends RTCRtpContributingSource {}
