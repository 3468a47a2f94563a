/** What is sent in one m= section: a track's frames or packets, in one stream or in simulcast layers. */
import type { RtpPacket } from '@kaon/rtp'
import { payloadFormat, type EncodedFrame } from '@kaon/rtp/formats'
import type { OutboundStats } from '@kaon/rtp/stream'
import { isAuxiliary, matchCodec } from './codec-match.ts'
import { ExtensionTranslation } from './header-extensions.ts'
import type { MediaContext } from './media-context.ts'
import { trackCore, type MediaStreamTrack } from './media-stream-track.ts'
import type { EncodingParameters, MediaCodec, SendParameters } from './parameters.ts'
import type { Picture } from './picture.ts'
import type { Forwarding, SenderEncoding } from './sender-encoding.ts'
import type { TrackCore } from './track-core.ts'
import type { TrackEncoding, TrackSink } from './track-source.ts'

/** One sent stream, for statistics. */
export interface SenderStats {
  readonly mid: string
  readonly kind: 'audio' | 'video'
  readonly ssrc: number
  readonly rtxSsrc: number | undefined
  readonly rid: string | undefined
  readonly active: boolean
  readonly codec: MediaCodec
  readonly picture: Picture | undefined
  readonly stats: Readonly<OutboundStats>
}

/** Frames and packets that were not sent, by reason. */
export interface SenderDrops {
  /** The transport has no keys yet. */
  notConnected: number
  /** The direction, the track's absence of a codec, or `setParameters` keeps it from being sent. */
  inactive: number
  /** No negotiated codec is what the track is made of. */
  codec: number
  /** No encoding of that name. */
  rid: number
  /** Video begins with a key frame. */
  keyFrame: number
}

/** What the transport does for its senders. */
export interface MediaSenderOwner {
  touchSender(encoding: SenderEncoding): void
  openEncoding(
    mid: string,
    parameters: SendParameters,
    init: EncodingParameters,
    codec: MediaCodec,
    sender: MediaSender,
  ): SenderEncoding
  closeEncoding(encoding: SenderEncoding): void
  removeSender(sender: MediaSender): void
}

export class MediaSender implements TrackSink {
  readonly mid: string
  readonly dropped: SenderDrops = { notConnected: 0, inactive: 0, codec: 0, rid: 0, keyFrame: 0 }
  readonly #context: MediaContext
  readonly #transport: MediaSenderOwner
  #parameters: SendParameters
  #encodings: SenderEncoding[] = []
  #track: MediaStreamTrack | null = null
  #core: TrackCore | undefined
  #sink: TrackSink = this
  /** Of a local track's frames. */
  #codec: MediaCodec | undefined
  /** Null: no codec of ours is that. */
  #forwardings = new Map<TrackEncoding, Forwarding | null>()
  #layer: string | undefined
  #lastTimestamp: number | undefined
  #isRemoved = false

  /** `MediaTransport.addSender` makes senders. */
  constructor(context: MediaContext, transport: MediaSenderOwner, mid: string, parameters: SendParameters) {
    this.mid = mid
    this.#context = context
    this.#transport = transport
    this.#parameters = parameters
    this.#apply()
  }

  get parameters(): SendParameters {
    return this.#parameters
  }

  get encodings(): readonly SenderEncoding[] {
    return this.#encodings
  }

  get track(): MediaStreamTrack | null {
    return this.#track
  }

