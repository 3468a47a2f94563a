/** What negotiation tells the media transport about one m= section, in one direction. */

export interface MediaCodec {
  readonly payloadType: number
  /** `video/VP8` and its like. */
  readonly mimeType: string
  /** Hz */
  readonly clockRate: number
  readonly channels?: number
  /** Of `a=fmtp`, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
  /** Values of `a=rtcp-fb`: `nack`, `nack pli`, `ccm fir`, `transport-cc`, `goog-remb`, `ack ccfb`. */
  readonly feedback: readonly string[]
  /** The payload type of its retransmissions (`apt`, RFC 4588 §8.6). They are no codecs of their own here. */
  readonly rtxPayloadType?: number
}

export interface MediaExtension {
  readonly id: number
  readonly uri: string
}

interface SectionParameters {
  readonly kind: 'audio' | 'video'
  /** In order of preference. RED, FEC, comfort noise and telephone events are among them. */
  readonly codecs: readonly MediaCodec[]
  readonly headerExtensions: readonly MediaExtension[]
  /** `a=rtcp-rsize` (RFC 5506). */
  readonly rtcpReducedSize: boolean
  /** Our CNAME, one for all that is synchronised. */
  readonly cname: string
  /** The direction allows it. Default true. */
  readonly active?: boolean
}

export interface RemoteSource {
  readonly ssrc: number
  /** `a=ssrc-group:FID` */
  readonly rtxSsrc?: number
  /** `a=ssrc-group:FEC-FR` */
  readonly fecSsrc?: number
}

export interface ReceiveParameters extends SectionParameters {
  /** `a=rtcp-xr:rcvr-rtt` (RFC 3611 §5.1): the peer answers our reference times. Default false. */
  readonly receiverReferenceTime?: boolean
  /** What the peer declared with `a=ssrc` and `a=ssrc-group`. */
  readonly sources?: readonly RemoteSource[]
  /** Simulcast layers that the peer sends (`a=rid`, `a=simulcast`). */
  readonly rids?: readonly string[]
}

export interface EncodingParameters {
  readonly ssrc: number
  /** Used when the codec has an `rtxPayloadType`. */
  readonly rtxSsrc?: number
  readonly rid?: string
  /** Default true. */
  readonly active?: boolean
}

export interface SendParameters extends SectionParameters {
  /** One, or a simulcast layer each. Identified by SSRC: what keeps its SSRC in an update is the same stream. */
  readonly encodings: readonly EncodingParameters[]
}

/** Keying material that DTLS exported (RFC 5764 §4.2). */
export interface SrtpKeys {
  readonly profile:
    'SRTP_AES128_CM_HMAC_SHA1_80' | 'SRTP_AES128_CM_HMAC_SHA1_32' | 'SRTP_AEAD_AES_128_GCM' | 'SRTP_AEAD_AES_256_GCM'
  readonly material: Uint8Array
  /** Our DTLS role. */
  readonly role: 'client' | 'server'
}
