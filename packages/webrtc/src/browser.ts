/**
 * The entry point of the `browser` export condition: the browser's own classes under the same names, so that one program
 * runs in both. A name that a browser does not have is undefined, as it is there. Kaon's extensions are absent.
 */
const platform: Record<string, unknown> = globalThis as unknown as Record<string, unknown>

function own<T>(name: string): T {
  return platform[name] as T
}

export const RTCPeerConnection: typeof globalThis.RTCPeerConnection = own('RTCPeerConnection')
export const RTCCertificate: typeof globalThis.RTCCertificate = own('RTCCertificate')
export const RTCDataChannel: typeof globalThis.RTCDataChannel = own('RTCDataChannel')
export const RTCDtlsTransport: typeof globalThis.RTCDtlsTransport = own('RTCDtlsTransport')
export const RTCDataChannelEvent: typeof globalThis.RTCDataChannelEvent = own('RTCDataChannelEvent')
export const RTCErrorEvent: typeof globalThis.RTCErrorEvent = own('RTCErrorEvent')
export const RTCPeerConnectionIceErrorEvent: typeof globalThis.RTCPeerConnectionIceErrorEvent = own(
  'RTCPeerConnectionIceErrorEvent',
)
export const RTCPeerConnectionIceEvent: typeof globalThis.RTCPeerConnectionIceEvent = own('RTCPeerConnectionIceEvent')
export const RTCIceCandidate: typeof globalThis.RTCIceCandidate = own('RTCIceCandidate')
/** Not in every browser yet. */
export const RTCIceCandidatePair: (new () => object) | undefined = own('RTCIceCandidatePair')
export const RTCIceTransport: typeof globalThis.RTCIceTransport = own('RTCIceTransport')
export const RTCError: typeof globalThis.RTCError = own('RTCError')
export const RTCRtpReceiver: typeof globalThis.RTCRtpReceiver = own('RTCRtpReceiver')
export const RTCRtpSender: typeof globalThis.RTCRtpSender = own('RTCRtpSender')
export const RTCRtpTransceiver: typeof globalThis.RTCRtpTransceiver = own('RTCRtpTransceiver')
export const RTCSctpTransport: typeof globalThis.RTCSctpTransport = own('RTCSctpTransport')
export const RTCSessionDescription: typeof globalThis.RTCSessionDescription = own('RTCSessionDescription')
export const RTCStatsReport: typeof globalThis.RTCStatsReport = own('RTCStatsReport')
export const RTCTrackEvent: typeof globalThis.RTCTrackEvent = own('RTCTrackEvent')
export const MediaStream: typeof globalThis.MediaStream = own('MediaStream')
export const MediaStreamTrack: typeof globalThis.MediaStreamTrack = own('MediaStreamTrack')
export const MediaStreamTrackEvent: typeof globalThis.MediaStreamTrackEvent = own('MediaStreamTrackEvent')
/** Kaon's: browsers encode by themselves. */
export const KeyFrameRequestEvent: (new () => Event) | undefined = own('KeyFrameRequestEvent')
