/** RTCP packets, taken apart. `type` is the name that the RFCs use. */

/** RFC 3550 §6.4.1 */
export interface ReportBlock {
  /** The source that is reported on. */
  readonly ssrc: number
  /** Since the last report, in 1/256. */
  readonly fractionLost: number
  /** Since the beginning; negative when there were more duplicates than losses. 24 bits, signed. */
  readonly packetsLost: number
  /** Cycles in the upper 16 bits. */
  readonly extendedHighestSequenceNumber: number
  /** Interarrival jitter in units of the RTP clock. */
  readonly jitter: number
  /** The middle 32 bits of the NTP timestamp of the last sender report; 0 for none. */
  readonly lastSenderReport: number
  /** Since that report came, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number
}

/** RFC 3550 §6.4.1 */
export interface SenderReport {
  readonly type: 'SR'
  readonly ssrc: number
  /** 64 bits: seconds since 1900 and a fraction of 2^32. */
  readonly ntpTimestamp: bigint
  readonly rtpTimestamp: number
  readonly packetCount: number
  readonly octetCount: number
  readonly reports: readonly ReportBlock[]
}

/** RFC 3550 §6.4.2 */
export interface ReceiverReport {
  readonly type: 'RR'
  readonly ssrc: number
  readonly reports: readonly ReportBlock[]
}

export interface SourceDescriptionItem {
  /** RFC 3550 §12.2, and RFC 7941's `RtpStreamId` and its like by number. 1 is CNAME. */
  readonly type: number
  readonly text: string
}

/** RFC 3550 §6.5 */
export interface SourceDescription {
  readonly type: 'SDES'
  readonly chunks: readonly { readonly ssrc: number; readonly items: readonly SourceDescriptionItem[] }[]
}

/** RFC 3550 §6.6 */
export interface Goodbye {
  readonly type: 'BYE'
  readonly ssrcs: readonly number[]
  readonly reason?: string
}

/** RFC 3550 §6.7 */
export interface ApplicationDefined {
  readonly type: 'APP'
  readonly subtype: number
  readonly ssrc: number
  /** Four ASCII characters. */
  readonly name: string
  readonly data: Uint8Array
}

/** RFC 4585 §6.2.1 */
export interface GenericNack {
  readonly type: 'NACK'
  readonly senderSsrc: number
  readonly mediaSsrc: number
  readonly sequenceNumbers: readonly number[]
}

/** RFC 4585 §6.3.1 */
export interface PictureLossIndication {
  readonly type: 'PLI'
  readonly senderSsrc: number
  readonly mediaSsrc: number
}

/** RFC 5104 §4.3.1 */
export interface FullIntraRequest {
  readonly type: 'FIR'
  readonly senderSsrc: number
  readonly entries: readonly { readonly ssrc: number; readonly sequenceNumber: number }[]
}

/** draft-alvestrand-rmcat-remb §2.2 */
export interface ReceiverEstimatedMaximumBitrate {
  readonly type: 'REMB'
  readonly senderSsrc: number
  /** bit/s */
  readonly bitrate: number
  readonly ssrcs: readonly number[]
}

/** draft-holmer-rmcat-transport-wide-cc-extensions §3.1 */
export interface TransportFeedback {
  readonly type: 'TWCC'
  readonly senderSsrc: number
  readonly mediaSsrc: number
  readonly baseSequenceNumber: number
  /** Signed 24 bits, in 64 ms. */
  readonly referenceTime: number
  readonly feedbackPacketCount: number
  /**
   * One entry a sequence number from the base on: the delta to the packet received before it (to the reference time for the
   * first), in 250 µs; undefined for a packet that was not received.
   */
  readonly deltas: readonly (number | undefined)[]
}

/** RFC 8888 §3.1 */
export interface CongestionControlFeedback {
  readonly type: 'CCFB'
  readonly senderSsrc: number
  readonly streams: readonly {
    readonly ssrc: number
    readonly beginSequenceNumber: number
    readonly reports: readonly {
      readonly received: boolean
      /** 0–3 */
      readonly ecn: number
      /** Before the report's timestamp, in 1/1024 s; 0x1FFE: longer; 0x1FFF: unknown. */
      readonly arrivalTimeOffset: number
    }[]
  }[]
  /** The middle 32 bits of the NTP time. */
  readonly reportTimestamp: number
}

/** RFC 3611 §4.4, §4.5; other blocks are kept as they are. */
export type ExtendedReportBlock =
  | { readonly type: 'RRTR'; readonly ntpTimestamp: bigint }
  | {
      readonly type: 'DLRR'
      readonly reports: readonly {
        readonly ssrc: number
        readonly lastReceiverReport: number
        readonly delaySinceLastReceiverReport: number
      }[]
    }
  | { readonly type: 'unknown'; readonly blockType: number; readonly typeSpecific: number; readonly data: Uint8Array }

/** RFC 3611 §2 */
export interface ExtendedReport {
  readonly type: 'XR'
  readonly ssrc: number
  readonly blocks: readonly ExtendedReportBlock[]
}

/** A well-formed packet of another kind, kept as it is. */
export interface UnknownRtcp {
  readonly type: 'unknown'
  readonly packetType: number
  /** The five bits of count or format. */
  readonly count: number
  /** What follows the first four bytes. */
  readonly body: Uint8Array
}

export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Goodbye
  | ApplicationDefined
  | GenericNack
  | PictureLossIndication
  | FullIntraRequest
  | ReceiverEstimatedMaximumBitrate
  | TransportFeedback
  | CongestionControlFeedback
  | ExtendedReport
  | UnknownRtcp