  /** What was negotiated again, or `setParameters`. An encoding whose SSRC stays goes on. */
  update(parameters: SendParameters): void {
    if (this.#isRemoved) return
    this.#parameters = parameters
    this.#apply()
  }

  #apply(): void {
    const { mid } = this
    const { codecs, encodings } = this.#parameters
    this.#forwardings.clear()
    this.#chooseCodec()
    const first = codecs.find(({ mimeType }) => !isAuxiliary(mimeType))
    const before = this.#encodings
    // Nothing was negotiated that could be sent: streams wait until something is.
    if (first === undefined) {
      for (const encoding of before) encoding.isActive = false
      return
    }
    this.#encodings = encodings.map((init) => {
      const known = before.find(({ ssrc }) => ssrc === init.ssrc)
      const codec = this.#codec ?? this.#sameCodec(known?.codec) ?? first
      if (known === undefined) return this.#transport.openEncoding(mid, this.#parameters, init, codec, this)
      if (known.update(mid, this.#parameters, init, codec)) this.#requestKeyFrame(known)
      this.#transport.touchSender(known)
      return known
    })
    for (const encoding of before) {
      if (!this.#encodings.includes(encoding)) this.#transport.closeEncoding(encoding)
    }
    for (const encoding of this.#encodings) if (!before.includes(encoding)) this.#requestKeyFrame(encoding)
  }

  #sameCodec(codec: MediaCodec | undefined): MediaCodec | undefined {
    return codec === undefined ? undefined : matchCodec(codec, this.#parameters.codecs)
  }

  #chooseCodec(): void {
    const source = this.#core?.source
    const { codecs } = this.#parameters
    if (source === undefined || source.isRemote) this.#codec = undefined
    else if (source.codec === undefined) this.#codec = codecs.find(({ mimeType }) => isFramed(mimeType))
    else {
      const codec = matchCodec(source.codec, codecs)
      this.#codec = codec !== undefined && isFramed(codec.mimeType) ? codec : undefined
      if (this.#codec === undefined) this.#traceMismatch(source.codec.mimeType)
    }
  }

  #traceMismatch(mimeType: string): void {
    this.#context.trace?.({ layer: 'rtp', name: 'codec-mismatch', data: { mid: this.mid, mimeType } })
  }

  /** What is sent from now on; null for nothing. Sequence numbers and timestamps go on. */
  setTrack(track: MediaStreamTrack | null): void {
    if (this.#isRemoved || track === this.#track) return
    this.#core?.unsubscribe(this.#sink)
    this.#track = track
    this.#core = track === null ? undefined : trackCore(track)
    this.#forwardings.clear()
    for (const encoding of this.#encodings) encoding.restart()
    this.#chooseCodec()
    if (this.#core === undefined) return
    if (this.#codec !== undefined) for (const encoding of this.#encodings) encoding.useCodec(this.#codec)
    // Packets of a remote track are forwarded as they are; whole frames are for those who decode or record.
    this.#sink = this.#core.source.isRemote ? { packet: (packet, from) => this.packet(packet, from) } : this
    this.#core.subscribe(this.#sink)
    for (const encoding of this.#encodings) this.#requestKeyFrame(encoding)
  }

  /** The layer of a simulcast source that is forwarded; undefined for whichever came first. */
  get layer(): string | undefined {
    return this.#layer
  }

  /**
   * Sends this layer of a simulcast source, from its next key frame on, which is asked for. Only with a single encoding: where
   * layers are sent, each gets its own.
   */
  selectLayer(rid: string | undefined): void {
    this.#layer = rid
    const encoding = this.#encodings[0]
    if (encoding !== undefined && rid !== undefined && encoding.layer !== rid) this.#core?.requestKeyFrame(rid)
  }

  /** A receiver cannot decode, or has nothing to begin with. */
  #requestKeyFrame(encoding: SenderEncoding): void {
    if (this.#core === undefined || !encoding.isActive || !this.#context.isWritable) return
    const layer = this.#encodings.length === 1 ? (this.#layer ?? encoding.layer) : undefined
    // A remote track has layers of its own, whatever ours is called.
    const isForwarded = this.#core.source.isRemote && this.#encodings.length === 1
    this.#core.requestKeyFrame(isForwarded ? layer : (layer ?? encoding.rid))
  }

  keyFrameRequestedBy(encoding: SenderEncoding): void {
    this.#context.trace?.({ layer: 'rtp', name: 'key-frame-requested', data: { mid: this.mid, ssrc: encoding.ssrc } })
    this.#requestKeyFrame(encoding)
  }

  /** There are keys now: what was not sent before cannot be decoded without a key frame. */
  becameWritable(): void {
    for (const encoding of this.#encodings) {
      if (encoding.awaitsKeyFrame) this.#requestKeyFrame(encoding)
    }
  }

  /** Ends the streams with a BYE. Idempotent. */
  remove(): void {
    if (this.#isRemoved) return
    this.setTrack(null)
    this.#isRemoved = true
    for (const encoding of this.#encodings) this.#transport.closeEncoding(encoding)
    this.#encodings = []
    this.#transport.removeSender(this)
  }

  stats(): SenderStats[] {
    const { mid } = this
    const { kind } = this.#parameters
    return this.#encodings.map(({ ssrc, rtxSsrc, rid, isActive, codec, picture, stats }) => {
      return { mid, kind, ssrc, rtxSsrc, rid, active: isActive, codec, picture, stats }
    })
  }

  // -- the track's calls

  frame(frame: EncodedFrame, rid: string | undefined): void {
    const isUnnamed = this.#encodings.length === 1 && this.#encodings[0]!.rid === undefined
    const encoding = this.#encodingOf(isUnnamed ? undefined : rid)
    if (encoding === undefined) return
    const before = encoding.layer
    if (isUnnamed && rid !== undefined && !this.#takesLayer(encoding, rid, frame.keyFrame)) {
      this.dropped.rid++
      return
    }
    // The picture of the layer before is the same one, and has the same time.
    const isTwice = encoding.layer !== before && frame.timestamp === this.#lastTimestamp
    this.#lastTimestamp = frame.timestamp
    const codec = this.#codec
    if (codec === undefined) {
      this.dropped.codec++
      return
    }
    const now = this.#context.now()
    const timed = isTwice ? { ...frame, timestamp: frame.timestamp + 1000 } : frame
    if (encoding.writeFrame(timed, codec, now)) this.#transport.touchSender(encoding)
    else this.dropped.keyFrame++
  }

  /** The peer wants no simulcast, and gets one layer of a track that has several. */
  #takesLayer(encoding: SenderEncoding, rid: string, isKeyFrame: boolean): boolean {
    if (rid === encoding.layer) return true
    if (!isKeyFrame || rid !== (this.#layer ?? encoding.layer ?? rid)) return false
    encoding.layer = rid
    return true
  }

  packet(packet: RtpPacket, from: TrackEncoding): void {
    const isSimulcast = this.#encodings.length > 1
    const encoding = this.#encodingOf(isSimulcast ? from.rid : undefined)
    if (encoding === undefined) return
    const forwarding = this.#forwarding(from)
    if (forwarding === null) {
      this.dropped.codec++
      return
    }
    const isWanted = isSimulcast || this.#wants(encoding, from.rid)
    encoding.forward(packet, from, forwarding, isWanted, this.#context.now())
    this.#transport.touchSender(encoding)
  }

  #wants(encoding: SenderEncoding, rid: string | undefined): boolean {
    if (this.#layer !== undefined) return rid === this.#layer
    // Whichever came first; its SSRC may change.
    return encoding.layer === undefined || rid === encoding.layer
  }

  #encodingOf(rid: string | undefined): SenderEncoding | undefined {
    const encoding = rid === undefined ? this.#encodings[0] : this.#encodings.find((other) => other.rid === rid)
    if (encoding === undefined) {
      if (this.#encodings.length === 0) this.dropped.inactive++
      else this.dropped.rid++
      return undefined
    }
    if (!encoding.isActive) {
      this.dropped.inactive++
      return undefined
    }
    if (!this.#context.isWritable) {
      this.dropped.notConnected++
      encoding.restart()
      return undefined
    }
    return encoding
  }

  #forwarding(from: TrackEncoding): Forwarding | null {
    let forwarding = this.#forwardings.get(from)
    if (forwarding !== undefined) return forwarding
    const { codecs, headerExtensions } = this.#parameters
    const codec = matchCodec(from.codec, codecs)
    if (codec === undefined) this.#traceMismatch(from.codec.mimeType)
    forwarding =
      codec === undefined
        ? null
        : {
            codec,
            isAuxiliary: isAuxiliary(codec.mimeType),
            translation: new ExtensionTranslation(from.extensions, headerExtensions),
          }
    // A peer that changes its SSRC again and again makes new ones.
    if (this.#forwardings.size >= 64) this.#forwardings.clear()
    this.#forwardings.set(from, forwarding)
    return forwarding
  }
}

/** There is a payload format that puts its frames into packets. */
function isFramed(mimeType: string): boolean {
  return payloadFormat(mimeType) !== undefined
}
