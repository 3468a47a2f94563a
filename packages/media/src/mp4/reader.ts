import type { EncodedPacket, Input, InputTrack, InputVideoTrack } from 'mediabunny'
import { SampleReader } from '../codecs/sample.ts'
import { MediaError } from '../errors.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { MAX_FRAME_SIZE } from '../limits.ts'
import { checkMp4 } from './check.ts'
import { BaseReader } from '../reader-base.ts'
import type { MediaFrame, MediaTrackInfo } from '../types.ts'
import { loadMediabunny } from './library.ts'

const MIME_TYPES: Readonly<Record<string, string>> = {
  vp9: 'video/VP9',
  av1: 'video/AV1',
  avc: 'video/H264',
  hevc: 'video/H265',
  opus: 'audio/opus',
  ulaw: 'audio/PCMU',
  alaw: 'audio/PCMA',
}

interface Stream {
  readonly track: MediaTrackInfo
  readonly input: InputTrack
  readonly description: Uint8Array | undefined
}

/** MP4 and QuickTime, through mediabunny. */
export class Mp4Reader extends BaseReader {
  readonly format = 'mp4'
  readonly tracks: readonly MediaTrackInfo[]
  override readonly skipped: readonly string[]
  readonly #input: Input
  readonly #streams: readonly Stream[]

  private constructor(source: ByteSource, input: Input, streams: readonly Stream[], skipped: readonly string[]) {
    super(source)
    this.#input = input
    this.#streams = streams
    this.tracks = streams.map(({ track }) => track)
    this.skipped = skipped
  }

  static async open(source: ByteSource): Promise<Mp4Reader> {
    await checkMp4(source)
    const { CustomSource, Input, MP4, QTFF } = await loadMediabunny()
    const bytes = new CustomSource({
      getSize: () => source.size,
      read: (start, end) => source.read(start, end - start),
      maxCacheSize: 8 * 1024 * 1024,
      handleUnhandledError: () => {}, // the read that waits for these bytes reports it
    })
    const input = new Input({ formats: [MP4, QTFF], source: bytes })
    try {
      const streams: Stream[] = []
      const skipped: string[] = []
      for (const track of await input.getTracks()) {
        const stream = await describe(track, streams.length + 1)
        if (typeof stream === 'string') skipped.push(stream)
        else streams.push(stream)
      }
      return new Mp4Reader(source, input, streams, skipped)
    } catch (error) {
      input.dispose()
      throw malformed(error)
    }
  }

  protected async *read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined> {
    const { EncodedPacketSink } = await loadMediabunny()
    const cursors = this.#streams
      .filter(({ track }) => tracks.includes(track))
      .map((stream) => new Cursor(stream, new EncodedPacketSink(stream.input).packets()))
    try {
      for (const cursor of cursors) await cursor.advance()
      for (;;) {
        let next: Cursor | undefined
        for (const cursor of cursors) {
          if (cursor.packet !== undefined && (next === undefined || cursor.time < next.time)) next = cursor
        }
        if (next === undefined) return
        const frame = next.frame()
        if (frame !== undefined) yield frame
        await next.advance()
      }
    } catch (error) {
      if (this.#input.disposed) return
      throw malformed(error)
    } finally {
      for (const cursor of cursors) await cursor.end()
    }
  }

  override async close(): Promise<void> {
    this.#input.dispose()
    await super.close()
  }
}

/** One track's packets, in the order of decoding. */
class Cursor {
  packet: EncodedPacket | undefined
  /** Seconds; never falls, though presentation times do where a stream has B-frames. */
  time = -Infinity
  readonly #track: MediaTrackInfo
  readonly #samples: SampleReader
  readonly #packets: AsyncGenerator<EncodedPacket, void, unknown>

  constructor({ track, description }: Stream, packets: AsyncGenerator<EncodedPacket, void, unknown>) {
    this.#track = track
    this.#samples = new SampleReader(track.mimeType, description)
    this.#packets = packets
  }

  async advance(): Promise<void> {
    const { value } = await this.#packets.next()
    this.packet = value ?? undefined
    if (value) this.time = Math.max(this.time, value.timestamp)
  }

  frame(): MediaFrame | undefined {
    const { data, timestamp, duration, type } = this.packet!
    if (data.length > MAX_FRAME_SIZE) throw new MediaError('ERR_MEDIA_LIMIT', `A frame of ${data.length} bytes`)
    const payload = this.#samples.frame(data)
    if (payload === undefined)
      throw new MediaError('ERR_MEDIA_MALFORMED', `A sample of ${this.#track.mimeType} that makes no sense`)
    const keyFrame = this.#track.kind === 'audio' || type === 'key'
    const frame = { payload, timestamp: Math.round(timestamp * 1e6), keyFrame }
    if (!(duration > 0)) return { track: this.#track, frame }
    return { track: this.#track, frame: { ...frame, duration: Math.round(duration * 1e6) } }
  }

  async end(): Promise<void> {
    await this.#packets.return().catch(() => {})
  }
}

/** The name of its codec for a track that RTP does not carry. */
async function describe(input: InputTrack, id: number): Promise<Stream | string> {
  const codec = await input.getCodec()
  const mimeType = codec === null ? undefined : MIME_TYPES[codec]
  if (mimeType === undefined) return codec ?? `${await input.getInternalCodecId()}`
  const seconds = await input.getDurationFromMetadata()
  const codecString = await input.getCodecParameterString()
  const common = {
    id,
    mimeType,
    ...(codecString !== null && { codec: codecString }),
    ...(seconds !== null && seconds > 0 && { duration: Math.round(seconds * 1e6) }),
  }
  if (input.isVideoTrack()) return { input, ...(await describeVideo(input, common)) }
  if (!input.isAudioTrack()) return codec ?? 'unknown'
  const [sampleRate, channels] = [await input.getSampleRate(), await input.getNumberOfChannels()]
  if (channels > 2) return `${codec} with ${channels} channels`
  return { input, track: { kind: 'audio', ...common, sampleRate, channels }, description: undefined }
}

type Common = Omit<MediaTrackInfo, 'kind'>

async function describeVideo(input: InputVideoTrack, common: Common): Promise<Omit<Stream, 'input'>> {
  const [width, height] = [await input.getCodedWidth(), await input.getCodedHeight()]
  const description = (await input.getDecoderConfig())?.description
  return { track: { kind: 'video', ...common, width, height }, description: description && bytesOf(description) }
}

function bytesOf(source: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source)
}

function malformed(error: unknown): MediaError {
  if (error instanceof MediaError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new MediaError('ERR_MEDIA_MALFORMED', `The file cannot be read: ${reason}`, { cause: error })
}
