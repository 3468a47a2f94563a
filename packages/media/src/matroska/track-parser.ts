import { SampleReader } from '../codecs/sample.ts'
import { u16le } from '../bytes.ts'
import type { MediaTrackInfo } from '../types.ts'
import { waveMimeType } from '../wav/riff.ts'
import { children, find, floatOf, textOf, unsignedOf } from './ebml-reader.ts'
import type { Element } from './ebml-reader.ts'

// RFC 9559 §5.1.4

const MIME_TYPES: Readonly<Record<string, string>> = {
  V_VP8: 'video/VP8',
  V_VP9: 'video/VP9',
  V_AV1: 'video/AV1',
  'V_MPEG4/ISO/AVC': 'video/H264',
  'V_MPEGH/ISO/HEVC': 'video/H265',
  A_OPUS: 'audio/opus',
}

const HEADER_STRIPPING = 3

export interface MatroskaTrack {
  readonly number: number
  /** Without the codec string and the duration, which others tell. */
  readonly info: MediaTrackInfo
  readonly samples: SampleReader
  /** What every frame of the track begins with and the file leaves out (§5.1.4.1.31.7). */
  readonly stripped: Uint8Array
  /** µs */
  readonly defaultDuration: number | undefined
  /** µs that a decoder takes off all times. */
  readonly codecDelay: number
}

/** The name of its codec for a track that RTP does not carry, or that is compressed or encrypted. */
export function parseTrackEntry(entry: Uint8Array, id: number): MatroskaTrack | string {
  const elements = children(entry)
  const codecId = textOf(find(elements, 0x86)).slice(0, 64)
  const configuration = find(elements, 0x63a2)
  const number = unsignedOf(find(elements, 0xd7))
  const mimeType = codecId === 'A_MS/ACM' ? waveCodec(configuration) : MIME_TYPES[codecId]
  if (number === undefined || mimeType === undefined) return codecId === '' ? 'a track without a codec' : codecId
  const stripped = strippedHeader(elements)
  if (stripped === undefined) return `${codecId}, compressed or encrypted`
  const duration = unsignedOf(find(elements, 0x23e383))
  const codecDelay = mimeType === 'audio/opus' ? (unsignedOf(find(elements, 0x56aa)) ?? 0) / 1000 : 0
  const info = mimeType.startsWith('video') ? videoInfo(elements, id, mimeType) : audioInfo(elements, id, mimeType)
  if ((info.channels ?? 1) > 2) return `${codecId} with ${info.channels} channels`
  return {
    number,
    info,
    samples: new SampleReader(mimeType, configuration),
    stripped,
    defaultDuration: duration === undefined || duration === 0 ? undefined : Math.round(duration / 1000),
    codecDelay: Math.min(codecDelay, 1_000_000),
  }
}

function videoInfo(elements: readonly Element[], id: number, mimeType: string): MediaTrackInfo {
  const video = children(find(elements, 0xe0) ?? new Uint8Array(0))
  const [width, height] = [unsignedOf(find(video, 0xb0)), unsignedOf(find(video, 0xba))]
  return { id, kind: 'video', mimeType, ...(width && height && { width, height }) }
}

function audioInfo(elements: readonly Element[], id: number, mimeType: string): MediaTrackInfo {
  const audio = children(find(elements, 0xe1) ?? new Uint8Array(0))
  const sampleRate = mimeType === 'audio/opus' ? 48_000 : (floatOf(find(audio, 0xb5)) ?? 8000)
  return { id, kind: 'audio', mimeType, sampleRate, channels: unsignedOf(find(audio, 0x9f)) ?? 1 }
}

function waveCodec(format: Uint8Array | undefined): string | undefined {
  return format === undefined || format.length < 2 ? undefined : waveMimeType(u16le(format, 0))
}

/** Empty without any; undefined for encodings other than header stripping. */
function strippedHeader(elements: readonly Element[]): Uint8Array | undefined {
  const encodings = children(find(elements, 0x6d80) ?? new Uint8Array(0))
  if (encodings.length === 0) return new Uint8Array(0)
  const [encoding] = encodings
  const compression = encodings.length === 1 ? find(children(encoding!.body), 0x5034) : undefined
  if (compression === undefined) return undefined
  const parts = children(compression)
  return unsignedOf(find(parts, 0x4254)) === HEADER_STRIPPING ? (find(parts, 0x4255) ?? new Uint8Array(0)) : undefined
}
