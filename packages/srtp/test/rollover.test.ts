import { describe, expect, it } from 'vitest'
import { SrtpReceiver, SrtpSender } from '../src/index.ts'
import { estimateIndex, rolloverCounter } from '../src/packet-index.ts'
import { errorCode, toHex } from './bytes.ts'
import { keyed, PROFILES, rtcpPacket, rtpPacket } from './packets.ts'

const options = keyed('SRTP_AEAD_AES_128_GCM')
const SSRC = 0xdeadbeef

describe('the estimate of an index', () => {
  it('is that of RFC 3711 appendix A', () => {
    const at = (counter: number, sequenceNumber: number): number => counter * 65_536 + sequenceNumber
    const cases: [highest: number, sequenceNumber: number, counter: number][] = [
      [at(5, 100), 101, 5],
      [at(5, 100), 99, 5],
      [at(5, 100), 65_535, 4],
      [at(5, 0), 32_768, 5],
      [at(5, 0), 32_769, 4],
      [at(5, 32_767), 65_535, 5],
      [at(5, 32_768), 0, 5],
      [at(5, 32_769), 0, 6],
      [at(5, 65_535), 0, 6],
      [at(5, 65_535), 32_766, 6],
      [at(5, 65_535), 32_767, 5],
      [at(0xffffffff, 65_535), 0, 0x100000000],
    ]
    for (const [highest, sequenceNumber, counter] of cases) {
      expect(rolloverCounter(estimateIndex(highest, sequenceNumber))).toBe(counter)
      expect(estimateIndex(highest, sequenceNumber) % 65_536).toBe(sequenceNumber)
    }
  })

  it('starts at a rollover counter of 0, and never goes below', () => {
    for (const sequenceNumber of [0, 1, 40_000, 65_535]) {
      expect(estimateIndex(-1, sequenceNumber)).toBe(sequenceNumber)
      expect(estimateIndex(3, sequenceNumber)).toBe(sequenceNumber)
    }
  })
})

describe.each(PROFILES)('%s', (profile) => {
  it('follows sequence numbers round and round, with loss and reordering', () => {
    const sender = new SrtpSender(keyed(profile))
    const receiver = new SrtpReceiver(keyed(profile))
    let held: Uint8Array | undefined
    for (let number = 65_000; number < 3 * 65_536 + 500; number += 211) {
      const sealed = sender.protect(rtpPacket({ seq: number & 0xffff, payload: 20 }))
      if (number % 7 === 0) continue // lost
      if (number % 5 === 0 && held === undefined) {
        held = sealed
        continue
      }
      expect(receiver.unprotect(sealed)).toBeDefined()
      if (held !== undefined) expect(receiver.unprotect(held)).toBeDefined()
      held = undefined
    }
    expect(receiver.stats.dropped.unauthenticated).toBe(0)
  })
})

describe('the rollover counter of a receiver', () => {
  it('is not moved by forged packets', () => {
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    receiver.unprotect(sender.protect(rtpPacket({ seq: 65_500 })))
    for (let seq = 0; seq < 65_536; seq += 500) {
      const forged = rtpPacket({ seq, payload: 60 })
      expect(receiver.unprotect(forged)).toBeUndefined()
    }
    for (let seq = 65_501; seq < 65_536 + 20; seq++) {
      expect(receiver.unprotect(sender.protect(rtpPacket({ seq: seq & 0xffff })))).toBeDefined()
    }
  })

  it('is told to one who joins late, whatever sequence number comes first', () => {
    for (const first of [0, 20_000, 40_000, 65_535]) {
      const sender = new SrtpSender(options)
      const receiver = new SrtpReceiver(options)
      sender.setRolloverCounter(SSRC, 7)
      receiver.setRolloverCounter(SSRC, 7)
      for (let seq = first; seq < first + 10; seq++) {
        const packet = rtpPacket({ seq: seq & 0xffff })
        expect(toHex(receiver.unprotect(sender.protect(packet)))).toBe(toHex(packet))
      }
      const stranger = new SrtpReceiver(options)
      expect(stranger.unprotect(sender.protect(rtpPacket({ seq: (first + 10) & 0xffff })))).toBeUndefined()
      expect(stranger.stats.dropped.unauthenticated).toBe(1)
    }
  })
})

