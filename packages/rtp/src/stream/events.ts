import type { ReceivedFrame } from '../formats/types.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'

/** What the other side has to tell a sender. */
export type SendStreamEvent =
  /** A receiver cannot decode: the next frame should be a key frame. */
  | { readonly type: 'key-frame-requested' }
  /** REMB: what the receiver believes the path carries, bit/s. */
  | { readonly type: 'bitrate-estimate'; readonly bitrate: number }

export type ReceiveStreamEvent =
  /** A media packet, each once, at once and in the order of arrival; `recovered` by RTX or FEC. */
  | { readonly type: 'packet'; readonly packet: RtpPacket; readonly recovered: boolean }
  /** A whole frame, in the order of decoding. */
  | { readonly type: 'frame'; readonly frame: ReceivedFrame }
  /** The source has left (RFC 3550 §6.6). It may come back. */
  | { readonly type: 'bye' }
