import { describe, expect, it } from 'vitest'
import { SrtpReceiver, SrtpSender } from '../src/index.ts'
import { toHex } from './bytes.ts'
import { keyed, PROFILES, rtpPacket } from './packets.ts'

describe.each(PROFILES)('cryptex, %s', (profile) => {
  const plain = keyed(profile)
  const options = { ...plain, cryptex: true }

  it('hides ids, lengths, values and CSRCs, and gives them back', () => {
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    for (let seq = 0; seq < 200; seq++) {
      const extensionProfile = seq % 2 === 0 ? 0xbede : 0x1000
      const fields = { csrcs: seq % 16, extension: seq % 25, profile: extensionProfile, payload: (seq * 41) % 1200 }
      const packet = rtpPacket({ seq, ...fields })
      const sealed = sender.protect(packet)
      const at = 12 + 4 * fields.csrcs
      expect(toHex(sealed.subarray(0, 12))).toBe(toHex(packet.subarray(0, 12)))
      expect(toHex(sealed.subarray(at, at + 2))).toBe(seq % 2 === 0 ? 'c0de' : 'c2de')
      expect(toHex(sealed.subarray(at + 2, at + 4))).toBe(toHex(packet.subarray(at + 2, at + 4)))
      if (fields.csrcs > 1) expect(toHex(sealed.subarray(12, at))).not.toBe(toHex(packet.subarray(12, at)))
      expect(toHex(receiver.unprotect(sealed))).toBe(toHex(packet))
    }
  })

  it('adds an empty extension to CSRCs that have none', () => {
    const packet = rtpPacket({ seq: 1, csrcs: 2 })
    const opened = new SrtpReceiver(options).unprotect(new SrtpSender(options).protect(packet))!
    const expected = [packet[0]! | 0x10, ...packet.subarray(1, 20), 0xbe, 0xde, 0, 0, ...packet.subarray(20)]
    expect([...opened]).toEqual(expected)
  })

  it('leaves alone what has nothing to hide, and extensions of other kinds', () => {
    const sender = new SrtpSender(options)
    const without = new SrtpSender(plain)
    const receiver = new SrtpReceiver(options)
    for (const fields of [
      { seq: 1 },
      { seq: 2, csrcs: 2, extension: 1, profile: 0x1001 },
      { seq: 3, extension: 3, profile: 0xabcd },
    ]) {
      const packet = rtpPacket(fields)
      const sealed = sender.protect(packet)
      expect(toHex(sealed)).toBe(toHex(without.protect(packet)))
      expect(toHex(receiver.unprotect(sealed))).toBe(toHex(packet))
    }
  })

  it('is understood beside packets without it, and dropped by who did not ask for it', () => {
    const packet = rtpPacket({ seq: 1, extension: 2 })
    const open = new SrtpSender(plain).protect(packet)
    expect(toHex(new SrtpReceiver(options).unprotect(open))).toBe(toHex(packet))
    const receiver = new SrtpReceiver(plain)
    expect(receiver.unprotect(new SrtpSender(options).protect(packet))).toBeUndefined()
    expect(receiver.stats.dropped.cryptex).toBe(1)
  })
})
