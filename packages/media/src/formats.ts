import { MediaError } from './errors.ts'
import type { MediaFormat } from './types.ts'

interface Codec {
  readonly mimeType: string
  readonly kind: 'audio' | 'video'
  readonly sampleRate: number
  readonly channels: number
}

function video(mimeType: string): Codec {
  return { mimeType, kind: 'video', sampleRate: 0, channels: 0 }
}

const CODECS: readonly Codec[] = [
  video('video/VP8'),
  video('video/VP9'),
  video('video/AV1'),
  video('video/H264'),
  video('video/H265'),
  { mimeType: 'audio/opus', kind: 'audio', sampleRate: 48_000, channels: 2 },
  { mimeType: 'audio/PCMU', kind: 'audio', sampleRate: 8000, channels: 1 },
  { mimeType: 'audio/PCMA', kind: 'audio', sampleRate: 8000, channels: 1 },
  { mimeType: 'audio/G722', kind: 'audio', sampleRate: 16_000, channels: 1 },
]

/** By its name in any case. */
export function codecOf(mimeType: string): Codec | undefined {
  const wanted = mimeType.toLowerCase()
  return CODECS.find((codec) => codec.mimeType.toLowerCase() === wanted)
}

interface Container {
  readonly extensions: readonly string[]
  readonly takes: readonly string[]
}

const G711_G722 = ['audio/PCMU', 'audio/PCMA', 'audio/G722']
const WEBM = ['video/VP8', 'video/VP9', 'video/AV1', 'audio/opus']

const CONTAINERS: Readonly<Record<MediaFormat, Container>> = {
  ivf: { extensions: ['ivf'], takes: ['video/VP8', 'video/VP9', 'video/AV1', 'video/H264', 'video/H265'] },
  h264: { extensions: ['h264', '264', 'avc'], takes: ['video/H264'] },
  h265: { extensions: ['h265', '265', 'hevc'], takes: ['video/H265'] },
  ogg: { extensions: ['ogg', 'opus', 'oga'], takes: ['audio/opus'] },
  wav: { extensions: ['wav'], takes: G711_G722 },
  pcmu: { extensions: ['ulaw', 'ul', 'mulaw', 'pcmu'], takes: ['audio/PCMU'] },
  pcma: { extensions: ['alaw', 'al', 'pcma'], takes: ['audio/PCMA'] },
  g722: { extensions: ['g722'], takes: ['audio/G722'] },
  webm: { extensions: ['webm'], takes: WEBM },
  mkv: { extensions: ['mkv', 'mka'], takes: [...WEBM, 'video/H264', 'video/H265', ...G711_G722] },
  mp4: {
    extensions: ['mp4', 'm4v', 'm4a', 'mov'],
    takes: ['video/H264', 'video/H265', 'video/AV1', 'video/VP9', 'audio/opus'],
  },
}

export function formatTakes(format: MediaFormat, mimeType: string): boolean {
  return CONTAINERS[format].takes.includes(mimeType)
}

/** The format that a file name's extension stands for; undefined for an unknown one. */
export function formatOfName(name: string): MediaFormat | undefined {
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase()
  if (extension === undefined) return undefined
  for (const [format, container] of Object.entries(CONTAINERS)) {
    if (container.extensions.includes(extension)) return format as MediaFormat
  }
  return undefined
}

export function isMediaFormat(format: string): format is MediaFormat {
  return Object.hasOwn(CONTAINERS, format)
}

/** Which kinds of tracks the format takes, and whether only one. */
export function formatKinds(format: MediaFormat): { kinds: readonly string[]; single: boolean } {
  if (!isMediaFormat(format)) throw new MediaError('ERR_MEDIA_ARGUMENT', `No format is called ${String(format)}`)
  const kinds = CONTAINERS[format].takes.map((mimeType) => codecOf(mimeType)!.kind)
  return { kinds, single: !['webm', 'mkv', 'mp4'].includes(format) }
}
