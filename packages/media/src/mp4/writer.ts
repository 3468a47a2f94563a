import type { AudioCodec, EncodedAudioPacketSource, EncodedVideoPacketSource, Output, VideoCodec } from 'mediabunny'
import { loadMediabunny } from './library.ts'
import { buildOpusHead, PRE_SKIP } from '../codecs/opus.ts'
import { SampleWriter } from '../codecs/sample.ts'
import { describeKeyFrame } from '../codecs/video.ts'
import type { VideoDescription } from '../codecs/video.ts'
import { MediaError } from '../errors.ts'
import type { ByteSink } from '../io/byte-sink.ts'
import type { EncodedFrame, MediaTrackInfo } from '../types.ts'
import { BaseWriter } from '../writer-base.ts'

const CODECS: Readonly<Record<string, VideoCodec>> = {
  'video/H264': 'avc',
  'video/H265': 'hevc',
  'video/AV1': 'av1',
  'video/VP9': 'vp9',
}
const AUDIO_CODEC: AudioCodec = 'opus'

/** mediabunny takes no track after the first frame, but leaves those out that get none: so many of each codec are kept ready. */
const SPARES = 2
const MAX_TRACKS = 16
const DEFAULT_DURATION = 33_333 // µs, for the last frame of video whose duration nobody told
/** Bytes of other tracks that a fragmented file holds back for a track without frames, before it goes on without it. */
const MAX_HELD_SIZE = 8 * 1024 * 1024

type Source = EncodedVideoPacketSource | EncodedAudioPacketSource

interface State {
  readonly track: MediaTrackInfo
  source: Source | undefined
  description: VideoDescription | undefined
  samples: SampleWriter | undefined
  lastTime: number
  lastDuration: number
  /** Bytes that other tracks wrote since this one's last frame. */
  silentFor: number
  closed: boolean
}

/**
 * MP4 through mediabunny: with the index at the end on a sink that can be written anywhere, fragmented on one that only goes forward.
 */
export class Mp4Writer extends BaseWriter {
  readonly format = 'mp4'
  readonly acceptsLateTracks: boolean
  protected readonly maxTracks: number = MAX_TRACKS
  readonly #states: State[] = []
  readonly #spares: { codec: string; source: Source }[] = []
  #output: Output | undefined

  constructor(sink: ByteSink) {
    super(sink)
    this.acceptsLateTracks = sink.seekable
  }

  protected override trackAdded(track: MediaTrackInfo): void {
    const source = this.#output === undefined ? undefined : this.#takeSpare(track)
    const timing = { lastTime: -Infinity, lastDuration: DEFAULT_DURATION, silentFor: 0, closed: false }
    this.#states.push({ track, source, description: undefined, samples: undefined, ...timing })
  }

  #takeSpare(track: MediaTrackInfo): Source {
    const index = this.#spares.findIndex(({ codec }) => codec === (CODECS[track.mimeType] ?? AUDIO_CODEC))
    if (index < 0)
      throw new MediaError('ERR_MEDIA_TRACK', `No further track of ${track.mimeType} after the first frame`)
    return this.#spares.splice(index, 1)[0]!.source
  }

  protected async writeFrame(track: MediaTrackInfo, frame: EncodedFrame): Promise<void> {
    const { EncodedPacket } = await loadMediabunny()
    if (this.#output === undefined) await this.#begin()
    const state = this.#states[track.id - 1]!
    if (state.closed)
      throw new MediaError('ERR_MEDIA_STATE', 'The file went on without this track, which was silent for too long')
    const isFirst = state.lastTime === -Infinity
    if (track.kind === 'video' && frame.keyFrame) state.description ??= describeKeyFrame(track.mimeType, frame.payload)
    if (track.kind === 'video' && state.description === undefined) {
      throw new MediaError('ERR_MEDIA_ARGUMENT', 'A video track begins with a key frame that tells its size')
    }
    if (!isFirst && frame.timestamp > state.lastTime) state.lastDuration = frame.timestamp - state.lastTime
    state.lastTime = Math.max(state.lastTime, frame.timestamp)
    if (state.description !== undefined)
      state.samples ??= new SampleWriter(track.mimeType, state.description.parameterSets)
    const data = state.samples?.sample(frame.payload) ?? frame.payload
    const duration = frame.duration ?? state.lastDuration
    const packet = new EncodedPacket(
      data,
      frame.keyFrame ? 'key' : 'delta',
      Math.max(0, frame.timestamp) / 1e6,
      duration / 1e6,
    )
    const meta = isFirst ? { decoderConfig: configuration(state) } : undefined
    await (state.source as { add(packet: unknown, meta?: unknown): Promise<void> }).add(packet, meta)
    if (!this.out.sink.seekable) this.#noteSilence(state, data.length)
  }

  /** A fragment waits for every track. */
  #noteSilence(writing: State, size: number): void {
    writing.silentFor = 0
    for (const state of this.#states) {
      if (state === writing || state.closed) continue
      state.silentFor += size
      if (state.silentFor <= MAX_HELD_SIZE) continue
      state.closed = true
      state.source!.close()
    }
  }

  async #begin(): Promise<void> {
    const { EncodedAudioPacketSource, EncodedVideoPacketSource, Mp4OutputFormat, Output, StreamTarget } =
      await loadMediabunny()
    const { sink } = this.out
    const writable = new WritableStream<{ data: Uint8Array; position: number }>({
      write: ({ data, position }) => sink.write(data, position),
    })
    // mediabunny 1.61 marks only the first key frame of a fragment as one: so every key frame begins a fragment.
    const fragments = { fastStart: 'fragmented', minimumFragmentDuration: 0 } as const
    const format = new Mp4OutputFormat(sink.seekable ? { fastStart: false } : fragments)
    const output = new Output({ format, target: new StreamTarget(writable) })
    const add = (codec: VideoCodec | AudioCodec): Source => {
      if (codec === AUDIO_CODEC) {
        const source = new EncodedAudioPacketSource(AUDIO_CODEC)
        output.addAudioTrack(source)
        return source
      }
      const source = new EncodedVideoPacketSource(codec as VideoCodec)
      output.addVideoTrack(source)
      return source
    }
    for (const state of this.#states) state.source = add(CODECS[state.track.mimeType] ?? AUDIO_CODEC)
    for (const codec of [...Object.values(CODECS), AUDIO_CODEC]) {
      if (sink.seekable) for (let count = 0; count < SPARES; count++) this.#spares.push({ codec, source: add(codec) })
    }
    await output.start()
    this.#output = output
  }

  protected async writeEnd(): Promise<void> {
    if (this.tracks.length === 0) return
    if (this.#output === undefined) await this.#begin()
    await this.#output!.finalize()
  }
}

function configuration({ track, description }: State): VideoDecoderConfig | AudioDecoderConfig {
  if (track.kind === 'audio') {
    const numberOfChannels = track.channels!
    const head = buildOpusHead(numberOfChannels, PRE_SKIP)
    return { codec: AUDIO_CODEC, sampleRate: 48_000, numberOfChannels, description: head }
  }
  const { codec, width, height } = description!
  const isNal = track.mimeType === 'video/H264' || track.mimeType === 'video/H265'
  const record = isNal ? { description: description!.configuration! } : {}
  return { codec, codedWidth: width, codedHeight: height, ...record }
}
