import { buildOpusHead, PRE_SKIP } from '../codecs/opus.ts'
import type { VideoDescription } from '../codecs/video.ts'
import type { MediaTrackInfo } from '../types.ts'
import { buildWaveFormat } from '../wav/riff.ts'
import { element, float, text, unsigned } from './ebml.ts'

// RFC 9559 §5.1.4

const CODEC_IDS: Readonly<Record<string, string>> = {
  'video/VP8': 'V_VP8',
  'video/VP9': 'V_VP9',
  'video/AV1': 'V_AV1',
  'video/H264': 'V_MPEG4/ISO/AVC',
  'video/H265': 'V_MPEGH/ISO/HEVC',
  'audio/opus': 'A_OPUS',
  'audio/PCMU': 'A_MS/ACM',
  'audio/PCMA': 'A_MS/ACM',
  'audio/G722': 'A_MS/ACM',
}

/** µs: CodecDelay, which who reads the file takes off the times of Opus (RFC 9559 §5.1.4.1.25), so that it is added when they are written. */
export const OPUS_DELAY: number = (PRE_SKIP * 1000) / 48
const SEEK_PRE_ROLL = 80_000_000 // ns, what Opus needs (RFC 7845 §4.6)

/** `size` is that of the largest frame so far; `description` that of the first key frame. */
export function trackEntry(
  track: MediaTrackInfo,
  description: VideoDescription | undefined,
  size: { width: number; height: number },
): Uint8Array {
  const { mimeType, id } = track
  const parts = [
    unsigned(0xd7, id), // TrackNumber
    unsigned(0x73c5, id), // TrackUID
    unsigned(0x83, track.kind === 'video' ? 1 : 2), // TrackType
    unsigned(0x9c, 0), // FlagLacing
    text(0x86, CODEC_IDS[mimeType]!), // CodecID
  ]
  if (track.kind === 'video') {
    if (description?.configuration !== undefined) parts.push(element(0x63a2, description.configuration)) // CodecPrivate
    parts.push(element(0xe0, unsigned(0xb0, size.width), unsigned(0xba, size.height)))
  } else {
    const { sampleRate = 48_000, channels = 1 } = track
    if (mimeType === 'audio/opus') {
      parts.push(element(0x63a2, buildOpusHead(channels, PRE_SKIP)))
      parts.push(unsigned(0x56aa, OPUS_DELAY * 1000)) // CodecDelay, ns
      parts.push(unsigned(0x56bb, SEEK_PRE_ROLL))
    } else {
      parts.push(element(0x63a2, buildWaveFormat(mimeType, sampleRate, channels)))
    }
    parts.push(element(0xe1, float(0xb5, sampleRate), unsigned(0x9f, channels)))
  }
  return element(0xae, ...parts)
}
