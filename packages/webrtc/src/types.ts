/**
 * The dictionaries and enumerations of W3C WebRTC 1.0, under their names there. They are declared here and not taken
 * from TypeScript's DOM library, so that a Node project without that library can use the package.
 */
import type { CryptoProvider } from '@kaon/crypto'
import type { Network } from '@kaon/net'
import type { RTCCertificate } from './certificate.ts'
import type { DtlsSettings, IceSettings, SctpSettings, Trace } from './transport/settings.ts'

export type RTCSdpType = 'offer' | 'pranswer' | 'answer' | 'rollback'
export type RTCSignalingState =
  'stable' | 'have-local-offer' | 'have-remote-offer' | 'have-local-pranswer' | 'have-remote-pranswer' | 'closed'
export type RTCIceGatheringState = 'new' | 'gathering' | 'complete'
export type RTCIceTransportState = 'new' | 'checking' | 'connected' | 'completed' | 'disconnected' | 'failed' | 'closed'
export type RTCIceConnectionState = RTCIceTransportState
export type RTCPeerConnectionState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'
export type RTCDtlsTransportState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'
export type RTCSctpTransportState = 'connecting' | 'connected' | 'closed'
export type RTCDataChannelState = 'connecting' | 'open' | 'closing' | 'closed'
export type RTCIceRole = 'unknown' | 'controlling' | 'controlled'
export type RTCIceComponent = 'rtp' | 'rtcp'
export type RTCIceTransportPolicy = 'all' | 'relay'
export type RTCBundlePolicy = 'balanced' | 'max-compat' | 'max-bundle'
export type RTCRtcpMuxPolicy = 'require'
export type BinaryType = 'arraybuffer' | 'blob'

/** A handler attribute's value (`onopen` and its like). */
export type Handler<Target, E = Event> = ((this: Target, event: E) => unknown) | null

/** DOM's `EventInit`, which Node's types do not have. */
export interface RTCEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}

export interface RTCIceServer {
  /** `stun:`, `stuns:`, `turn:` or `turns:` URLs (RFC 7064, RFC 7065). */
  urls: string | string[]
  username?: string
  credential?: string
}

/** W3C `RTCConfiguration`, and below it what Kaon adds: settings of each layer, handed through untouched. */
export interface RTCConfiguration {
  /** Default: none. Nothing is contacted that is not listed here. */
  iceServers?: RTCIceServer[]
  iceTransportPolicy?: RTCIceTransportPolicy
  bundlePolicy?: RTCBundlePolicy
  rtcpMuxPolicy?: RTCRtcpMuxPolicy
  certificates?: RTCCertificate[]
  iceCandidatePoolSize?: number

  /** Extension: options of the ICE agent, such as `includeLoopback`, `portRange` or `mdns`. */
  ice?: IceSettings
  /** Extension: options of the DTLS connection, such as `cipherSuites` or `keyLog`. */
  dtls?: DtlsSettings
  /** Extension: options of the SCTP association, and the message and buffer sizes of the channels on it. */
  sctp?: SctpSettings
  /** Extension: the outside world; by default this machine's. `@kaon/net/virtual` has one for tests. */
  net?: Network
  /** Extension: the source of cryptography; by default the platform's. */
  crypto?: CryptoProvider
  /** Extension: is told what every floor does. */
  trace?: Trace
}

export interface RTCOfferOptions {
  iceRestart?: boolean
  /** Legacy: a transceiver that receives is there (true), or none (false). */
  offerToReceiveAudio?: boolean
  offerToReceiveVideo?: boolean
}
export interface RTCAnswerOptions {}

export interface RTCSessionDescriptionInit {
  type: RTCSdpType
  sdp?: string
}
export interface RTCLocalSessionDescriptionInit {
  type?: RTCSdpType
  sdp?: string
}

export interface RTCIceCandidateInit {
  candidate?: string
  sdpMid?: string | null
  sdpMLineIndex?: number | null
  usernameFragment?: string | null
}
export interface RTCLocalIceCandidateInit extends RTCIceCandidateInit {
  relayProtocol?: 'udp' | 'tcp' | 'tls' | null
  url?: string | null
}

export interface RTCDataChannelInit {
  ordered?: boolean
  /** ms */
  maxPacketLifeTime?: number
  maxRetransmits?: number
  protocol?: string
  negotiated?: boolean
  id?: number
  /** RFC 8831 §6.4 through W3C WebRTC Priority: weight against the other channels of the connection. */
  priority?: 'very-low' | 'low' | 'medium' | 'high'
}

export interface RTCIceParameters {
  usernameFragment: string
  password: string
}

export interface RTCDtlsFingerprint {
  algorithm: string
  /** Lower-case hex pairs with colons between. */
  value: string
}

export interface RTCStats {
  id: string
  type: string
  /** ms since the Unix epoch */
  timestamp: number
}
