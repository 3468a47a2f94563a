/** What is received in one m= section: its streams, and the source of the track that they make. */
import { headerExtensionUris, sequenceDistance, type RtpPacket } from '@kaon/rtp'
import type { ReceivedFrame } from '@kaon/rtp/formats'
import type { InboundStats } from '@kaon/rtp/stream'
import { idOf } from './header-extensions.ts'
import type { MediaContext } from './media-context.ts'
import type { MediaCodec, ReceiveParameters, RemoteSource } from './parameters.ts'
import { HeardSources } from './heard-sources.ts'
import type { Picture } from './picture.ts'
import { ReceiverStream, type ReceiverStreamOwner } from './receiver-stream.ts'
import type { TrackEncoding, TrackSource, TrackSourceOwner } from './track-source.ts'

/** Streams of a section: simulcast layers, and what a peer leaves behind that changes its SSRC again and again. */
export const MAX_STREAMS = 16

/** How far behind its source's end a packet may be to be called late. */
const MAX_LATE = 1000

/** ms after which a stream is not thought to want retransmissions any more. */
const MAX_SILENCE = 2000

/** Where a packet belongs: a stream, or why there is none. `hold`: it may be known later. */
export type StreamLookup = ReceiverStream | 'hold' | 'rid' | 'payload-type' | 'late'

/** One received stream, for statistics. */
export interface ReceiverStats {
  readonly mid: string
  readonly kind: 'audio' | 'video'
  readonly ssrc: number
  readonly rtxSsrc: number | undefined
  readonly fecSsrc: number | undefined
  readonly rid: string | undefined
  readonly codec: MediaCodec | undefined
  readonly picture: Picture | undefined
  readonly stats: Readonly<InboundStats>
}

/** What the transport does for its receivers. */
export interface MediaReceiverOwner {
  /** The stream has something for the next drain. */
  touchReceiver(stream: ReceiverStream): void
  /** A stream is no more: forget its SSRCs. */
  streamClosed(stream: ReceiverStream): void
  /** Retransmissions come from another SSRC from now on. */
  forgetSsrc(ssrc: number): void
  /** Payload types, extensions or sources are others: look at held packets again. */
  parametersChanged(receiver: MediaReceiver): void
  removeReceiver(receiver: MediaReceiver): void
}

export class MediaReceiver implements ReceiverStreamOwner, TrackSourceOwner {
  readonly mid: string
  readonly midBytes: Uint8Array
  readonly source: TrackSource
  readonly heard: HeardSources = new HeardSources()
  /** The first packet of a stream came. Called in the middle of a drain. */
  onSsrc: ((ssrc: number, rid: string | undefined) => void) | undefined
  extensions: ReadonlyMap<number, string> = new Map()
  midId: number | undefined
  ridId: number | undefined
  repairedRidId: number | undefined
  readonly #context: MediaContext
  readonly #transport: MediaReceiverOwner
  readonly #streams: ReceiverStream[] = []
  #parameters: ReceiveParameters
  /** The highest sequence number of those that said goodbye: what was on the way then is no new beginning. */
  readonly #gone = new Map<number, number>()
  #isRemoved = false

  /** `MediaTransport.addReceiver` makes receivers. */
  constructor(
    context: MediaContext,
    transport: MediaReceiverOwner,
    mid: string,
    parameters: ReceiveParameters,
    source: TrackSource,
  ) {
    this.mid = mid
    this.midBytes = new TextEncoder().encode(mid)
    this.source = source
    this.#context = context
    this.#transport = transport
    this.#parameters = parameters
    this.#readExtensions()
    source.owner = this
  }

  get parameters(): ReceiveParameters {
    return this.#parameters
  }

  get isActive(): boolean {
    return this.#parameters.active !== false
  }

  get streams(): readonly ReceiverStream[] {
    return this.#streams
  }

