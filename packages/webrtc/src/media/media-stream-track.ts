/** mediacapture-main §4.3, with encoded media instead of a camera. */
import { RtpPacket } from '@kaon/rtp'
import type { EncodedFrame, ReceivedFrame } from '@kaon/rtp/formats'
import { defineInterface } from '../interface.ts'
import { domError } from '../rtc-error.ts'
import type { Handler, RTCEventInit } from '../types.ts'
import { toDictionary, toDOMString, toEnum } from '../webidl.ts'
import { localCodecs, type LocalCodecInit, type LocalCodecs } from './local-codecs.ts'
import { FrameQueue, PacketQueue, type MediaQueueOptions } from './media-queue.ts'
import { TrackCore } from './track-core.ts'
import { listenerSink, type TrackListener } from './track-listener.ts'
import { TrackSource } from './track-source.ts'

export interface MediaStreamTrackInit {
  kind: 'audio' | 'video'
  /**
   * What the frames or packets are: `video/VP8` and its like, or with its parameters. Several, each with its payload
   * type, for a track of packets that changes between them. Default: whatever the sender negotiated first.
   */
  codec?: string | LocalCodecInit | readonly LocalCodecInit[]
  /** Default: a random UUID. */
  id?: string
  label?: string
}

/** A frame that is written to a track. */
export interface TrackFrame extends EncodedFrame {
  /** The simulcast layer that the frame belongs to. Default: the first. */
  readonly rid?: string
}

/** Makes a facade for a core that exists: remote tracks, and clones. */
interface ExistingTrack {
  readonly core: TrackCore
  readonly id: string
  readonly label: string
}

const EXISTING: unique symbol = Symbol('existing')
const CONTENT_HINTS = { audio: ['', 'speech', 'speech-recognition', 'music'], video: ['', 'motion', 'detail', 'text'] }

let coreOf: (track: MediaStreamTrack) => TrackCore

/**
 * A track of encoded media. Browsers have no constructor for it; here it makes a local track, which takes the frames of an
 * encoder or a file (`writeFrame`) or RTP packets (`writeRtp`) and gives them to every sender that it is added to. A remote
 * track, which the `track` event brings, gives frames and packets; added to other senders it is forwarded without decoding.
 *
 * While `enabled` is false nothing is passed on, neither silence nor black frames, since there is no encoder here to
 * make them; video continues with a key frame, which is asked for.
 */
export class MediaStreamTrack extends EventTarget {
  declare onmute: Handler<MediaStreamTrack>
  declare onunmute: Handler<MediaStreamTrack>
  declare onended: Handler<MediaStreamTrack>
  /** Extension, local tracks: a receiver cannot decode and waits for a key frame. */
  declare onkeyframerequest: Handler<MediaStreamTrack, KeyFrameRequestEvent>
  readonly #core: TrackCore
  readonly #codecs: LocalCodecs | undefined
  readonly #id: string
  readonly #label: string
  #contentHint = ''
  #constraints: object = {}

  static {
    coreOf = (track) => track.#core
  }

  /** Throws `TypeError` when `kind` or `codec` is none. */
  constructor(init: MediaStreamTrackInit) {
    super()
    const existing = (init as { [EXISTING]?: ExistingTrack } | undefined)?.[EXISTING]
    if (existing !== undefined) {
      this.#core = existing.core
      this.#id = existing.id
      this.#label = existing.label
      this.#codecs = (init as { codecs?: LocalCodecs }).codecs
    } else {
      const { kind, codec, id, label } = toDictionary(init, 'MediaStreamTrackInit')
      if (kind === undefined) throw new TypeError('MediaStreamTrackInit needs kind')
      const checked = toEnum(kind, ['audio', 'video'], kind, 'kind')
      this.#codecs = localCodecs(checked, codec)
      this.#core = new TrackCore(new TrackSource(checked, false, this.#codecs.first))
      this.#id = id === undefined ? crypto.randomUUID() : toDOMString(id)
      this.#label = label === undefined ? '' : toDOMString(label)
    }
    this.#core.onEvent = (type, rid) => this.#queueEvent(type, rid)
  }