describe('the life of a key', () => {
  it('ends after the last index of an SSRC (RFC 3711 §9.2)', () => {
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    sender.setRolloverCounter(SSRC, 0xffffffff)
    receiver.setRolloverCounter(SSRC, 0xffffffff)
    for (const seq of [65_533, 65_534, 65_535]) {
      expect(receiver.unprotect(sender.protect(rtpPacket({ seq })))).toBeDefined()
    }
    expect(errorCode(() => sender.protect(rtpPacket({ seq: 0 })))).toBe('ERR_SRTP_KEY_EXHAUSTED')
    expect(receiver.unprotect(rtpPacket({ seq: 0, payload: 60 }))).toBeUndefined()
    expect(receiver.stats.dropped.exhausted).toBe(1)
    expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 0, ssrc: 1 })))).toBeDefined()
  })

  it('ends after 2^48 packets of all SSRCs', () => {
    const sender = new SrtpSender(options)
    sender.protect(rtpPacket({ seq: 1 }))
    sender.stats.packets = 2 ** 48
    expect(errorCode(() => sender.protect(rtpPacket({ seq: 2 })))).toBe('ERR_SRTP_KEY_EXHAUSTED')
  })

  it('ends after the last SRTCP index', () => {
    const sender = new SrtpSender(options)
    const receiver = new SrtpReceiver(options)
    sender.setRtcpIndex(SSRC, 2 ** 31 - 2)
    for (let i = 0; i < 2; i++) expect(receiver.unprotectRtcp(sender.protectRtcp(rtcpPacket()))).toBeDefined()
    expect(errorCode(() => sender.protectRtcp(rtcpPacket()))).toBe('ERR_SRTP_KEY_EXHAUSTED')
    sender.stats.rtcpPackets = 2 ** 31
    expect(errorCode(() => sender.protectRtcp(rtcpPacket(1)))).toBe('ERR_SRTP_KEY_EXHAUSTED')
  })
})

describe('a sender', () => {
  it('refuses a sequence number that it used, or that is long past', () => {
    const sender = new SrtpSender(options)
    for (const seq of [5000, 5001, 5003]) sender.protect(rtpPacket({ seq }))
    for (const seq of [5000, 5003, 3979, 0]) {
      expect(errorCode(() => sender.protect(rtpPacket({ seq })))).toBe('ERR_SRTP_REPEATED_INDEX')
    }
    for (const seq of [5002, 3980]) sender.protect(rtpPacket({ seq }))
    expect(sender.stats.packets).toBe(5)
  })

  it('repeats itself if it may, to the byte', () => {
    const sender = new SrtpSender({ ...options, allowRepeats: true })
    const first = toHex(sender.protect(rtpPacket({ seq: 65_535 })))
    sender.protect(rtpPacket({ seq: 0 }))
    sender.protect(rtpPacket({ seq: 30_000 }))
    expect(toHex(sender.protect(rtpPacket({ seq: 65_535 })))).toBe(first)
  })

  it('does not take its counters back', () => {
    const sender = new SrtpSender(options)
    for (const counter of [-1, 2 ** 32, 0.5]) {
      expect(errorCode(() => sender.setRolloverCounter(SSRC, counter))).toBe('ERR_SRTP_ARGUMENT')
      expect(errorCode(() => sender.setRolloverCounter(counter, 1))).toBe('ERR_SRTP_ARGUMENT')
    }
    sender.setRolloverCounter(SSRC, 3)
    sender.protect(rtpPacket({ seq: 1 }))
    for (const counter of [0, 2, 3]) {
      expect(errorCode(() => sender.setRolloverCounter(SSRC, counter))).toBe('ERR_SRTP_ARGUMENT')
    }
    sender.setRolloverCounter(SSRC, 4)
    sender.setRtcpIndex(SSRC, 9)
    for (const index of [8, 2 ** 31, -1]) {
      expect(errorCode(() => sender.setRtcpIndex(SSRC, index))).toBe('ERR_SRTP_ARGUMENT')
    }
    const receiver = new SrtpReceiver(options)
    expect(errorCode(() => receiver.setRolloverCounter(SSRC, -1))).toBe('ERR_SRTP_ARGUMENT')
  })

  it('counts SRTCP packets from 0, for each SSRC', () => {
    const sender = new SrtpSender(options)
    const trailer = (packet: Uint8Array): string => toHex(packet.subarray(packet.length - 4))!
    expect([1, 1, 2, 1].map((ssrc) => trailer(sender.protectRtcp(rtcpPacket(ssrc))))).toEqual([
      '80000000',
      '80000001',
      '80000000',
      '80000002',
    ])
  })
})
