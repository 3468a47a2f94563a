import { defaultProvider, nobleProvider } from '@kaon/crypto'
import { describe, expect, it } from 'vitest'
import { SrtpReceiver, SrtpSender } from '../src/index.ts'
import { errorCode, toHex } from './bytes.ts'
import { keyed, PROFILES, rtcpPacket, rtpPacket } from './packets.ts'

const CASES = PROFILES.flatMap((profile) => [defaultProvider, nobleProvider].map((crypto) => ({ profile, crypto })))

describe.each(CASES)('$profile with $crypto.name', ({ profile, crypto }) => {
  const options = { ...keyed(profile), crypto }

  it('brings RTP across, whole or in two parts, and changes neither', () => {
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    for (let i = 0; i < 60; i++) {
      const packet = rtpPacket({ seq: i, csrcs: i % 16, extension: (i % 20) - 1, payload: (i * 29) % 1300 })
      const before = toHex(packet)
      const header = packet.length - ((i * 29) % 1300)
      const sealed =
        i % 2 === 0 ? sender.protect(packet) : sender.protect(packet.subarray(0, header), packet.subarray(header))
      expect(toHex(packet)).toBe(before)
      expect(toHex(sealed.subarray(0, header))).toBe(toHex(packet.subarray(0, header)))
      const opened = receiver.unprotect(sealed)!
      expect(toHex(opened)).toBe(before)
      expect(opened.buffer).toBe(sealed.buffer)
    }
    expect(sender.stats.packets).toBe(60)
    expect(receiver.stats.packets).toBe(60)
  })

  it('brings RTCP across', () => {
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    for (let i = 0; i < 40; i++) {
      const packet = rtcpPacket(i % 3, 8 + 4 * i)
      const sealed = sender.protectRtcp(packet)
      expect(toHex(sealed.subarray(0, 8))).toBe(toHex(packet.subarray(0, 8)))
      expect(toHex(receiver.unprotectRtcp(sealed))).toBe(toHex(packet))
    }
    expect([sender.stats.rtcpPackets, receiver.stats.rtcpPackets]).toEqual([40, 40])
  })

  it('drops what another key, another SSRC, another number or a flipped bit made', () => {
    const receiver = new SrtpReceiver(options)
    const other = new SrtpSender({ ...keyed(profile, 100), crypto })
    expect(receiver.unprotect(other.protect(rtpPacket({ seq: 1 })))).toBeUndefined()
    expect(receiver.unprotectRtcp(other.protectRtcp(rtcpPacket()))).toBeUndefined()
    const sealed = new SrtpSender(options).protect(rtpPacket({ seq: 1 }))
    for (const at of [1, 3, 5, 9, 12, 30, sealed.length - 1]) {
      const forged = sealed.slice()
      forged[at]! ^= 1
      expect(receiver.unprotect(forged)).toBeUndefined()
    }
    const sealedRtcp = new SrtpSender(options).protectRtcp(rtcpPacket())
    for (const at of [1, 3, 5, 9, 20, sealedRtcp.length - 1, sealedRtcp.length - 11]) {
      const forged = sealedRtcp.slice()
      forged[at]! ^= 1
      expect(receiver.unprotectRtcp(forged)).toBeUndefined()
    }
    expect(receiver.stats.dropped.unauthenticated).toBe(16)
    expect(receiver.unprotect(sealed)).toBeDefined()
    expect(receiver.unprotectRtcp(sealedRtcp)).toBeDefined()
  })
})

describe('one payload for many receivers', () => {
  it('is shared and left alone', () => {
    const payload = rtpPacket({ seq: 9, payload: 1000 }).subarray(12)
    const before = toHex(payload)
    for (let i = 0; i < 20; i++) {
      const options = keyed('SRTP_AEAD_AES_128_GCM', i)
      const header = rtpPacket({ seq: i, ssrc: i, payload: 0 })
      const opened = new SrtpReceiver(options).unprotect(new SrtpSender(options).protect(header, payload))
      expect(toHex(opened)).toBe(toHex(header)! + before)
    }
    expect(toHex(payload)).toBe(before)
  })
})

