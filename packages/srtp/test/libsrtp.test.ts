import { defaultProvider, nobleProvider } from '@kaon/crypto'
import { describe, expect, it } from 'vitest'
import { SrtpReceiver, SrtpSender } from '../src/index.ts'
import { hex, toHex } from './bytes.ts'
import { LIBSRTP_VECTORS } from './vectors/libsrtp.ts'

describe.each([defaultProvider, nobleProvider])('beside libsrtp, with $name', (crypto) => {
  it.each(LIBSRTP_VECTORS)('$profile', ({ profile, key, salt, rtp, rtcp }) => {
    const options = { profile, key: hex(key), salt: hex(salt), crypto }
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    for (const [plain, sealed] of rtp) {
      expect(toHex(sender.protect(hex(plain)))).toBe(sealed)
      expect(toHex(receiver.unprotect(hex(sealed)))).toBe(plain)
    }
    for (const ssrc of [0x0a0a0a0a, 0x22222222]) sender.setRtcpIndex(ssrc, 1)
    for (const [plain, sealed] of rtcp) {
      const made = toHex(sender.protectRtcp(hex(plain)))
      expect(made).toBe(sealed)
      expect(toHex(receiver.unprotectRtcp(hex(sealed)))).toBe(plain)
    }
    expect(receiver.stats.packets).toBe(rtp.length)
    expect(receiver.stats.rtcpPackets).toBe(rtcp.length)
  })
})
