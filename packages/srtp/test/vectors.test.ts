import { defaultProvider, nobleProvider } from '@kaon/crypto'
import { describe, expect, it } from 'vitest'
import { AesCmCipher } from '../src/cipher/aes-cm.ts'
import { AesGcmCipher } from '../src/cipher/aes-gcm.ts'
import { NO_AAD } from '../src/cipher/types.ts'
import { SrtpReceiver, SrtpSender } from '../src/index.ts'
import { deriveSessionKeys } from '../src/key-derivation.ts'
import { setRtcpAad } from '../src/srtcp.ts'
import { hex, toHex } from './bytes.ts'
import * as rfc3711 from './vectors/rfc3711.ts'
import { RFC7714_KEY_256, RFC7714_RTCP, RFC7714_RTP, RFC7714_SALT, RFC7714_VECTORS } from './vectors/rfc7714.ts'
import { RFC9335_VECTORS } from './vectors/rfc9335.ts'

describe.each([defaultProvider, nobleProvider])('with $name', (crypto) => {
  it('derives the session keys of RFC 3711 appendix B.3', () => {
    const { rtp } = deriveSessionKeys(crypto, 'SRTP_AES128_CM_HMAC_SHA1_80', {
      key: hex(rfc3711.MASTER_KEY),
      salt: hex(rfc3711.MASTER_SALT),
    })
    expect(toHex(rtp.cipherKey)).toBe(rfc3711.CIPHER_KEY)
    expect(toHex(rtp.salt)).toBe(rfc3711.CIPHER_SALT)
    expect(toHex(rtp.authenticationKey)).toBe(rfc3711.AUTHENTICATION_KEY)
  })

  it('makes the key stream of RFC 3711 appendix B.2', () => {
    const keys = {
      cipherKey: hex(rfc3711.KEYSTREAM_KEY),
      salt: hex(rfc3711.KEYSTREAM_SALT),
      authenticationKey: new Uint8Array(20),
    }
    const cipher = new AesCmCipher(crypto, keys, 10)
    const stream = new Uint8Array(16 * 0xff02)
    cipher.encrypt(0, 0, 0, NO_AAD, stream, stream, 0)
    expect(toHex(stream.subarray(0, 48))).toBe(rfc3711.KEYSTREAM_START)
    expect(toHex(stream.subarray(16 * 0xfeff))).toBe(rfc3711.KEYSTREAM_END)
  })

  it.each(RFC7714_VECTORS)('protects what RFC 7714 §16 and §17 do, key of $keyLength bytes', (vector) => {
    const key = hex(RFC7714_KEY_256).subarray(0, vector.keyLength)
    const keys = { cipherKey: key, salt: hex(RFC7714_SALT), authenticationKey: new Uint8Array(0) }
    const cipher = new AesGcmCipher(crypto, keys)

    const rtp = hex(RFC7714_RTP)
    const srtp = new Uint8Array(rtp.length + 16)
    srtp.set(rtp.subarray(0, 12))
    cipher.encrypt(0x5501a0b2, 0, 0xf17b, rtp.subarray(0, 12), rtp.subarray(12), srtp, 12)
    expect(toHex(srtp)).toBe(vector.srtp)
    expect(cipher.decrypt(0x5501a0b2, 0, 0xf17b, rtp.subarray(0, 12), srtp, 12, rtp.length)).toBe(true)
    expect(toHex(srtp.subarray(0, rtp.length))).toBe(RFC7714_RTP)

    const rtcp = hex(RFC7714_RTCP)
    const srtcp = hex(vector.srtcp)
    const aad = new Uint8Array(12)
    setRtcpAad(aad, srtcp, 0, srtcp.length - 4)
    const made = srtcp.slice()
    made.set(rtcp)
    cipher.encrypt(0x4d617273, 0, 0x5d4, aad, rtcp.subarray(8), made, 8)
    expect(toHex(made)).toBe(vector.srtcp)
    expect(cipher.decrypt(0x4d617273, 0, 0x5d4, aad, srtcp, 8, rtcp.length)).toBe(true)
    expect(toHex(srtcp.subarray(0, rtcp.length))).toBe(RFC7714_RTCP)
  })

  it.each(RFC9335_VECTORS)('encrypts headers as RFC 9335 appendix A, $profile', ({ profile, key, salt, packets }) => {
    const options = { profile, key: hex(key), salt: hex(salt), crypto, cryptex: true }
    for (const { name, rtp, srtp } of packets) {
      const packet = hex(rtp)
      const headerLength = packet.length - 16
      expect(toHex(new SrtpSender(options).protect(packet)), name).toBe(srtp)
      const split = new SrtpSender(options).protect(packet.subarray(0, headerLength), packet.subarray(headerLength))
      expect(toHex(split), name).toBe(srtp)
      expect(toHex(packet), name).toBe(rtp)
      expect(toHex(new SrtpReceiver(options).unprotect(hex(srtp))), name).toBe(rtp)
    }
  })
})
