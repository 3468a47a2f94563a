/**
 * Encoded media as an application hands it over and receives it. The payload is what an encoder gives: one VP8 or VP9 frame,
 * one H.264 or H.265 access unit in Annex B form (start codes, parameter sets in front of key frames), one AV1 temporal unit in
 * the low-overhead form (OBUs with sizes, no temporal delimiter), one Opus packet, or any number of G.711 or G.722 octets.
 */
export interface EncodedFrame {
  readonly payload: Uint8Array
  /** µs, as in WebCodecs; on the source's own axis. */
  readonly timestamp: number
  /** µs */
  readonly duration?: number
  /** Decoding can begin here. Audio frames always are. */
  readonly keyFrame: boolean
}

/** What a receiver adds to a frame. */
export interface ReceivedFrame extends EncodedFrame {
  readonly rtpTimestamp: number
  readonly ssrc: number
  readonly payloadType: number
  /** `video/VP8` and its like. */
  readonly mimeType: string
  /** Monotonic ms at which the frame was complete. */
  readonly receiveTime: number
  /** The RTP stream id (RFC 8852) of a simulcast layer. */
  readonly rid?: string
  /** Frames before this one were lost, and decoding may fail until the next key frame. */
  readonly discontinuity: boolean
}

/** Makes RTP payloads out of frames; keeps what goes on from frame to frame (picture ids). */
export interface Packetizer {
  /**
   * The payloads of one frame, each of at most `maxSize` bytes (64 or more). The last one carries the marker (of video). None when
   * there is nothing to send in the frame. Payloads may be views of the frame and of each other's buffer: nobody writes to them.
   * Throws `PayloadFormatError` for a frame that is not in the form described at `EncodedFrame`; what a depacketizer gave always is.
   */
  packetize(frame: EncodedFrame, maxSize: number): Uint8Array[]
}

/** Puts frames together out of RTP payloads. */
export interface Depacketizer {
  /**
   * The payloads of one frame in order: all that have its timestamp, padding-only packets left out. Undefined when they do not make
   * a frame. Most formats tell when the first or the last payload is missing; one lost in the middle shows in the sequence numbers only.
   */
  depacketize(payloads: readonly Uint8Array[]): { payload: Uint8Array; keyFrame: boolean } | undefined
}

/** An RTP payload format: an RFC of its own for each codec. */
export interface PayloadFormat {
  /** `video/VP8` and its like, in the case of the IANA registry. */
  readonly mimeType: string
  readonly kind: 'audio' | 'video'
  /** Hz of the RTP clock. */
  readonly clockRate: number
  /**
   * Ticks of the RTP clock that an octet lasts, for audio that may be cut at any octet (G.711, G.722): when a frame makes several
   * payloads, each one's timestamp is the one before plus this much for each of that one's octets.
   */
  readonly ticksPerOctet?: number
  /** `parameters` is the `a=fmtp` of the negotiated payload type, names in lower case. */
  createPacketizer(parameters?: ReadonlyMap<string, string>): Packetizer
  createDepacketizer(parameters?: ReadonlyMap<string, string>): Depacketizer
  /**
   * The payload begins a frame. Audio: always. VP8 and VP9 say so in each payload. H.264, H.265 and AV1 do not: there it means that a
   * frame may begin here and surely does not when false; several payloads of a frame may look so (parameter sets, then a slice).
   */
  isFrameStart(payload: Uint8Array): boolean
  /**
   * The payload begins (or is) a frame with which decoding can begin. Audio: always. H.264 and H.265: parameter sets at its beginning,
   * or the first slice of an IDR (IRAP) picture.
   */
  isKeyFrame(payload: Uint8Array): boolean
}
