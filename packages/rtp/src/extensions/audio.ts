import { clamp } from '../bytes.ts'
import type { HeaderExtensionCodec } from './codec.ts'
import { headerExtensionUris } from './uris.ts'

export interface AudioLevel {
  /** In −dBov: 0 is the loudest, 127 silence. */
  readonly level: number
  /** The sender takes it for speech. */
  readonly voice: boolean
}

/** RFC 6464 §3. The two-byte form may carry it with a byte of padding behind it (§4), which is skipped. */
export const audioLevel: HeaderExtensionCodec<AudioLevel> = {
  uri: headerExtensionUris.audioLevel,
  read(data) {
    if (data.length < 1 || data.length > 2) return undefined
    return { level: data[0]! & 0x7f, voice: data[0]! > 0x7f }
  },
  write({ level, voice }, out = new Uint8Array(1)) {
    out[0] = (voice ? 0x80 : 0) | clamp(level, 0, 127)
    return out
  },
}

/** The levels of the contributing sources in the order of the CSRCs, in −dBov (RFC 6465 §3). */
export const csrcAudioLevels: HeaderExtensionCodec<readonly number[]> = {
  uri: headerExtensionUris.csrcAudioLevels,
  read(data) {
    if (data.length < 1 || data.length > 15) return undefined
    return Array.from(data, (byte) => byte & 0x7f)
  },
  write(levels, out = new Uint8Array(Math.min(levels.length, 15))) {
    for (let i = 0; i < out.length && i < levels.length; i++) out[i] = clamp(levels[i]!, 0, 127)
    return out
  },
}
