/** Whether two payload types stand for the same codec, so that what one carries may be sent as the other. */
import type { MediaCodec } from './parameters.ts'
import type { TrackCodec } from './track-source.ts'

type Parameters = ReadonlyMap<string, string>

/** What is sent beside the media of a codec: never the codec of a stream. */
const AUXILIARY = /\/(rtx|red|ulpfec|flexfec(-03)?|cn|telephone-event)$/i

export function isAuxiliary(mimeType: string): boolean {
  return AUXILIARY.test(mimeType)
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
  return profile === undefined || h264Profile(profile) === h264Profile(b.get('profile-level-id') ?? '42000a')
}

/** The profile without the level. Constrained baseline has three spellings (RFC 6184 §8.1, table 5). */
function h264Profile(profileLevelId: string): string {
  const idc = Number.parseInt(profileLevelId.slice(0, 2), 16)
  const iop = Number.parseInt(profileLevelId.slice(2, 4), 16)
  const isConstrained =
    (idc === 0x42 && (iop & 0x4f) === 0x40) ||
    (idc === 0x4d && (iop & 0x8f) === 0x80) ||
    (idc === 0x58 && (iop & 0xcf) === 0xc0)
  if (isConstrained) return 'constrained-baseline'
  if ((idc === 0x42 && (iop & 0x4f) === 0) || (idc === 0x58 && (iop & 0xcf) === 0x80)) return 'baseline'
  return `${idc}/${iop}`
}
