import { hasAscii, setAscii, setU16le, setU32le, u16le, u32le } from '../bytes.ts'
import type { ByteReader } from '../io/byte-source.ts'

// RIFF WAVE, with the format tags of RFC 2361; G.722 has the one that ffmpeg gives it.
const TAGS: readonly [tag: number, mimeType: string][] = [
  [6, 'audio/PCMA'],
  [7, 'audio/PCMU'],
  [0x028f, 'audio/G722'],
]

export interface WaveFormat {
  /** Empty for a codec that RTP does not carry as it is. */
  readonly mimeType: string
  readonly tag: number
  readonly sampleRate: number
  readonly channels: number
}

export interface WaveFile extends WaveFormat {
  /** Where the samples are, in bytes. */
  readonly start: number
  readonly length: number
}

/** RIFF WAVE; a `data` chunk that says it has no or unlimited length goes on to the end of the file. Undefined for what is none. */
export async function readWave(reader: ByteReader): Promise<WaveFile | undefined> {
  const riff = await reader.read(12)
  if (riff === undefined || !hasAscii(riff, 0, 'RIFF') || !hasAscii(riff, 8, 'WAVE')) return undefined
  let format: WaveFormat | undefined
  for (;;) {
    const header = await reader.read(8)
    if (header === undefined) return undefined
    const size = u32le(header, 4)
    if (hasAscii(header, 0, 'fmt ') && size >= 16) {
      const body = await reader.peek(16)
      if (body === undefined) return undefined
      const tag = u16le(body, 0)
      const mimeType = waveMimeType(tag) ?? ''
      format = { mimeType, tag, channels: u16le(body, 2), sampleRate: u32le(body, 4) }
    }
    if (hasAscii(header, 0, 'data')) {
      if (format === undefined) return undefined
      const { remaining } = reader
      const length = size === 0 || size > remaining ? remaining : size
      return { ...format, start: reader.position, length }
    }
    reader.position += size + (size & 1)
  }
}

export function waveMimeType(tag: number): string | undefined {
  return TAGS.find(([known]) => known === tag)?.[1]
}

/** `fmt `, `fact` and the beginning of `data`; sizes as large as can be while they are unknown. */
export function buildWaveHeader(mimeType: string, sampleRate: number, channels: number, length?: number): Uint8Array {
  const bytes = new Uint8Array(58)
  setAscii(bytes, 0, 'RIFF')
  setU32le(bytes, 4, length === undefined ? 0xffff_ffff : Math.min(length + (length & 1) + 50, 0xffff_ffff))
  setAscii(bytes, 8, 'WAVEfmt ')
  setU32le(bytes, 16, 18)
  bytes.set(buildWaveFormat(mimeType, sampleRate, channels), 20)
  setAscii(bytes, 38, 'fact')
  setU32le(bytes, 42, 4)
  setU32le(bytes, 46, length === undefined ? 0xffff_ffff : Math.floor((length / channels) * (sampleRate / 8000)))
  setAscii(bytes, 50, 'data')
  setU32le(bytes, 54, length === undefined ? 0xffff_ffff : Math.min(length, 0xffff_ffff))
  return bytes
}

/** WAVEFORMATEX, also the CodecPrivate of such tracks in Matroska. All three codecs take 64 kbit/s a channel. */
export function buildWaveFormat(mimeType: string, sampleRate: number, channels: number): Uint8Array {
  const bytes = new Uint8Array(18)
  setU16le(bytes, 0, TAGS.find(([, known]) => known === mimeType)![0])
  setU16le(bytes, 2, channels)
  setU32le(bytes, 4, sampleRate)
  setU32le(bytes, 8, 8000 * channels)
  setU16le(bytes, 12, channels)
  setU16le(bytes, 14, mimeType === 'audio/G722' ? 4 : 8)
  return bytes
}
