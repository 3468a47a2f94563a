/** Whether two payload types stand for the same codec, so that what one carries may be sent as the other. */
import type { MediaCodec } from './parameters.ts'
import type { TrackCodec } from './track-source.ts'

type Parameters = ReadonlyMap<string, string>

/** What is sent beside the media of a codec: never the codec of a stream. */
const AUXILIARY = /(^|\/)(rtx|red|ulpfec|flexfec(-03)?|cn|telephone-event)$/i

/** Of an encoding name, with or without the kind in front. */
export function isAuxiliary(name: string): boolean {
  return AUXILIARY.test(name)
}

/** The first of `codecs` that a decoder of it decodes `codec` with. */
export function matchCodec(codec: TrackCodec, codecs: readonly MediaCodec[]): MediaCodec | undefined {
  const mimeType = codec.mimeType.toLowerCase()
  return codecs.find(
    (other) =>
      other.mimeType.toLowerCase() === mimeType &&
      other.clockRate === codec.clockRate &&
      // An application that does not say how many channels there are has those that were negotiated.
      (codec.channels === undefined || (other.channels ?? 1) === codec.channels) &&
      sameFormat(mimeType, codec.parameters, other.parameters),
  )
}

function sameFormat(mimeType: string, a: Parameters, b: Parameters): boolean {
  switch (mimeType) {
    case 'video/h264':
      return sameH264(a, b)
    case 'video/vp9':
      return same(a, b, 'profile-id', '0')
    case 'video/av1':
      return same(a, b, 'profile', '0')
    case 'video/h265':
      // RFC 7798 §7.1; the level is what a receiver can do at most.
      return same(a, b, 'profile-id', '1') && same(a, b, 'tier-flag', '0')
    default:
      return true
  }
}

function same(a: Parameters, b: Parameters, name: string, absent: string): boolean {
  return (a.get(name) ?? absent) === (b.get(name) ?? absent)
}

/**
 * RFC 6184 §8.1. The packetization mode is a matter of packets: frames can be put into either, but here packets are
 * forwarded as they are, and mode 0 has no fragments. A local track that does not say its profile fits any.
 */
function sameH264(a: Parameters, b: Parameters): boolean {
  const mode = a.get('packetization-mode')
  if (mode !== undefined && mode !== (b.get('packetization-mode') ?? '0')) return false
  const profile = a.get('profile-level-id')
  return profile === undefined || h264Profile(profile) === h264Profile(b.get('profile-level-id'))
}

/** The profile behind a `profile-level-id`, of which some have several spellings (RFC 6184 §8.1, table 5). */
export function h264Profile(text: string | undefined): string {
  // RFC 6184 §8.1: Baseline at level 1 when it is missing.
  if (text === undefined) return 'baseline'
  if (!/^[0-9a-f]{6}$/i.test(text)) return `invalid ${text}`
  const idc = Number.parseInt(text.slice(0, 2), 16)
  const constraints = Number.parseInt(text.slice(2, 4), 16)
  const has = (bits: number): boolean => (constraints & bits) === bits
  if (idc === 0x42) return has(0x40) ? 'constrained-baseline' : 'baseline'
  if (idc === 0x4d) return has(0x80) ? 'constrained-baseline' : 'main'
  if (idc === 0x58) return has(0xc0) ? 'constrained-baseline' : has(0x80) ? 'baseline' : 'extended'
  if (idc === 0x64) return has(0x0c) ? 'constrained-high' : 'high'
  return text.slice(0, 4).toLowerCase()
}
