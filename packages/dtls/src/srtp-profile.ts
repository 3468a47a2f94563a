/** SRTP protection profiles by their IANA names (RFC 5764 §4.1.2, RFC 7714 §14.2). */
export type SrtpProfile =
  'SRTP_AES128_CM_HMAC_SHA1_80' | 'SRTP_AES128_CM_HMAC_SHA1_32' | 'SRTP_AEAD_AES_128_GCM' | 'SRTP_AEAD_AES_256_GCM'

const IDS: Record<SrtpProfile, number> = {
  SRTP_AES128_CM_HMAC_SHA1_80: 0x0001,
  SRTP_AES128_CM_HMAC_SHA1_32: 0x0002,
  SRTP_AEAD_AES_128_GCM: 0x0007,
  SRTP_AEAD_AES_256_GCM: 0x0008,
}

const NAMES = new Map<number, SrtpProfile>(Object.entries(IDS).map(([name, id]) => [id, name as SrtpProfile]))

export function srtpProfileId(profile: SrtpProfile): number | undefined {
  return IDS[profile]
}

export function srtpProfileOf(id: number): SrtpProfile | undefined {
  return NAMES.get(id)
}
