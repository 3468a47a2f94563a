import { setAscii, setU16le, setU32le, u16le, u32le, hasAscii } from '../bytes.ts'

// RFC 6716 §3.1: frame lengths of the configurations, in samples at 48 kHz.
const SILK = [480, 960, 1920, 2880]
const HYBRID = [480, 960]
const CELT = [120, 240, 480, 960]

/** How long the packet sounds, in samples at 48 kHz; undefined for what is no Opus packet (RFC 6716 §3.2). */
export function opusSamples(packet: Uint8Array): number | undefined {
  const toc = packet[0]
  if (toc === undefined) return undefined
  const configuration = toc >> 3
  const frame =
    configuration < 12
      ? SILK[configuration & 3]!
      : configuration < 16
        ? HYBRID[configuration & 1]!
        : CELT[configuration & 3]!
  const code = toc & 3
  if (code < 3) return frame * (code === 0 ? 1 : 2)
  const count = packet[1] === undefined ? 0 : packet[1] & 0x3f
  const samples = count * frame
  return count === 0 || samples > 5760 ? undefined : samples // at most 120 ms (R5)
}

export function isOpusStereo(packet: Uint8Array): boolean {
  return ((packet[0] ?? 0) & 0x04) !== 0
}

/** Samples at 48 kHz that libopus needs to settle: what its encoders announce, and what is announced here. */
export const PRE_SKIP = 312

/** A packet without content, which a decoder conceals (RFC 7845 §4.1): 20 ms, in the mode of the packet before it. */
export function opusFiller(previous: Uint8Array | undefined): Uint8Array {
  const toc = previous?.[0] ?? 0xfc
  const configuration = toc >> 3
  const longer =
    configuration < 12 ? (configuration & ~3) | 1 : configuration < 16 ? configuration | 1 : configuration | 3
  return Uint8Array.of((longer << 3) | (toc & 0x04))
}

export const FILLER_SAMPLES = 960

export interface OpusHead {
  readonly channels: number
  /** Samples at 48 kHz that the decoder throws away at the beginning. */
  readonly preSkip: number
}

/** RFC 7845 §5.1; undefined for what is none, or of a later major version. */
export function parseOpusHead(bytes: Uint8Array): OpusHead | undefined {
  if (bytes.length < 19 || !hasAscii(bytes, 0, 'OpusHead') || (bytes[8]! & 0xf0) !== 0) return undefined
  const channels = bytes[9]!
  if (channels === 0) return undefined
  return { channels, preSkip: u16le(bytes, 10) }
}

/** Mono or stereo, mapping family 0. */
export function buildOpusHead(channels: number, preSkip: number, sampleRate = 48_000): Uint8Array {
  const bytes = new Uint8Array(19)
  setAscii(bytes, 0, 'OpusHead')
  bytes[8] = 1
  bytes[9] = channels
  setU16le(bytes, 10, preSkip)
  setU32le(bytes, 12, sampleRate)
  return bytes
}

/** RFC 7845 §5.2, without comments. */
export function buildOpusTags(vendor: string): Uint8Array {
  const bytes = new Uint8Array(16 + vendor.length)
  setAscii(bytes, 0, 'OpusTags')
  setU32le(bytes, 8, vendor.length)
  setAscii(bytes, 12, vendor)
  return bytes
}

export function isOpusTags(bytes: Uint8Array): boolean {
  return hasAscii(bytes, 0, 'OpusTags') && bytes.length >= 16 && u32le(bytes, 8) <= bytes.length - 16
}
