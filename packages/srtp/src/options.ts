import type { CryptoProvider } from '@kaon/crypto'
import { SrtpError } from './errors.ts'
import type { SrtpProfile } from './profile.ts'

/** What both directions take. A key belongs to one direction only: two senders under one key break the cipher. */
export interface SrtpOptions {
  readonly profile: SrtpProfile
  /** Master key: 16 or 32 bytes, by profile. */
  readonly key: Uint8Array
  /** Master salt: 14 bytes for AES-CM, 12 for AES-GCM. */
  readonly salt: Uint8Array
  /** Where AES, GCM and HMAC come from; by default the platform's best. */
  readonly crypto?: CryptoProvider
  /**
   * Cryptex (RFC 9335), `a=cryptex` in SDP. A sender then encrypts header extensions and CSRCs too; set it when the peer has said that it can
   * receive that. A receiver then takes packets of both forms. Default: false.
   */
  readonly cryptex?: boolean
}

export interface SrtpSenderOptions extends SrtpOptions {
  /**
   * Let a packet out under an index that was used before. Only safe if all bytes of the packet are the same as the first time: another
   * payload gives both away, and with AES-GCM another header extension suffices to lose the authentication key. Default: false, which throws
   * `ERR_SRTP_REPEATED_INDEX`. To send again what was lost, use RTX (RFC 4588), or send the protected bytes again.
   */
  readonly allowRepeats?: boolean
}

export interface SrtpReceiverOptions extends SrtpOptions {
  /**
   * How far behind the newest packet of its SSRC an SRTP packet may come, in packets: a power of two from 64 to 32768. Default: 2048,
   * which is longer than retransmission takes.
   */
  readonly replayWindow?: number
  /** The same for SRTCP. Default: 128. */
  readonly rtcpReplayWindow?: number
  /** How many SSRCs may send under this key, of RTP and of RTCP each. Packets of further ones are dropped. Default: 1024. */
  readonly maxSources?: number
}

export const DEFAULT_REPLAY_WINDOW = 2048
export const DEFAULT_RTCP_REPLAY_WINDOW = 128
export const DEFAULT_MAX_SOURCES = 1024

/** Beyond half the sequence numbers a window could not tell the past from the future. */
const LARGEST_WINDOW = 32_768

export function checkWindow(name: string, size: number): number {
  if (Number.isInteger(size) && size >= 64 && size <= LARGEST_WINDOW && (size & (size - 1)) === 0) return size
  throw new SrtpError('ERR_SRTP_ARGUMENT', `${name} must be a power of two from 64 to ${LARGEST_WINDOW}`)
}

/** Returns the value if it is an integer from `least` to `most`; throws `ERR_SRTP_ARGUMENT` if not. */
export function checkInteger(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new SrtpError('ERR_SRTP_ARGUMENT', `${name} must be an integer from ${least} to ${most}`)
}
