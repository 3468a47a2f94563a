import { concat } from '../bytes.ts'
import { opusSamples } from '../codecs/opus.ts'
import { describeKeyFrame } from '../codecs/video.ts'
import { MediaError } from '../errors.ts'
import { ByteReader } from '../io/byte-source.ts'
import type { ByteSource } from '../io/byte-source.ts'
import { MAX_FRAME_SIZE } from '../limits.ts'
import { BaseReader } from '../reader-base.ts'
import type { EncodedFrame, MediaFrame, MediaTrackInfo } from '../types.ts'
import { parseBlock } from './block.ts'
import { children, find, floatOf, MAX_HEADER, parseHeader, textOf, unsignedOf } from './ebml-reader.ts'
import { parseTrackEntry } from './track-parser.ts'
import type { MatroskaTrack } from './track-parser.ts'

// RFC 9559

const EBML = 0x1a45_dfa3
const SEGMENT = 0x1853_8067
const INFO = 0x1549_a966
const TRACKS = 0x1654_ae6b
const CLUSTER = 0x1f43_b675
const TIMESTAMP = 0xe7
const SIMPLE_BLOCK = 0xa3
const BLOCK_GROUP = 0xa0

/** Bytes of what stands in front of the clusters and is read whole. */
const MAX_HEAD_SIZE = 4 * 1024 * 1024
const MAX_TRACKS = 64
/** How many frames are looked at to learn what the first key frames say. */
const MAX_LOOK = 200
const DEFAULT_SCALE = 1_000_000 // ns

interface Head {
  readonly format: 'webm' | 'mkv'
  readonly tracks: MatroskaTrack[]
  readonly skipped: string[]
  /** ns a tick */
  readonly scale: number
  /** µs */
  readonly duration: number | undefined
  /** Of the first cluster. */
  readonly start: number
}

/** WebM and Matroska, from front to back. Segment and clusters are entered, so that it does not matter whether their sizes are known. */
export class MatroskaReader extends BaseReader {
  readonly format: 'webm' | 'mkv'
  override readonly skipped: readonly string[]
  readonly #head: Head
  #tracks: readonly MediaTrackInfo[]

  private constructor(source: ByteSource, head: Head) {
    super(source)
    this.#head = head
    this.format = head.format
    this.skipped = head.skipped
    this.#tracks = head.tracks.map(({ info }) => ({ ...info, ...(head.duration && { duration: head.duration }) }))
  }

  get tracks(): readonly MediaTrackInfo[] {
    return this.#tracks
  }

  static async open(source: ByteSource): Promise<MatroskaReader> {
    const reader = new MatroskaReader(source, await readHead(source))
    await reader.#describe()
    return reader
  }

