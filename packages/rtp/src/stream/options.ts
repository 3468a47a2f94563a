import type { HeaderExtensionMap } from '../extensions/map.ts'
import type { PayloadFormat } from '../formats/types.ts'

/** What every stream of RTP is told at its birth. */
export interface StreamContext {
  /** The time at creation, monotonic ms, on the axis of every later `now`. */
  readonly now: number
  /** The wall clock at that moment, ms since 1970: sender reports carry it as NTP time. */
  readonly wallClock: number
  /** Uniform in [0, 1). Default: from `crypto.getRandomValues`. */
  readonly random?: () => number
}

/** Where retransmissions go (RFC 4588). */
export interface RtxOptions {
  readonly ssrc: number
  readonly payloadType: number
}

/** What may change while a stream is sent. */
export interface SendParameters {
  /** Default true. An inactive stream takes frames and packets and sends nothing. */
  readonly active?: boolean
  readonly payloadType: number
  /** Hz */
  readonly clockRate: number
  /** Without one only `writePacket` works. */
  readonly format?: PayloadFormat
  /** The `a=fmtp` of the payload type, names in lower case. */
  readonly formatParameters?: ReadonlyMap<string, string>
  /** Without it a lost packet is sent again as it was (RFC 4585 does not say how; browsers understand both). */
  readonly rtx?: RtxOptions
  /** Answer generic NACKs. Default false. */
  readonly nack?: boolean
}

export interface RtpSendStreamOptions extends StreamContext, SendParameters {
  readonly ssrc: number
  readonly kind: 'audio' | 'video'
  /** RFC 3550 §6.5.1 */
  readonly cname: string
  /** Bytes of payload in one packet. Default 1150: 1280 − 40 (IPv6) − 8 (UDP) − 4 (TURN channel) − 12 (RTP) − 16 (tag) − 2 (RTX), and the rest for header extensions. */
  readonly maxPayloadSize?: number
  /** Most packets that wait for `pollTransmit`; a frame that does not fit is dropped. Default 4096. */
  readonly maxQueuedPackets?: number
  /** How long a packet can be asked for again, ms. Default 1000. */
  readonly historyDuration?: number
  /** Most packets kept for that. Default 2048. */
  readonly historyPackets?: number
  /** Mean time between reports, ms. Default 1000 for video, 5000 for audio. */
  readonly reportInterval?: number
}

/** A payload type that a receiver understands. */
export interface ReceiveCodec {
  readonly payloadType: number
  /** `video/VP8` and its like. */
  readonly mimeType: string
  /** Hz */
  readonly clockRate: number
  /** Without one its packets are delivered, but no frames. */
  readonly format?: PayloadFormat
  /** The `a=fmtp`, names in lower case. */
  readonly parameters?: ReadonlyMap<string, string>
  /** The payload type of its retransmissions (`apt`, RFC 4588 §8.6). */
  readonly rtxPayloadType?: number
  /** Feedback that was negotiated (RFC 4585 §4.2, RFC 5104 §7.1). Default false. */
  readonly nack?: boolean
  readonly pli?: boolean
  readonly fir?: boolean
}

export interface RtpReceiveStreamOptions extends StreamContext {
  /** The remote source. */
  readonly ssrc: number
  /** From which our reports come; 1 when nothing is sent. */
  readonly localSsrc: number
  readonly kind: 'audio' | 'video'
  readonly codecs: readonly ReceiveCodec[]
  /** The source of its retransmissions; `setRtxSsrc` can tell later. */
  readonly rtxSsrc?: number
  /** The source of its FlexFEC-03 repair packets, and their payload type. */
  readonly flexFec?: { readonly ssrc: number; readonly payloadType: number }
  /** RED (RFC 2198), which carries copies of audio or ULPFEC (RFC 5109), by payload type. */
  readonly redPayloadType?: number
  readonly ulpFecPayloadType?: number
  /** The media section's header extensions: some are not covered by forward error correction. */
  readonly extensions?: HeaderExtensionMap
  /** Our own, for the compound packet (RFC 3550 §6.1). */
  readonly cname?: string
  /** The RTP stream id (RFC 8852), handed through to frames. */
  readonly rid?: string
  /** Put frames together. Default true; false when only packets are wanted. */
  readonly frames?: boolean
  /** Longest wait for a missing packet, ms. Default 500 for video, 200 for audio. */
  readonly maxLatency?: number
  /** Send receiver reference times, so that the round trip is known without sending media (RFC 3611 §4.4). Default false. */
  readonly receiverReferenceTime?: boolean
  /** Feedback may travel without a report in front of it (RFC 5506). Default false. */
  readonly reducedSize?: boolean
  /** Mean time between reports, ms. Default 1000 for video, 5000 for audio. */
  readonly reportInterval?: number
  /** Most packets and frames that wait for `pollEvent`; beyond it the oldest are dropped. Default 2048. */
  readonly maxQueuedEvents?: number
}
