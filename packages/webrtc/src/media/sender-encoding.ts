/** One sent RTP stream of a section, with its retransmissions: the only one, or a simulcast layer. */
import type { RtpPacket } from '@kaon/rtp'
import { payloadFormat, type EncodedFrame } from '@kaon/rtp/formats'
import { PacketRewriter, RtpSendStream, type OutboundStats, type SendParameters as Wire } from '@kaon/rtp/stream'
import type { ExtensionTranslation } from './header-extensions.ts'
import type { MediaContext } from './media-context.ts'
import { HopExtensions, SentDatagrams } from './outgoing-packets.ts'
import type { EncodingParameters, MediaCodec, SendParameters } from './parameters.ts'
import type { TrackEncoding } from './track-source.ts'

/** How packets of one encoding of a track are sent. */
export interface Forwarding {
  readonly codec: MediaCodec
  /** Beside the media of a codec: telephone events, comfort noise. */
  readonly isAuxiliary: boolean
  readonly translation: ExtensionTranslation
}

export class SenderEncoding {
  readonly ssrc: number
  readonly rtp: RtpSendStream
  rtxSsrc: number | undefined
  rid: string | undefined
  isActive: boolean
  codec: MediaCodec
  hop: HopExtensions
  /** In the list of what the next drain looks at. */
  isTouched = false
  /** Video: what is sent next has to be a key frame. */
  awaitsKeyFrame: boolean
  /** Only without RTX: a packet that is sent again is the same to the last bit. */
  sent: SentDatagrams | undefined
  /** The simulcast layer that is forwarded. */
  layer: string | undefined
  readonly #kind: 'audio' | 'video'
  /** Of a source that is forwarded; it goes on where frames or another source have ended. */
  #rewriter: PacketRewriter | undefined

  constructor(
    context: MediaContext,
    mid: string,
    parameters: SendParameters,
    init: EncodingParameters,
    codec: MediaCodec,
  ) {
    const now = context.now()
    this.ssrc = init.ssrc
    this.rtxSsrc = init.rtxSsrc
    this.rid = init.rid
    this.isActive = isActive(parameters, init)
    this.codec = codec
    this.hop = new HopExtensions(mid, init.rid, parameters.headerExtensions)
    this.#kind = parameters.kind
    this.awaitsKeyFrame = parameters.kind === 'video'
    this.rtp = new RtpSendStream({
      ...this.#wire(),
      now,
      wallClock: context.wallClock(),
      random: context.random,
      ssrc: init.ssrc,
      kind: parameters.kind,
      cname: parameters.cname,
    })
    this.#repeats()
  }

  get stats(): OutboundStats {
    return this.rtp.stats
  }

  #wire(): Wire {
    const { codec, rtxSsrc } = this
    const format = payloadFormat(codec.mimeType)
    const { rtxPayloadType } = codec
    const rtx =
      rtxSsrc === undefined || rtxPayloadType === undefined ? undefined : { ssrc: rtxSsrc, payloadType: rtxPayloadType }
    return {
      active: this.isActive,
      payloadType: codec.payloadType,
      clockRate: codec.clockRate,
      formatParameters: codec.parameters,
      nack: codec.feedback.includes('nack'),
      ...(format === undefined ? {} : { format }),
      ...(rtx === undefined ? {} : { rtx }),
    }
  }

  #repeats(): void {
    const { codec } = this
    const hasRtx = this.rtxSsrc !== undefined && codec.rtxPayloadType !== undefined
    if (hasRtx || !codec.feedback.includes('nack')) this.sent = undefined
    else this.sent ??= new SentDatagrams()
  }

  /** True when it has become active. */
  update(mid: string, parameters: SendParameters, init: EncodingParameters, codec: MediaCodec): boolean {
    const wasActive = this.isActive
    this.rtxSsrc = init.rtxSsrc
    this.rid = init.rid
    this.isActive = isActive(parameters, init)
    this.hop = new HopExtensions(mid, init.rid, parameters.headerExtensions)
    this.#setCodec(codec)
    if (!this.isActive || wasActive) return false
    this.restart()
    return true
  }

  #setCodec(codec: MediaCodec): void {
    if (codec.mimeType !== this.codec.mimeType) this.#rewriter = undefined
    this.codec = codec
    this.rtp.setParameters(this.#wire())
    this.#repeats()
  }

  /** What follows comes from somewhere else, or after a gap. */
  restart(): void {
    this.awaitsKeyFrame = this.#kind === 'video'
    this.layer = undefined
    this.#rewriter?.switchTo(undefined)
  }

  /** False for a frame that no decoder could use. */
  writeFrame(frame: EncodedFrame, codec: MediaCodec, now: number): boolean {
    if (this.awaitsKeyFrame) {
      if (!frame.keyFrame) return false
      this.awaitsKeyFrame = false
    }
    this.#rewriter = undefined
    if (codec !== this.codec) this.#setCodec(codec)
    this.rtp.writeFrame(frame, now)
    return true
  }

  /**
   * Forwards a packet of whoever is forwarded at present. `isWanted`: its layer is the one to switch to, which happens where
   * a key frame of it begins; until then the layer of before goes on.
   */
  forward(packet: RtpPacket, from: TrackEncoding, how: Forwarding, isWanted: boolean, now: number): void {
    const { codec, isAuxiliary, translation } = how
    let rewriter = this.#rewriter
    if (!isWanted && packet.ssrc !== rewriter?.source) return
    if (codec !== this.codec && !isAuxiliary) this.#setCodec(codec)
    rewriter = this.#rewriter ??= this.#createRewriter(now)
    const { ssrc } = packet
    if (ssrc !== rewriter.source && ssrc !== rewriter.awaitedSource) rewriter.switchTo(ssrc)
    for (let out = rewriter.rewrite(packet, now); out !== undefined; out = rewriter.poll()) {
      out.payloadType = codec.payloadType
      out.extensions = translation.translate(out)
      this.rtp.writePacket(out, now)
    }
    if (rewriter.source !== ssrc) return
    this.layer = from.rid
    this.awaitsKeyFrame = false
  }

  #createRewriter(now: number): PacketRewriter {
    const { ssrc, codec, rtp } = this
    const format = payloadFormat(codec.mimeType)
    return new PacketRewriter({
      ssrc,
      payloadType: codec.payloadType,
      clockRate: codec.clockRate,
      sequenceNumber: rtp.nextSequenceNumber,
      timestamp: rtp.nextTimestamp(now),
      ...(format === undefined ? {} : { format }),
    })
  }

  /** Takes what waits with it; no frame or packet is taken any more until it is opened again. */
  retire(): void {
    this.isActive = false
    this.restart()
    this.rtp.setParameters(this.#wire())
  }
}

function isActive(parameters: SendParameters, init: EncodingParameters): boolean {
  return parameters.active !== false && init.active !== false
}