  #readExtensions(): void {
    const { headerExtensions } = this.#parameters
    this.extensions = new Map(headerExtensions.map(({ id, uri }) => [id, uri]))
    this.midId = idOf(headerExtensions, headerExtensionUris.mid)
    this.ridId = idOf(headerExtensions, headerExtensionUris.rid)
    this.repairedRidId = idOf(headerExtensions, headerExtensionUris.repairedRid)
  }

  /** What was negotiated again. Streams whose SSRC or rid goes on go on. */
  update(parameters: ReceiveParameters): void {
    if (this.#isRemoved) return
    this.#parameters = parameters
    this.#readExtensions()
    const { rids = [] } = parameters
    for (const stream of this.#streams.slice()) {
      if (stream.rid !== undefined && !rids.includes(stream.rid)) this.#close(stream)
      else stream.parametersChanged()
    }
    if (!this.isActive) this.source.setMuted(true)
    this.#transport.parametersChanged(this)
  }

  /** The section has ended, or moves to another transport. The source lives on, muted, for its track to be ended by whoever made it. */
  remove(): void {
    if (this.#isRemoved) return
    this.release()
    this.source.setMuted(true)
  }

  /** The same without a word: the connection is closed. */
  release(): void {
    if (this.#isRemoved) return
    this.#isRemoved = true
    for (const stream of this.#streams.slice()) this.#close(stream)
    if (this.source.owner === this) this.source.owner = undefined
    this.#transport.removeReceiver(this)
  }

  stats(): ReceiverStats[] {
    const { mid, source } = this
    return this.#streams.map(({ ssrc, rtxSsrc, fecSsrc, rid, codec, picture, stats }) => ({
      mid,
      kind: source.kind,
      ssrc,
      rtxSsrc,
      fecSsrc,
      rid,
      codec,
      picture,
      stats,
    }))
  }

  // -- finding the stream of a packet

  lookup(packet: RtpPacket, now: number): StreamLookup {
    const { ssrc } = packet
    for (const stream of this.#streams) {
      if (stream.ssrc === ssrc || stream.rtxSsrc === ssrc || stream.fecSsrc === ssrc) return stream
    }
    const goodbye = this.#gone.get(ssrc)
    if (goodbye !== undefined) {
      const ahead = sequenceDistance(packet.sequenceNumber, goodbye)
      if (ahead <= 0 && ahead > -MAX_LATE) return 'late'
    }
    const { rids = [], sources = [], codecs } = this.#parameters
    const isSimulcast = rids.length > 0
    if (isSimulcast) {
      const rid = this.#text(packet, this.ridId)
      if (rid !== undefined) return rids.includes(rid) ? this.#layer(packet, rid, now) : 'rid'
      const repaired = this.#text(packet, this.repairedRidId)
      if (repaired !== undefined) return rids.includes(repaired) ? this.#repairOfLayer(ssrc, repaired) : 'rid'
    }
    const isRtx = codecs.some((codec) => codec.rtxPayloadType === packet.payloadType)
    if (!isRtx && !codecs.some((codec) => codec.payloadType === packet.payloadType)) return 'payload-type'
    if (isSimulcast) return isRtx ? this.#onlyWithoutRtx(ssrc, now) : 'hold'
    const declared = sources.find(({ ssrc: primary, rtxSsrc, fecSsrc }) => {
      return primary === ssrc || rtxSsrc === ssrc || fecSsrc === ssrc
    })
    if (declared !== undefined) return this.#open(declared, undefined, now)
    return isRtx ? this.#onlyWithoutRtx(ssrc, now) : this.#open({ ssrc }, undefined, now)
  }

  #text(packet: RtpPacket, id: number | undefined): string | undefined {
    const data = id === undefined ? undefined : packet.extension(id)
    if (data === undefined) return undefined
    let text = ''
    for (let i = 0; i < data.length; i++) text += String.fromCharCode(data[i]!)
    return text
  }

  #layer(packet: RtpPacket, rid: string, now: number): ReceiverStream {
    // A layer whose SSRC is another one began anew.
    const previous = this.#streams.find((stream) => stream.rid === rid)
    if (previous !== undefined) this.#close(previous)
    const declared = this.#parameters.sources?.find(({ ssrc }) => ssrc === packet.ssrc)
    return this.#open(declared ?? { ssrc: packet.ssrc }, rid, now)
  }

  #repairOfLayer(ssrc: number, rid: string): StreamLookup {
    const stream = this.#streams.find((other) => other.rid === rid)
    if (stream === undefined) return 'hold'
    if (stream.rtxSsrc !== undefined) this.#transport.forgetSsrc(stream.rtxSsrc)
    stream.setRtxSsrc(ssrc)
    return stream
  }

  /** RFC 4588 §5.3: one stream that could have retransmissions, and one source of them. */
  #onlyWithoutRtx(ssrc: number, now: number): StreamLookup {
    const candidates = this.#streams.filter((stream) => {
      return stream.rtxSsrc === undefined && now - stream.lastPacketAt < MAX_SILENCE
    })
    if (candidates.length !== 1) return 'hold'
    candidates[0]!.setRtxSsrc(ssrc)
    return candidates[0]!
  }

  #open(source: RemoteSource, rid: string | undefined, now: number): ReceiverStream {
    if (this.#streams.length >= MAX_STREAMS) this.#close(this.#longestSilent())
    const { ssrc, rtxSsrc, fecSsrc } = source
    const stream = new ReceiverStream(this.#context, this, { ssrc, rid, rtxSsrc, fecSsrc }, now)
    this.#streams.push(stream)
    this.#context.trace?.({ layer: 'rtp', name: 'stream', data: { mid: this.mid, ssrc, rid } })
    this.onSsrc?.(ssrc, rid)
    return stream
  }

  #longestSilent(): ReceiverStream {
    return this.#streams.reduce((a, b) => (b.lastPacketAt < a.lastPacketAt ? b : a))
  }

  #close(stream: ReceiverStream): void {
    const index = this.#streams.indexOf(stream)
    if (index < 0) return
    this.#streams.splice(index, 1)
    stream.close()
    this.#transport.streamClosed(stream)
  }

  // -- the streams' calls

  packet(packet: RtpPacket, encoding: TrackEncoding): void {
    if (!this.isActive) return
    if (this.source.muted) this.source.setMuted(false)
    this.heard.note(packet, encoding, this.#context.now())
    this.source.packet(packet, encoding)
  }

  frame(frame: ReceivedFrame): void {
    if (this.isActive) this.source.frame(frame, frame.rid)
  }

  /** W3C WebRTC 1.0 §5.3: with the last of its sources a track is muted. */
  bye(stream: ReceiverStream): void {
    this.#close(stream)
    if (this.#gone.size >= MAX_STREAMS) this.#gone.delete(this.#gone.keys().next().value!)
    this.#gone.set(stream.ssrc, stream.highestSequenceNumber)
    if (this.#streams.length === 0) this.source.setMuted(true)
  }

  // -- the source's calls

  requestKeyFrame(rid: string | undefined): void {
    const now = this.#context.now()
    for (const stream of this.#streams) {
      if (rid === undefined ? this.#isSuperseded(stream) : stream.rid !== rid) continue
      stream.rtp.requestKeyFrame(now)
      this.#transport.touchReceiver(stream)
    }
  }

  /** A source without layers that goes on under another SSRC. */
  #isSuperseded(stream: ReceiverStream): boolean {
    return stream.rid === undefined && this.#streams.some((other) => other.lastPacketAt > stream.lastPacketAt)
  }
}
