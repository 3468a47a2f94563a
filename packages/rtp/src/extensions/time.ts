import { clamp, readUint24, readUint64, writeUint24, writeUint64 } from '../bytes.ts'
import type { HeaderExtensionCodec } from './codec.ts'
import { headerExtensionUris } from './uris.ts'

/** When the packet left, 24 bits in 2^-18 s: wraps every 64 s. `absSendTimeOf` makes it. */
export const absSendTime: HeaderExtensionCodec<number> = {
  uri: headerExtensionUris.absSendTime,
  read(data) {
    return data.length === 3 ? readUint24(data, 0) : undefined
  },
  write(value, out = new Uint8Array(3)) {
    writeUint24(out, 0, value)
    return out
  },
}

/** A clock in ms, monotonic or not, in the form of `absSendTime`. */
export function absSendTimeOf(now: number): number {
  return Math.floor((now % 64_000) * 262.144) & 0xff_ffff
}

/** How much later than its timestamp says a packet was sent, in units of the RTP clock (RFC 5450 §3): 24 bits, signed. */
export const transmissionOffset: HeaderExtensionCodec<number> = {
  uri: headerExtensionUris.transmissionOffset,
  read(data) {
    return data.length === 3 ? (readUint24(data, 0) << 8) >> 8 : undefined
  },
  write(value, out = new Uint8Array(3)) {
    writeUint24(out, 0, clamp(value, -0x80_0000, 0x7f_ffff))
    return out
  },
}

export interface AbsCaptureTime {
  /** When the first sample was captured, as an NTP timestamp of the capturer's clock. */
  readonly timestamp: bigint
  /** What to add to come to the sender's clock: 64 bits, signed, the lower half a fraction. */
  readonly clockOffset?: bigint
}

/** libwebrtc's `abs-capture-time`: 8 bytes, or 16 with the offset. */
export const absCaptureTime: HeaderExtensionCodec<AbsCaptureTime> = {
  uri: headerExtensionUris.absCaptureTime,
  read(data) {
    if (data.length === 8) return { timestamp: readUint64(data, 0) }
    if (data.length !== 16) return undefined
    return { timestamp: readUint64(data, 0), clockOffset: BigInt.asIntN(64, readUint64(data, 8)) }
  },
  write({ timestamp, clockOffset }, out = new Uint8Array(clockOffset === undefined ? 8 : 16)) {
    writeUint64(out, 0, timestamp)
    if (clockOffset !== undefined) writeUint64(out, 8, clockOffset)
    return out
  },
}