  /** "Queue a task" is a microtask here: the call that led to it (a drain, a write) has come to its end. */
  #queueEvent(type: string, rid: string | undefined): void {
    queueMicrotask(() => {
      const isRequest = type === 'keyframerequest'
      this.dispatchEvent(isRequest ? new KeyFrameRequestEvent(type, { rid: rid ?? null }) : new Event(type))
    })
  }

  get kind(): 'audio' | 'video' {
    return this.#core.source.kind
  }

  get id(): string {
    return this.#id
  }

  get label(): string {
    return this.#label
  }

  get enabled(): boolean {
    return this.#core.enabled
  }

  set enabled(value: boolean) {
    this.#core.enabled = Boolean(value)
  }

  /** Of a remote track: nothing comes at present. */
  get muted(): boolean {
    return this.#core.muted
  }

  get readyState(): 'live' | 'ended' {
    return this.#core.isEnded ? 'ended' : 'live'
  }

  /** https://w3c.github.io/mst-content-hint: kept, and without effect on what is encoded already. */
  get contentHint(): string {
    return this.#contentHint
  }

  set contentHint(value: string) {
    const hint = toDOMString(value)
    if (CONTENT_HINTS[this.kind].includes(hint)) this.#contentHint = hint
  }

  /** A track of its own on the same source. */
  clone(): MediaStreamTrack {
    const core = new TrackCore(this.#core.source)
    // §4.3.1: a clone has the state of the original.
    if (this.#core.isEnded) core.stop()
    core.enabled = this.#core.enabled
    const copy = facade(core, crypto.randomUUID(), this.#label, this.#codecs)
    copy.#contentHint = this.#contentHint
    copy.#constraints = this.#constraints
    return copy
  }

  /** The source ends with the last of its tracks. No event follows. */
  stop(): void {
    this.#core.stop()
  }

  /** Nothing can be constrained: the media is encoded when it comes here. */
  getCapabilities(): object {
    return {}
  }

  getConstraints(): object {
    return this.#constraints
  }

  getSettings(): object {
    return {}
  }

  /** Kept for `getConstraints`. */
  applyConstraints(constraints: object = {}): Promise<void> {
    this.#constraints = { ...constraints }
    return Promise.resolve()
  }

  // -- extensions: local tracks

  /** MIME type of what a local track is made of, when it is known. */
  get codec(): string | undefined {
    return this.#core.source.codec?.mimeType
  }

  /**
   * Local tracks: gives a frame to every sender of the track, which sends it at once. `timestamp` is on an axis of the
   * source's own and tells when the frame is shown, relative to others. The payload belongs to the track from here on.
   * Ignored when the track has ended. Throws `InvalidStateError` for a remote track.
   */
  writeFrame(frame: TrackFrame): void {
    this.#local()
    if (!this.#core.source.ended && !this.#core.isEnded) this.#core.source.frame(frame, frame.rid)
  }

  /**
   * Local tracks: gives an RTP packet, taken apart or as bytes, to every sender of the track. SSRC, payload type, sequence
   * numbers and timestamps are rewritten; its payload type tells which of the track's codecs it is, when there are
   * several. Bytes that are no RTP packet are ignored. Throws `InvalidStateError` for a remote track.
   */
  writeRtp(packet: RtpPacket | Uint8Array): void {
    const codecs = this.#local()
    if (this.#core.source.ended || this.#core.isEnded) return
    const parsed = packet instanceof Uint8Array ? codecs.parse(packet) : packet
    const encoding = parsed === undefined ? undefined : codecs.encoding(parsed.payloadType)
    if (encoding !== undefined) this.#core.source.packet(parsed!, encoding)
  }

  #local(): LocalCodecs {
    if (this.#codecs === undefined) throw domError('InvalidStateError', 'A remote track cannot be written to')
    return this.#codecs
  }

  // -- extensions: remote tracks

  /**
   * Remote tracks: an iterator over complete frames in decoding order, from now until the track ends. When they are not
   * read fast enough the oldest are dropped, video up to the next key frame. Throws `InvalidStateError` for a local track.
   */
  frames(options: MediaQueueOptions = {}): AsyncIterableIterator<ReceivedFrame> {
    this.#remote()
    return new FrameQueue(this.#core, options)
  }

  /** Remote tracks: an iterator over RTP packets as they arrive. The oldest are dropped when they are not read. */
  packets(options: MediaQueueOptions = {}): AsyncIterableIterator<RtpPacket> {
    this.#remote()
    return new PacketQueue(this.#core, options)
  }

  /** Remote tracks: calls a listener with frames or packets, until the function that is returned is called. */
  listen(listener: TrackListener): () => void {
    this.#remote()
    const sink = listenerSink(listener)
    this.#core.subscribe(sink)
    return () => {
      sink.stop()
      this.#core.unsubscribe(sink)
    }
  }

  #remote(): void {
    if (this.#codecs !== undefined) throw domError('InvalidStateError', 'A local track is written to, not read')
  }

  /** Asks whoever encodes for a key frame, of one simulcast layer or of all: the peer, or of a local track its application. */
  requestKeyFrame(rid: string | undefined = undefined): void {
    this.#core.requestKeyFrame(rid)
  }
}

function facade(core: TrackCore, id: string, label: string, codecs: LocalCodecs | undefined): MediaStreamTrack {
  const init = { [EXISTING]: { core, id, label } satisfies ExistingTrack, codecs }
  return new MediaStreamTrack(init as unknown as MediaStreamTrackInit)
}

/** The track of a receiver. */
export function createRemoteTrack(source: TrackSource, id: string, label = ''): MediaStreamTrack {
  return facade(new TrackCore(source), id, label, undefined)
}

export function trackCore(track: MediaStreamTrack): TrackCore {
  return coreOf(track)
}

export interface KeyFrameRequestEventInit extends RTCEventInit {
  rid?: string | null
}

/** Extension: fired at a local track. `rid` is the simulcast layer, null for the first or only one. */
export class KeyFrameRequestEvent extends Event {
  readonly #rid: string | null

  constructor(type: string, init: KeyFrameRequestEventInit = {}) {
    super(type, init)
    this.#rid = init.rid ?? null
  }

  get rid(): string | null {
    return this.#rid
  }
}

defineInterface(MediaStreamTrack, 'MediaStreamTrack', { handlers: ['mute', 'unmute', 'ended', 'keyframerequest'] })
defineInterface(KeyFrameRequestEvent, 'KeyFrameRequestEvent')
