import { concat } from '../bytes.ts'
import { SampleWriter } from '../codecs/sample.ts'
import { opusSamples } from '../codecs/opus.ts'
import { describeKeyFrame } from '../codecs/video.ts'
import type { VideoDescription } from '../codecs/video.ts'
import { MediaError } from '../errors.ts'
import type { ByteSink } from '../io/byte-sink.ts'
import type { EncodedFrame, MediaTrackInfo } from '../types.ts'
import { BaseWriter } from '../writer-base.ts'
import { element, float, idBytes, sizeBytes, text, UNKNOWN_SIZE, unsigned, voidOf } from './ebml.ts'
import { OPUS_DELAY, trackEntry } from './track-entry.ts'

// RFC 9559. Times are in ms (TimestampScale 1,000,000 ns), as WebM asks for.

/** Bytes kept free for Tracks, which are known in full only at the end. */
const TRACKS_SPACE = 8192
const MAX_TRACKS = 16
const CLUSTER_DURATION = 1000 // ms
const CLUSTER_SIZE = 4 * 1024 * 1024
/** A block's time is a signed 16-bit number relative to its cluster's. */
const MAX_RELATIVE = 0x7fff
/** What is held while a sink that only goes forward waits for the first key frames, which the header needs. */
const MAX_HELD_SIZE = 8 * 1024 * 1024
const MAX_HELD_FRAMES = 4096
const MAX_CUES = 100_000

interface State {
  readonly track: MediaTrackInfo
  description: VideoDescription | undefined
  samples: SampleWriter | undefined
  width: number
  height: number
  /** In the header, which cannot be changed on a sink that only goes forward. */
  listed: boolean
}

/**
 * WebM and Matroska. Blocks go out in the order in which they come, a cluster at a time, so that memory is bounded whatever a track does; a file that is never
 * finished plays as well. Where the sink can be written anywhere, the list of tracks, duration and cues are completed at the end.
 */
export class MatroskaWriter extends BaseWriter {
  readonly format: 'webm' | 'mkv'
  readonly acceptsLateTracks: boolean
  protected readonly maxTracks: number = MAX_TRACKS
  readonly #states: State[] = []
  #held: { state: State; frame: EncodedFrame }[] | undefined = []
  #heldSize = 0
  #segmentStart = 0
  #infoAt = 0
  #tracksAt = 0
  #clusterAt = 0
  #clusterTime: number | undefined
  #cluster: Uint8Array[] = []
  #clusterSize = 0
  #cues: Uint8Array[] = []
  /** ms */
  #end = 0

  constructor(sink: ByteSink, format: 'webm' | 'mkv') {
    super(sink)
    this.format = format
    this.acceptsLateTracks = sink.seekable
  }

  protected override trackAdded(track: MediaTrackInfo): void {
    const { width = 0, height = 0 } = track
    this.#states.push({ track, description: undefined, samples: undefined, width, height, listed: false })
  }

  protected async writeFrame(track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    const state = this.#states[track.id - 1]!
    if (track.kind === 'video' && frame.keyFrame) this.#describe(state, frame.payload)
    if (track.kind === 'video' && state.description === undefined) {
      throw new MediaError('ERR_MEDIA_ARGUMENT', 'A video track begins with a key frame that tells its size')
    }
    if (this.#held === undefined) return this.#writeBlock(state, frame)
    this.#held.push({ state, frame })
    this.#heldSize += frame.payload.length
    const complete = this.#states.every((other) => other.track.kind === 'audio' || other.description !== undefined)
    if (complete || this.out.sink.seekable || this.#heldSize > MAX_HELD_SIZE || this.#held.length > MAX_HELD_FRAMES) {
      await this.#begin()
    }
  }

  #describe(state: State, payload: Uint8Array): void {
    const described = describeKeyFrame(state.track.mimeType, payload)
    if (described === undefined) return
    if (state.description === undefined) {
      state.description = described
      state.samples = new SampleWriter(state.track.mimeType, described.parameterSets)
    }
    state.width = Math.max(state.width, described.width)
    state.height = Math.max(state.height, described.height)
  }

  async #begin(): Promise<void> {
    const held = this.#held!
    this.#held = undefined
    this.#heldSize = 0
    const kind = text(0x4282, this.format === 'webm' ? 'webm' : 'matroska')
    const versions = [unsigned(0x4286, 1), unsigned(0x42f7, 1), unsigned(0x42f2, 4), unsigned(0x42f3, 8)]
    const head = element(0x1a45_dfa3, ...versions, kind, unsigned(0x4287, 4), unsigned(0x4285, 2))
    await this.out.append(concat([head, Uint8Array.from(idBytes(0x1853_8067)), UNKNOWN_SIZE]))
    this.#segmentStart = this.out.position
    if (this.out.sink.seekable) await this.out.append(voidOf(SEEK_HEAD_SPACE))
    this.#infoAt = this.out.position
    await this.out.append(this.#info(undefined))
    this.#tracksAt = this.out.position
    await this.out.append(this.#tracks())
    for (const { state, frame } of held) await this.#writeBlock(state, frame)
  }

  #info(duration: number | undefined): Uint8Array {
    const length = this.out.sink.seekable ? [float(0x4489, duration ?? 0)] : []
    return element(0x1549_a966, unsigned(0x2ad7b1, 1_000_000), ...length, text(0x4d80, 'kaon'), text(0x5741, 'kaon'))
  }

