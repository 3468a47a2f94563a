/** Where the media of a track comes from, and what it can go to. Encoded media all the way: nothing here decodes. */
import type { RtpPacket } from '@kaon/rtp'
import type { EncodedFrame, PayloadFormat } from '@kaon/rtp/formats'

/** A codec as a payload type stands for it. */
export interface TrackCodec {
  /** `video/VP8` and its like. */
  readonly mimeType: string
  /** Hz of the RTP clock. */
  readonly clockRate: number
  readonly channels?: number
  /** Of `a=fmtp`, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** What a packet of a track is made of; one object for all packets of one encoding and payload type. */
export interface TrackEncoding {
  /** The RTP stream id (RFC 8852) of a simulcast layer. */
  readonly rid: string | undefined
  readonly codec: TrackCodec
  readonly format: PayloadFormat | undefined
  /** URIs of the header extensions that the packets carry, by id. */
  readonly extensions: ReadonlyMap<number, string>
}

/** What is called with the media of a track, in the middle of a drain: take note, run no application code. */
export interface TrackSink {
  frame?(frame: EncodedFrame, rid: string | undefined): void
  /** `packet` and its payload are shared by all sinks: read, clone, do not write. */
  packet?(packet: RtpPacket, encoding: TrackEncoding): void
  /** No media will come any more. */
  ended?(): void
  muteChanged?(): void
  keyFrameRequested?(rid: string | undefined): void
}

const NO_SINKS: readonly TrackSink[] = []

/** Sinks in an array that is replaced when it changes: a sink may come or go while media is handed out. */
export class SinkList {
  sinks: readonly TrackSink[] = NO_SINKS

  add(sink: TrackSink): void {
    if (!this.sinks.includes(sink)) this.sinks = [...this.sinks, sink]
  }

  /** True when it was there. */
  delete(sink: TrackSink): boolean {
    if (!this.sinks.includes(sink)) return false
    this.sinks = this.sinks.filter((other) => other !== sink)
    return true
  }
}

/** What a source asks its owner for: the receiver of a remote track. */
export interface TrackSourceOwner {
  /** Someone cannot decode. Merged and rate limited below. `rid`: that layer only. */
  requestKeyFrame(rid: string | undefined): void
  /** The last track on this source was stopped. */
  stopped?(): void
}

/** One source of encoded media. A track and its clones share it. */
export class TrackSource {
  readonly kind: 'audio' | 'video'
  readonly isRemote: boolean
  /** What local frames are; undefined for "whatever the sender negotiated first", and for remote sources. */
  readonly codec: TrackCodec | undefined
  /** A remote source's: its receiver. */
  owner: TrackSourceOwner | undefined
  /** No media comes at present (mediacapture-main §4.3.1.1). */
  muted: boolean
  ended = false
  /** Tracks. */
  readonly #tracks = new SinkList()

  constructor(kind: 'audio' | 'video', isRemote: boolean, codec?: TrackCodec) {
    this.kind = kind
    this.isRemote = isRemote
    this.codec = codec
    this.muted = isRemote
  }

  attach(track: TrackSink): void {
    this.#tracks.add(track)
  }

  detach(track: TrackSink): void {
    if (this.#tracks.delete(track) && this.#tracks.sinks.length === 0) this.owner?.stopped?.()
  }

  frame(frame: EncodedFrame, rid: string | undefined): void {
    const { sinks } = this.#tracks
    for (let i = 0; i < sinks.length; i++) sinks[i]!.frame?.(frame, rid)
  }

  packet(packet: RtpPacket, encoding: TrackEncoding): void {
    const { sinks } = this.#tracks
    for (let i = 0; i < sinks.length; i++) sinks[i]!.packet?.(packet, encoding)
  }

  /** A remote source asks the peer; a local one tells its tracks, whose application has the encoder. */
  requestKeyFrame(rid: string | undefined): void {
    if (this.ended || this.kind === 'audio') return
    if (this.isRemote) this.owner?.requestKeyFrame(rid)
    else for (const track of this.#tracks.sinks) track.keyFrameRequested?.(rid)
  }

  setMuted(muted: boolean): void {
    if (this.muted === muted || this.ended) return
    this.muted = muted
    for (const track of this.#tracks.sinks) track.muteChanged?.()
  }

  /** The source gives nothing any more: its tracks end, with an event. */
  end(): void {
    if (this.ended) return
    this.ended = true
    for (const track of this.#tracks.sinks) track.ended?.()
  }
}
