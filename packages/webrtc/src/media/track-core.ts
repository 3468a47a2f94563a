/** What a `MediaStreamTrack` is inside: its state, and the way of the media from its source to whatever takes it. */
import type { RtpPacket } from '@kaon/rtp'
import type { EncodedFrame } from '@kaon/rtp/formats'
import { SinkList, type TrackEncoding, type TrackSink, type TrackSource } from './track-source.ts'

/** Fires an event of the track in a task of its own. */
export type TrackEventListener = (type: 'mute' | 'unmute' | 'ended' | 'keyframerequest', rid?: string) => void

/** The layer without a rid, in a set of rids. */
const NO_RID = ''

export class TrackCore implements TrackSink {
  readonly source: TrackSource
  onEvent: TrackEventListener | undefined
  muted: boolean
  readonly #sinks = new SinkList()
  #enabled = true
  #ended: boolean
  /** After a pause of video: the layers in which a key frame has come since. Undefined when there is nothing to wait for. */
  #resumedFrames: Set<string> | undefined
  #resumedPackets: Set<string> | undefined

  constructor(source: TrackSource) {
    this.source = source
    this.muted = source.muted
    this.#ended = source.ended
    if (!this.#ended) source.attach(this)
  }

  get isEnded(): boolean {
    return this.#ended
  }

  get enabled(): boolean {
    return this.#enabled
  }

  /** While disabled nothing passes. What passes after it begins with a key frame, which is asked for. */
  set enabled(value: boolean) {
    if (this.#enabled === value) return
    this.#enabled = value
    if (!value || this.source.kind === 'audio' || this.#ended) return
    // A key frame is complete later than it begins: the last frames from before it come in between.
    this.#resumedFrames = new Set()
    this.#resumedPackets = new Set()
    this.source.requestKeyFrame(undefined)
  }

  /** A sink of an ended track is told so at once. */
  subscribe(sink: TrackSink): void {
    if (this.#ended) {
      sink.ended?.()
      return
    }
    this.#sinks.add(sink)
  }

  unsubscribe(sink: TrackSink): void {
    this.#sinks.delete(sink)
  }

  requestKeyFrame(rid: string | undefined): void {
    if (!this.#ended) this.source.requestKeyFrame(rid)
  }

  /** `MediaStreamTrack.stop()`: no event here, as the specification has it. */
  stop(): void {
    if (!this.#ended) this.#end()
  }

  #end(): void {
    this.#ended = true
    this.source.detach(this)
    for (const sink of this.#sinks.sinks) {
      this.unsubscribe(sink)
      sink.ended?.()
    }
  }

  // -- the source's calls

  frame(frame: EncodedFrame, rid: string | undefined): void {
    if (!this.#enabled || !resumes(this.#resumedFrames, rid, frame.keyFrame)) return
    const { sinks } = this.#sinks
    for (let i = 0; i < sinks.length; i++) sinks[i]!.frame?.(frame, rid)
  }

  packet(packet: RtpPacket, encoding: TrackEncoding): void {
    if (!this.#enabled) return
    if (this.#resumedPackets !== undefined) {
      const { format } = encoding
      const isKeyFrame = format === undefined || format.isKeyFrame(packet.payload)
      if (!resumes(this.#resumedPackets, encoding.rid, isKeyFrame)) return
    }
    const { sinks } = this.#sinks
    for (let i = 0; i < sinks.length; i++) sinks[i]!.packet?.(packet, encoding)
  }

  ended(): void {
    if (this.#ended) return
    this.#end()
    this.onEvent?.('ended')
  }

  muteChanged(): void {
    this.muted = this.source.muted
    this.onEvent?.(this.muted ? 'mute' : 'unmute')
  }

  keyFrameRequested(rid: string | undefined): void {
    this.onEvent?.('keyframerequest', rid)
  }
}

function resumes(resumed: Set<string> | undefined, rid: string | undefined, isKeyFrame: boolean): boolean {
  if (resumed === undefined || resumed.has(rid ?? NO_RID)) return true
  if (isKeyFrame) resumed.add(rid ?? NO_RID)
  return isKeyFrame
}
