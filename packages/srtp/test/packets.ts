import type { SrtpOptions, SrtpProfile } from '../src/index.ts'
import { srtpKeyLengths } from '../src/index.ts'
import { noise } from './bytes.ts'

export const PROFILES: readonly SrtpProfile[] = [
  'SRTP_AES128_CM_HMAC_SHA1_80',
  'SRTP_AES128_CM_HMAC_SHA1_32',
  'SRTP_AEAD_AES_128_GCM',
  'SRTP_AEAD_AES_256_GCM',
]

/** Options with a fixed key. */
export function keyed(profile: SrtpProfile, seed = 7): SrtpOptions {
  const { key, salt } = srtpKeyLengths(profile)
  return { profile, key: noise(key, seed), salt: noise(salt, seed + 1) }
}

export interface RtpFields {
  readonly seq: number
  readonly ssrc?: number
  readonly csrcs?: number
  /** Words of extension, -1 for none. */
  readonly extension?: number
  readonly profile?: number
  readonly payload?: number
}

export function rtpPacket({
  seq,
  ssrc = 0xdeadbeef,
  csrcs = 0,
  extension = -1,
  profile = 0xbede,
  payload = 40,
}: RtpFields): Uint8Array {
  const header = [0x80 | csrcs | (extension >= 0 ? 0x10 : 0), 96, (seq >>> 8) & 0xff, seq & 0xff, 0, 0, 1, seq & 0xff]
  header.push(ssrc >>> 24, (ssrc >>> 16) & 0xff, (ssrc >>> 8) & 0xff, ssrc & 0xff)
  for (let i = 0; i < 4 * csrcs; i++) header.push(i)
  if (extension >= 0) header.push(profile >>> 8, profile & 0xff, extension >>> 8, extension & 0xff)
  const body = noise(4 * Math.max(0, extension) + payload, seq + 1)
  return Uint8Array.from([...header, ...body])
}

/** A receiver report without blocks, and something behind it. */
export function rtcpPacket(ssrc = 0xdeadbeef, length = 28): Uint8Array {
  const packet = noise(length, length)
  packet.set([0x80, 201, 0, 1, ssrc >>> 24, (ssrc >>> 16) & 0xff, (ssrc >>> 8) & 0xff, ssrc & 0xff])
  return packet
}