describe('packets that were returned', () => {
  it('stay as they are while more are made', () => {
    const options = keyed('SRTP_AES128_CM_HMAC_SHA1_80')
    const sender = new SrtpSender(options)
    const sealed = Array.from({ length: 300 }, (_, seq) => sender.protect(rtpPacket({ seq, payload: 1100 })))
    const receiver = new SrtpReceiver(options)
    for (const [seq, packet] of sealed.entries()) {
      expect(toHex(receiver.unprotect(packet))).toBe(toHex(rtpPacket({ seq, payload: 1100 })))
    }
  })

  it('may be larger than any slab', () => {
    const options = keyed('SRTP_AEAD_AES_256_GCM')
    const packet = rtpPacket({ seq: 1, payload: 100_000 })
    expect(toHex(new SrtpReceiver(options).unprotect(new SrtpSender(options).protect(packet)))).toBe(toHex(packet))
  })
})

describe('misuse', () => {
  const options = keyed('SRTP_AES128_CM_HMAC_SHA1_80')

  it('of what is no packet', () => {
    const sender = new SrtpSender(options)
    const packet = rtpPacket({ seq: 1, csrcs: 2, extension: 1 })
    const version1 = packet.slice()
    version1[0] = 0x40
    const split: [Uint8Array, Uint8Array?][] = [
      [new Uint8Array(0)],
      [packet.subarray(0, 11)],
      [packet.subarray(0, 19)],
      [packet.subarray(0, 23)],
      [packet.subarray(0, 27)],
      [version1],
      [packet.subarray(0, 12), packet.subarray(12)],
      [packet.subarray(0, 30), packet.subarray(30)],
    ]
    for (const [header, payload] of split)
      expect(errorCode(() => sender.protect(header, payload))).toBe('ERR_SRTP_PACKET')
    for (const bytes of [new Uint8Array(0), rtcpPacket().subarray(0, 7), version1]) {
      expect(errorCode(() => sender.protectRtcp(bytes))).toBe('ERR_SRTP_PACKET')
    }
    expect(sender.stats).toEqual({ packets: 0, rtcpPackets: 0 })
  })

  it('of keys, profiles and options', () => {
    const none = 'SRTP_NULL_HMAC_SHA1_80' as 'SRTP_AES128_CM_HMAC_SHA1_80'
    expect(errorCode(() => new SrtpSender({ ...options, profile: none }))).toBe('ERR_SRTP_PROFILE')
    expect(errorCode(() => new SrtpSender({ ...options, profile: 'toString' as typeof none }))).toBe('ERR_SRTP_PROFILE')
    expect(errorCode(() => new SrtpSender({ ...options, key: new Uint8Array(15) }))).toBe('ERR_SRTP_KEY')
    expect(errorCode(() => new SrtpReceiver({ ...options, salt: new Uint8Array(12) }))).toBe('ERR_SRTP_KEY')
    for (const size of [0, 32, 63, 65, 1000, 65_536, Number.NaN, 128.5]) {
      expect(errorCode(() => new SrtpReceiver({ ...options, replayWindow: size }))).toBe('ERR_SRTP_ARGUMENT')
      expect(errorCode(() => new SrtpReceiver({ ...options, rtcpReplayWindow: size }))).toBe('ERR_SRTP_ARGUMENT')
    }
    expect(errorCode(() => new SrtpReceiver({ ...options, maxSources: 0 }))).toBe('ERR_SRTP_ARGUMENT')
  })

  it('does not keep the caller’s key', () => {
    const key = options.key.slice()
    const salt = options.salt.slice()
    const sender = new SrtpSender({ ...options, key, salt })
    key.fill(0)
    salt.fill(0)
    expect(new SrtpReceiver(options).unprotect(sender.protect(rtpPacket({ seq: 1 })))).toBeDefined()
  })
})