  /** On a sink that can be written anywhere with space behind them. Video tracks without a picture yet are not listed: they have no size. */
  #tracks(): Uint8Array {
    const known = this.#states.filter(({ track, description }) => track.kind === 'audio' || description !== undefined)
    const tracks = element(0x1654_ae6b, ...known.map((state) => trackEntry(state.track, state.description, state)))
    for (const state of known) state.listed = true
    if (!this.out.sink.seekable) return tracks
    if (tracks.length > TRACKS_SPACE - 9)
      throw new MediaError('ERR_MEDIA_LIMIT', 'The headers of the tracks are too large')
    return concat([tracks, voidOf(TRACKS_SPACE - tracks.length)])
  }

  async #writeBlock(state: State, frame: EncodedFrame): Promise<void> {
    const { track, description } = state
    const delay = track.mimeType === 'audio/opus' ? OPUS_DELAY : 0
    const time = Math.max(0, Math.round((frame.timestamp + delay) / 1000))
    if (!state.listed) {
      if (!this.out.sink.seekable)
        throw new MediaError('ERR_MEDIA_STATE', 'The header was written before this track began')
      await this.out.patch(this.#tracks(), this.#tracksAt)
    }
    const startsCluster =
      this.#clusterTime === undefined ||
      time < this.#clusterTime ||
      time - this.#clusterTime > MAX_RELATIVE ||
      this.#clusterSize >= CLUSTER_SIZE ||
      (track.kind === 'video' && frame.keyFrame) ||
      time - this.#clusterTime >= CLUSTER_DURATION * (this.#states.some((other) => other.description) ? 5 : 1)
    if (startsCluster) {
      await this.#flushCluster()
      this.#clusterTime = time
      this.#clusterAt = this.out.position
      const position = this.#clusterAt - this.#segmentStart
      if ((track.kind === 'video' ? frame.keyFrame : !description) && this.#cues.length < MAX_CUES) {
        const place = element(0xb7, unsigned(0xf7, track.id), unsigned(0xf1, position))
        this.#cues.push(element(0xbb, unsigned(0xb3, time), place))
      }
    }
    const payload = state.samples?.sample(frame.payload) ?? frame.payload
    const relative = time - this.#clusterTime!
    const head = [...idBytes(0xa3), ...sizeBytes(payload.length + 4), ...sizeBytes(track.id)]
    head.push(relative >> 8, relative & 0xff, frame.keyFrame ? 0x80 : 0)
    this.#cluster.push(Uint8Array.from(head), payload)
    this.#clusterSize += head.length + payload.length
    this.#end = Math.max(this.#end, time + this.#duration(track, frame))
  }

  #duration(track: MediaTrackInfo, frame: EncodedFrame): number {
    if (frame.duration !== undefined) return frame.duration / 1000
    return track.mimeType === 'audio/opus' ? (opusSamples(frame.payload) ?? 0) / 48 : 0
  }

  async #flushCluster(): Promise<void> {
    if (this.#clusterTime === undefined || this.#cluster.length === 0) return
    const blocks = this.#cluster
    this.#cluster = []
    this.#clusterSize = 0
    await this.out.append(element(0x1f43_b675, unsigned(0xe7, this.#clusterTime), ...blocks))
  }

  protected async writeEnd(): Promise<void> {
    if (this.tracks.length === 0) return
    if (this.#held !== undefined) await this.#begin()
    await this.#flushCluster()
    const cuesAt = this.out.position
    if (this.#cues.length > 0) await this.out.append(element(0x1c53_bb6b, ...this.#cues))
    if (!this.out.sink.seekable) return
    const size = this.out.position - this.#segmentStart
    await this.out.patch(Uint8Array.from(sizeBytes(size, 8)), this.#segmentStart - 8)
    await this.out.patch(this.#info(this.#end), this.#infoAt)
    await this.out.patch(this.#tracks(), this.#tracksAt)
    await this.out.patch(this.#seekHead(cuesAt), this.#segmentStart)
  }

  #seekHead(cuesAt: number): Uint8Array {
    const entries: [id: number, at: number][] = [
      [0x1549_a966, this.#infoAt],
      [0x1654_ae6b, this.#tracksAt],
    ]
    if (this.#cues.length > 0) entries.push([0x1c53_bb6b, cuesAt])
    const seeks = entries.map(([id, at]) =>
      element(0x4dbb, element(0x53ab, Uint8Array.from(idBytes(id))), unsigned(0x53ac, at - this.#segmentStart)),
    )
    const head = element(0x114d_9b74, ...seeks)
    return concat([head, voidOf(SEEK_HEAD_SPACE - head.length)])
  }
}

const SEEK_HEAD_SPACE = 128
