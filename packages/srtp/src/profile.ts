import { SrtpError } from './errors.ts'

/** SRTP protection profiles by their IANA names (RFC 5764 §4.1.2, RFC 7714 §14.2). */
export type SrtpProfile =
  'SRTP_AES128_CM_HMAC_SHA1_80' | 'SRTP_AES128_CM_HMAC_SHA1_32' | 'SRTP_AEAD_AES_128_GCM' | 'SRTP_AEAD_AES_256_GCM'

/** What a profile stands for. Lengths in bytes. */
export interface ProfileParameters {
  readonly aead: boolean
  readonly keyLength: number
  readonly saltLength: number
  readonly rtpTagLength: number
  readonly rtcpTagLength: number
}

const PARAMETERS: Readonly<Record<SrtpProfile, ProfileParameters>> = {
  SRTP_AES128_CM_HMAC_SHA1_80: { aead: false, keyLength: 16, saltLength: 14, rtpTagLength: 10, rtcpTagLength: 10 },
  // RFC 5764 §4.1.2: the short tag is for RTP only.
  SRTP_AES128_CM_HMAC_SHA1_32: { aead: false, keyLength: 16, saltLength: 14, rtpTagLength: 4, rtcpTagLength: 10 },
  SRTP_AEAD_AES_128_GCM: { aead: true, keyLength: 16, saltLength: 12, rtpTagLength: 16, rtcpTagLength: 16 },
  SRTP_AEAD_AES_256_GCM: { aead: true, keyLength: 32, saltLength: 12, rtpTagLength: 16, rtcpTagLength: 16 },
}

/** Throws `ERR_SRTP_PROFILE` for a name that is none of a profile. */
export function profileParameters(profile: SrtpProfile): ProfileParameters {
  if (Object.hasOwn(PARAMETERS, profile)) return PARAMETERS[profile]
  throw new SrtpError('ERR_SRTP_PROFILE', `unknown protection profile: ${String(profile)}`)
}

/** Lengths in bytes of a profile's master key and master salt. Throws `ERR_SRTP_PROFILE` for an unknown one. */
export function srtpKeyLengths(profile: SrtpProfile): { key: number; salt: number } {
  const { keyLength, saltLength } = profileParameters(profile)
  return { key: keyLength, salt: saltLength }
}
