/** One received RTP stream of a section: a source with its retransmissions and repairs. */
import { sequenceDistance, type RtcpPacket, type RtpPacket } from '@kaon/rtp'
import { payloadFormat, type ReceivedFrame } from '@kaon/rtp/formats'
import { RtpReceiveStream, type InboundStats, type ReceiveCodec } from '@kaon/rtp/stream'
import type { MediaContext } from './media-context.ts'
import type { MediaCodec, ReceiveParameters } from './parameters.ts'
import { Picture } from './picture.ts'
import type { TrackEncoding } from './track-source.ts'

/** What a stream calls, in the middle of a drain. */
export interface ReceiverStreamOwner {
  readonly parameters: ReceiveParameters
  readonly extensions: ReadonlyMap<number, string>
  packet(packet: RtpPacket, encoding: TrackEncoding): void
  frame(frame: ReceivedFrame): void
  bye(stream: ReceiverStream): void
}

export class ReceiverStream {
  readonly ssrc: number
  readonly rid: string | undefined
  readonly rtp: RtpReceiveStream
  rtxSsrc: number | undefined
  readonly fecSsrc: number | undefined
  /** Of video. */
  readonly picture: Picture | undefined
  /** In the list of what the next drain looks at. */
  isTouched = false
  /** Nothing has come yet. */
  isNew = true
  /** Monotonic ms */
  lastPacketAt: number
  /** Of the media. */
  highestSequenceNumber = 0
  /** Of the last media packet. */
  payloadType: number | undefined
  readonly #owner: ReceiverStreamOwner
  readonly #encodings = new Map<number, TrackEncoding | undefined>()

  constructor(
    context: MediaContext,
    owner: ReceiverStreamOwner,
    source: { ssrc: number; rid: string | undefined; rtxSsrc: number | undefined; fecSsrc: number | undefined },
    now: number,
  ) {
    const { parameters } = owner
    this.ssrc = source.ssrc
    this.rid = source.rid
    this.rtxSsrc = source.rtxSsrc
    this.fecSsrc = source.fecSsrc
    this.lastPacketAt = now
    this.#owner = owner
    if (parameters.kind === 'video') this.picture = new Picture()
    const payloadTypeOf = (name: RegExp): number | undefined =>
      parameters.codecs.find((codec) => name.test(codec.mimeType))?.payloadType
    const redPayloadType = payloadTypeOf(/\/red$/i)
    const ulpFecPayloadType = payloadTypeOf(/\/ulpfec$/i)
    const flexFec = payloadTypeOf(/\/flexfec(-03)?$/i)
    this.rtp = new RtpReceiveStream({
      now,
      // A packet that was held came earlier than now.
      wallClock: context.wallClock() - (context.now() - now),
      random: context.random,
      ssrc: source.ssrc,
      localSsrc: context.localSsrc,
      kind: parameters.kind,
      codecs: receiveCodecs(parameters.codecs),
      cname: parameters.cname,
      reducedSize: parameters.rtcpReducedSize,
      receiverReferenceTime: parameters.receiverReferenceTime === true,
      ...(source.rid === undefined ? {} : { rid: source.rid }),
      ...(source.rtxSsrc === undefined ? {} : { rtxSsrc: source.rtxSsrc }),
      ...(redPayloadType === undefined ? {} : { redPayloadType }),
      ...(ulpFecPayloadType === undefined ? {} : { ulpFecPayloadType }),
      ...(source.fecSsrc === undefined || flexFec === undefined
        ? {}
        : { flexFec: { ssrc: source.fecSsrc, payloadType: flexFec } }),
    })
    if (context.roundTripTime !== undefined) this.rtp.setRoundTripTime(context.roundTripTime)
  }

  get stats(): InboundStats {
    return this.rtp.stats
  }

  get codec(): MediaCodec | undefined {
    return this.#owner.parameters.codecs.find((codec) => codec.payloadType === this.payloadType)
  }

  /** Whose retransmissions they are was learned from the packets (RFC 4588 §5.3, RFC 8852 §3.2). */
  setRtxSsrc(ssrc: number): void {
    this.rtxSsrc = ssrc
    this.rtp.setRtxSsrc(ssrc)
  }

  parametersChanged(): void {
    this.#encodings.clear()
    this.rtp.setCodecs(receiveCodecs(this.#owner.parameters.codecs))
  }

  close(): void {
    this.rtp.close()
  }

  receive(packet: RtpPacket, now: number): void {
    const { sequenceNumber } = packet
    if (packet.ssrc === this.ssrc) {
      if (this.isNew || sequenceDistance(sequenceNumber, this.highestSequenceNumber) > 0) {
        this.highestSequenceNumber = sequenceNumber
      }
    }
    this.isNew = false
    this.lastPacketAt = now
    this.rtp.receive(packet, now)
  }

  receiveRtcp(packet: RtcpPacket, now: number): void {
    this.rtp.receiveRtcp(packet, now)
  }

  /** Hands on what came since the last time. */
  deliver(): void {
    for (let event = this.rtp.pollEvent(); event !== undefined; event = this.rtp.pollEvent()) {
      if (event.type === 'packet') {
        const { packet } = event
        this.payloadType = packet.payloadType
        const encoding = this.#encoding(packet.payloadType)
        if (encoding !== undefined) this.#owner.packet(packet, encoding)
      } else if (event.type === 'frame') {
        const { frame } = event
        this.picture?.note(frame, frame.mimeType, frame.receiveTime)
        this.#owner.frame(frame)
      } else {
        this.#owner.bye(this)
      }
    }
  }

  #encoding(payloadType: number): TrackEncoding | undefined {
    if (this.#encodings.has(payloadType)) return this.#encodings.get(payloadType)
    const codec = this.#owner.parameters.codecs.find((other) => other.payloadType === payloadType)
    const encoding =
      codec === undefined
        ? undefined
        : { rid: this.rid, codec, format: payloadFormat(codec.mimeType), extensions: this.#owner.extensions }
    // At most 128 payload types.
    this.#encodings.set(payloadType, encoding)
    return encoding
  }
}

function receiveCodecs(codecs: readonly MediaCodec[]): ReceiveCodec[] {
  return codecs.map((codec) => {
    const format = payloadFormat(codec.mimeType)
    return {
      payloadType: codec.payloadType,
      mimeType: codec.mimeType,
      clockRate: codec.clockRate,
      parameters: codec.parameters,
      nack: codec.feedback.includes('nack'),
      pli: codec.feedback.includes('nack pli'),
      fir: codec.feedback.includes('ccm fir'),
      ...(format === undefined ? {} : { format }),
      ...(codec.rtxPayloadType === undefined ? {} : { rtxPayloadType: codec.rtxPayloadType }),
    }
  })
}
