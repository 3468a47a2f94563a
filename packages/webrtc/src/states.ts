import type {
  RTCDtlsTransportState,
  RTCIceConnectionState,
  RTCIceGatheringState,
  RTCIceTransportState,
  RTCPeerConnectionState,
} from './types.ts'

/** W3C WebRTC 1.0 §4.3.4, over the transports that sections have. */
export function deriveIceConnectionState(ice: readonly RTCIceTransportState[]): RTCIceConnectionState {
  if (ice.includes('failed')) return 'failed'
  if (ice.includes('disconnected')) return 'disconnected'
  if (ice.every((state) => state === 'new' || state === 'closed')) return 'new'
  if (ice.some((state) => state === 'new' || state === 'checking')) return 'checking'
  return ice.every((state) => state === 'completed' || state === 'closed') ? 'completed' : 'connected'
}

/** W3C WebRTC 1.0 §4.3.3. */
export function deriveConnectionState(
  ice: readonly RTCIceTransportState[],
  dtls: readonly RTCDtlsTransportState[],
): RTCPeerConnectionState {
  if (ice.includes('failed') || dtls.includes('failed')) return 'failed'
  if (ice.includes('disconnected')) return 'disconnected'
  const idle = (state: RTCIceTransportState | RTCDtlsTransportState): boolean => state === 'new' || state === 'closed'
  if (ice.every(idle) && dtls.every(idle)) return 'new'
  const isThere = ice.every((state) => state === 'connected' || state === 'completed' || state === 'closed')
  return isThere && dtls.every((state) => state === 'connected' || state === 'closed') ? 'connected' : 'connecting'
}

/** W3C WebRTC 1.0 §4.3.2. */
export function deriveIceGatheringState(gathering: readonly RTCIceGatheringState[]): RTCIceGatheringState {
  if (gathering.includes('gathering')) return 'gathering'
  return gathering.length > 0 && gathering.every((state) => state === 'complete') ? 'complete' : 'new'
}
