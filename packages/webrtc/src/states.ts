import type {
  RTCDtlsTransportState,
  RTCIceConnectionState,
  RTCIceTransportState,
  RTCPeerConnectionState,
} from './types.ts'

/** W3C WebRTC 1.0 §4.3.4, with at most one transport; undefined: there is none. */
export function deriveIceConnectionState(ice: RTCIceTransportState | undefined): RTCIceConnectionState {
  return ice === undefined || ice === 'closed' ? 'new' : ice
}

/** W3C WebRTC 1.0 §4.3.3, with at most one transport. */
export function deriveConnectionState(
  ice: RTCIceTransportState | undefined,
  dtls: RTCDtlsTransportState | undefined,
): RTCPeerConnectionState {
  if (ice === undefined || dtls === undefined) return 'new'
  if (ice === 'failed' || dtls === 'failed') return 'failed'
  if (ice === 'disconnected') return 'disconnected'
  if ((ice === 'new' || ice === 'closed') && (dtls === 'new' || dtls === 'closed')) return 'new'
  if ((ice === 'connected' || ice === 'completed') && (dtls === 'connected' || dtls === 'closed')) return 'connected'
  return 'connecting'
}
