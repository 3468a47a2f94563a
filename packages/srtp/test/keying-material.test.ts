import { describe, expect, it } from 'vitest'
import { keyingMaterialLength, splitKeyingMaterial, SrtpReceiver, SrtpSender, srtpKeyLengths } from '../src/index.ts'
import { errorCode, noise } from './bytes.ts'
import { PROFILES, rtpPacket } from './packets.ts'

describe('keying material', () => {
  it('has the lengths of RFC 5764 §4.1.2 and RFC 7714 §12', () => {
    expect(PROFILES.map(srtpKeyLengths)).toEqual([
      { key: 16, salt: 14 },
      { key: 16, salt: 14 },
      { key: 16, salt: 12 },
      { key: 32, salt: 12 },
    ])
    expect(PROFILES.map(keyingMaterialLength)).toEqual([60, 60, 56, 88])
  })

  it('is client key, server key, client salt, server salt (RFC 5764 §4.2)', () => {
    const material = Uint8Array.from({ length: 60 }, (_, i) => i)
    const { local, remote } = splitKeyingMaterial('SRTP_AES128_CM_HMAC_SHA1_80', material, 'client')
    expect([...local.key, ...remote.key, ...local.salt, ...remote.salt]).toEqual([...material])
    const server = splitKeyingMaterial('SRTP_AES128_CM_HMAC_SHA1_80', material, 'server')
    expect(server).toEqual({ local: remote, remote: local })
  })

  it.each(PROFILES)('serves both roles of %s', (profile) => {
    const material = noise(keyingMaterialLength(profile))
    const client = splitKeyingMaterial(profile, material, 'client')
    const server = splitKeyingMaterial(profile, material, 'server')
    const there = new SrtpSender({ profile, ...client.local }).protect(rtpPacket({ seq: 1 }))
    expect(new SrtpReceiver({ profile, ...server.remote }).unprotect(there)).toBeDefined()
    const back = new SrtpSender({ profile, ...server.local }).protect(rtpPacket({ seq: 1 }))
    expect(new SrtpReceiver({ profile, ...client.remote }).unprotect(back)).toBeDefined()
  })

  it('of another length is refused', () => {
    for (const length of [0, 59, 61]) {
      const split = (): unknown => splitKeyingMaterial('SRTP_AES128_CM_HMAC_SHA1_32', noise(length), 'client')
      expect(errorCode(split)).toBe('ERR_SRTP_KEY')
    }
  })
})
