/** One sent RTP stream of a section, with its retransmissions: the only one, or a simulcast layer. */
import type { RtpPacket } from '@kaon/rtp'
import { payloadFormat, type EncodedFrame } from '@kaon/rtp/formats'
import { PacketRewriter, RtpSendStream, type OutboundStats, type SendParameters as Wire } from '@kaon/rtp/stream'
import type { ExtensionTranslation } from './header-extensions.ts'
import type { MediaContext } from './media-context.ts'
import { HopExtensions, SentDatagrams } from './outgoing-packets.ts'
import type { EncodingParameters, MediaCodec, SendParameters } from './parameters.ts'
import { Picture } from './picture.ts'
import type { TrackEncoding } from './track-source.ts'

type Parameters = ReadonlyMap<string, string>

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
  /** Of a local track's video; what is forwarded is not looked into. */
  readonly picture: Picture | undefined
  /** In the list of what the next drain looks at. */
  isTouched = false
  /** Video: what is sent next has to be a key frame. */
  awaitsKeyFrame: boolean
  /** Only without RTX: a packet that is sent again is the same to the last bit. */
  sent: SentDatagrams | undefined
  /** The simulcast layer that is forwarded. */
  layer: string | undefined
  readonly #kind: 'audio' | 'video'
  #current: Wire
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
    if (parameters.kind === 'video') this.picture = new Picture()
    this.awaitsKeyFrame = parameters.kind === 'video'
    this.#current = this.#wire()
    this.rtp = new RtpSendStream({
      ...this.#current,
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
    this.#setWire()
    this.#repeats()
  }

  /** A negotiation that changes nothing must not interrupt the picture ids of a packetizer. */
  #setWire(): void {
    const wire = this.#wire()
    if (sameWire(wire, this.#current)) return
    this.#current = wire
    this.rtp.setParameters(wire)
  }

  /** What was protected under the old keys is of no use under the new ones. */
  keysChanged(): void {
    if (this.sent !== undefined) this.sent = new SentDatagrams()
  }

  /** What will be sent is known before it comes. */
  useCodec(codec: MediaCodec): void {
    if (codec !== this.codec) this.#setCodec(codec)
  }

  /** What follows comes from somewhere else, or after a gap. */
  restart(): void {
    this.awaitsKeyFrame = this.#kind === 'video'
    this.layer = undefined
    this.#rewriter?.switchTo(undefined)
    this.rtp.switchSource()
  }

  /** False for a frame that no decoder could use. */
  writeFrame(frame: EncodedFrame, codec: MediaCodec, now: number): boolean {
    if (this.awaitsKeyFrame && !frame.keyFrame) return false
    this.#rewriter = undefined
    this.useCodec(codec)
    if (!this.rtp.writeFrame(frame, now)) return false
    this.picture?.note(frame, codec.mimeType, now)
    this.awaitsKeyFrame = false
    // Whoever asked for one before has it.
    if (frame.keyFrame) while (this.rtp.pollEvent() !== undefined);
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
    if (!isAuxiliary) this.useCodec(codec)
    rewriter = this.#rewriter ??= this.#createRewriter(now)
    rewriter.dependencyDescriptorId = translation.dependencyDescriptorId
    const { ssrc } = packet
    if (ssrc !== rewriter.source && ssrc !== rewriter.awaitedSource) rewriter.switchTo(ssrc)
    for (let out = rewriter.rewrite(packet, now); out !== undefined; out = rewriter.poll()) {
      out.extensions = translation.translate(out)
      this.rtp.writePacket(out, now)
      // The stream has written the payload type of its codec; an event or comfort noise has another.
      out.payloadType = codec.payloadType
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
    this.#setWire()
  }
}

function sameWire(a: Wire, b: Wire): boolean {
  return (
    a.active === b.active &&
    a.payloadType === b.payloadType &&
    a.clockRate === b.clockRate &&
    a.format === b.format &&
    a.nack === b.nack &&
    a.rtx?.ssrc === b.rtx?.ssrc &&
    a.rtx?.payloadType === b.rtx?.payloadType &&
    sameParameters(a.formatParameters, b.formatParameters)
  )
}

function sameParameters(a: Parameters | undefined, b: Parameters | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.size !== b.size) return false
  for (const [name, value] of a) if (b.get(name) !== value) return false
  return true
}

function isActive(parameters: SendParameters, init: EncodingParameters): boolean {
  return parameters.active !== false && init.active !== false
}
