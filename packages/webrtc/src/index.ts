// `Symbol.dispose` and `Symbol.asyncDispose` stand in the declarations; users of an older `lib` need not know.
/// <reference lib="esnext.disposable" preserve="true" />
export { RTCPeerConnection } from './peer-connection.ts'
export { KeyFrameRequestEvent, MediaStreamTrack, type MediaStreamTrackInit } from './media/media-stream-track.ts'
export { MediaStream, MediaStreamTrackEvent } from './media/media-stream.ts'
export { RTCCertificate } from './certificate.ts'
export { RTCDataChannel } from './data-channel.ts'
export { RTCDtlsTransport } from './dtls-transport.ts'
export {
  RTCDataChannelEvent,
  RTCErrorEvent,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
} from './events.ts'
export { RTCIceCandidate, RTCIceCandidatePair } from './ice-candidate.ts'
export { RTCIceTransport } from './ice-transport.ts'
export { RTCError } from './rtc-error.ts'
export { RTCRtpReceiver } from './rtp/receiver.ts'
export { RTCRtpSender } from './rtp/sender.ts'
export { RTCRtpTransceiver } from './rtp/transceiver.ts'
export { RTCSctpTransport } from './sctp-transport.ts'
export { RTCSessionDescription } from './session-description.ts'
export { RTCStatsReport } from './stats-report.ts'
export { RTCTrackEvent } from './track-event.ts'
export type {
  RTCConfiguration,
  RTCDataChannelInit,
  RTCIceCandidateInit,
  RTCIceServer,
  RTCOfferOptions,
  RTCSessionDescriptionInit,
  RTCStats,
} from './types.ts'
export type {
  RTCRtpCapabilities,
  RTCRtpCodec,
  RTCRtpEncodingParameters,
  RTCRtpParameters,
  RTCRtpReceiveParameters,
  RTCRtpSendParameters,
  RTCRtpTransceiverDirection,
  RTCRtpTransceiverInit,
} from './rtp/types.ts'