  /** Codec strings stand nowhere but in the frames. */
  async #describe(): Promise<void> {
    const described = new Map<MediaTrackInfo, MediaTrackInfo>()
    const wanted = this.#tracks.filter(({ kind }) => kind === 'video').length
    let looked = 0
    for await (const { track, frame } of this.read(this.#tracks)) {
      if (described.size >= wanted || ++looked > MAX_LOOK) break
      if (track.kind !== 'video' || !frame.keyFrame || described.has(track)) continue
      const description = describeKeyFrame(track.mimeType, frame.payload)
      if (description === undefined) continue
      const { codec, width, height } = description
      described.set(track, { ...track, codec, width: track.width ?? width, height: track.height ?? height })
    }
    this.#tracks = this.#tracks.map((track) =>
      track.mimeType === 'audio/opus' ? { ...track, codec: 'opus' } : (described.get(track) ?? track),
    )
  }

  protected async *read(tracks: readonly MediaTrackInfo[]): AsyncGenerator<MediaFrame, void, undefined> {
    const reader = new ByteReader(this.source, this.#head.start)
    let cluster = 0
    for (;;) {
      const header = parseHeader(await reader.readAhead(MAX_HEADER))
      if (header === undefined) return
      reader.position += header.length
      if (header.id === CLUSTER || header.id === SEGMENT) continue
      if (header.size === undefined) return
      if (header.id !== TIMESTAMP && header.id !== SIMPLE_BLOCK && header.id !== BLOCK_GROUP) {
        reader.position += header.size
        continue
      }
      if (header.size > MAX_FRAME_SIZE + 1024)
        throw new MediaError('ERR_MEDIA_LIMIT', `A block of ${header.size} bytes`)
      const body = await reader.read(header.size)
      if (body === undefined) return // cut off
      if (header.id === TIMESTAMP) cluster = unsignedOf(body) ?? cluster
      else yield* this.#frames(header.id, body, cluster, tracks)
    }
  }

  *#frames(id: number, body: Uint8Array, cluster: number, tracks: readonly MediaTrackInfo[]): Generator<MediaFrame> {
    const group = id === BLOCK_GROUP ? children(body) : []
    const bytes = id === BLOCK_GROUP ? find(group, 0xa1) : body
    const block = bytes && parseBlock(bytes)
    if (block === undefined) return
    const index = this.#head.tracks.findIndex(({ number }) => number === block.trackNumber)
    const track = this.#tracks[index]
    if (track === undefined || !tracks.includes(track)) return
    const { samples, stripped, defaultDuration, codecDelay } = this.#head.tracks[index]!
    const keyFrame = track.kind === 'audio' || (id === BLOCK_GROUP ? find(group, 0xfb) === undefined : block.keyFrame)
    const ticks = unsignedOf(find(group, 0x9b))
    const whole = ticks === undefined || ticks === 0 ? undefined : this.#time(ticks) / block.frames.length
    let time = this.#time(cluster + block.time) - codecDelay
    for (const piece of block.frames) {
      const payload = samples.frame(stripped.length > 0 ? concat([stripped, piece]) : piece)
      if (payload === undefined)
        throw new MediaError('ERR_MEDIA_MALFORMED', `A block of ${track.mimeType} that makes no sense`)
      const duration = durationOf(track, payload) ?? defaultDuration ?? whole
      const frame: EncodedFrame = { payload, timestamp: Math.round(time), keyFrame }
      yield { track, frame: duration === undefined ? frame : { ...frame, duration: Math.round(duration) } }
      time += duration ?? 0
    }
  }

  /** µs */
  #time(ticks: number): number {
    return (ticks * this.#head.scale) / 1000
  }
}

/** µs, of audio, where it follows from the frame. */
function durationOf({ mimeType, kind, channels = 1 }: MediaTrackInfo, payload: Uint8Array): number | undefined {
  if (mimeType === 'audio/opus') {
    const samples = opusSamples(payload)
    return samples === undefined ? undefined : (samples * 1000) / 48
  }
  return kind === 'audio' ? (payload.length * 125) / channels : undefined
}

async function readHead(source: ByteSource): Promise<Head> {
  const reader = new ByteReader(source)
  const tracks: MatroskaTrack[] = []
  const skipped: string[] = []
  let format: Head['format'] = 'mkv'
  let scale = DEFAULT_SCALE
  let ticks: number | undefined
  for (;;) {
    const start = reader.position
    const header = parseHeader(await reader.readAhead(MAX_HEADER))
    if (header === undefined || (start === 0 && header.id !== EBML)) break
    if (header.id === CLUSTER && (tracks.length > 0 || skipped.length > 0)) {
      const duration = ticks === undefined ? undefined : Math.round((ticks * scale) / 1000)
      return { format, tracks, skipped, scale, duration, start }
    }
    reader.position += header.length
    if (header.id === SEGMENT || header.id === CLUSTER) continue
    if (header.size === undefined) break
    if (header.id !== EBML && header.id !== INFO && header.id !== TRACKS) {
      reader.position += header.size
      continue
    }
    if (header.size > MAX_HEAD_SIZE) throw new MediaError('ERR_MEDIA_LIMIT', `A head of ${header.size} bytes`)
    const body = await reader.read(header.size)
    if (body === undefined) break
    const elements = children(body)
    if (header.id === EBML) {
      format = textOf(find(elements, 0x4282)) === 'webm' ? 'webm' : 'mkv'
    } else if (header.id === INFO) {
      scale = unsignedOf(find(elements, 0x2ad7b1)) || DEFAULT_SCALE
      ticks = floatOf(find(elements, 0x4489))
    } else {
      for (const { id, body: entry } of elements) {
        if (id !== 0xae || tracks.length + skipped.length >= MAX_TRACKS) continue
        const track = parseTrackEntry(entry, tracks.length + 1)
        if (typeof track === 'string') skipped.push(track)
        else tracks.push(track)
      }
    }
  }
  if (tracks.length === 0) throw new MediaError('ERR_MEDIA_MALFORMED', 'No tracks in this Matroska file')
  return { format, tracks, skipped, scale, duration: undefined, start: source.size }
}
