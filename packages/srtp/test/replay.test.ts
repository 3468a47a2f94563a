import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SrtpReceiver, SrtpSender, type SrtpReceiverOptions } from '../src/index.ts'
import { ReplayWindow } from '../src/replay-window.ts'
import { keyed, rtcpPacket, rtpPacket } from './packets.ts'

const options = keyed('SRTP_AEAD_AES_128_GCM')

/** Sealed packets, by sequence number from `from` on. */
function sealedPackets(count: number, from = 0): Uint8Array[] {
  const sender = new SrtpSender(options)
  return Array.from({ length: count }, (_, i) => sender.protect(rtpPacket({ seq: (from + i) & 0xffff, payload: 4 })))
}

describe('the replay window', () => {
  it('is what a set of everything seen would be', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 200 }), fc.constantFrom(64, 128), (steps, size) => {
        const window = new ReplayWindow(size)
        const seen = new Set<number>()
        let highest = -1
        for (const step of steps) {
          const index = Math.max(0, highest + (step % 200) - 130 + (step > 390 ? 300 : 0)) + (highest < 0 ? 2 ** 40 : 0)
          expect(window.highest).toBe(highest)
          expect(window.isTooOld(index)).toBe(index <= highest - size)
          if (window.isTooOld(index)) continue
          expect(window.wasSeen(index)).toBe(seen.has(index))
          window.markSeen(index)
          seen.add(index)
          highest = Math.max(highest, index)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('lets each packet pass once', () => {
    const receiver = new SrtpReceiver(options)
    const packets = sealedPackets(100, 65_500)
    for (const packet of packets) expect(receiver.unprotect(packet.slice())).toBeDefined()
    for (const packet of packets) expect(receiver.unprotect(packet.slice())).toBeUndefined()
    expect(receiver.stats.dropped.replayed).toBe(100)
    expect(receiver.stats.packets).toBe(100)
  })

  it.each<[SrtpReceiverOptions['replayWindow'], number]>([
    [undefined, 2048],
    [64, 64],
    [32_768, 32_768],
  ])('of %s takes what is late by less than %i', (replayWindow, size) => {
    const packets = sealedPackets(size + 10)
    const receiver = new SrtpReceiver({ ...options, ...(replayWindow === undefined ? {} : { replayWindow }) })
    expect(receiver.unprotect(packets[10]!)).toBeDefined()
    expect(receiver.unprotect(packets[size + 8]!)).toBeDefined()
    expect(receiver.unprotect(packets[8]!)).toBeUndefined()
    expect(receiver.stats.dropped.tooOld).toBe(1)
    expect(receiver.unprotect(packets[9]!)).toBeDefined()
  })

  it('exists for SRTCP too', () => {
    const sender = new SrtpSender(options)
    const packets = Array.from({ length: 140 }, () => sender.protectRtcp(rtcpPacket()))
    const receiver = new SrtpReceiver(options)
    for (const at of [0, 5, 130, 4, 129]) expect(receiver.unprotectRtcp(packets[at]!.slice())).toBeDefined()
    for (const at of [5, 130, 4]) expect(receiver.unprotectRtcp(packets[at]!.slice())).toBeUndefined()
    for (const at of [0, 1, 2]) expect(receiver.unprotectRtcp(packets[at]!.slice())).toBeUndefined()
    expect(receiver.stats.dropped).toMatchObject({ replayed: 3, tooOld: 3, unauthenticated: 0 })
    expect(new SrtpReceiver({ ...options, rtcpReplayWindow: 64 }).unprotectRtcp(packets[0]!)).toBeDefined()
  })
})

describe('sources', () => {
  it('are refused beyond the limit, and only genuine ones count', () => {
    const receiver = new SrtpReceiver({ ...options, maxSources: 3 })
    const sender = new SrtpSender(options)
    for (let ssrc = 100; ssrc < 200; ssrc++) receiver.unprotect(rtpPacket({ seq: 1, ssrc }))
    for (let ssrc = 100; ssrc < 200; ssrc++) receiver.unprotectRtcp(sender.protectRtcp(rtcpPacket(ssrc)).fill(1, 8, 12))
    expect(receiver.stats.dropped.tooManySources).toBe(0)
    for (const ssrc of [1, 2, 3]) {
      expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 1, ssrc })))).toBeDefined()
      expect(receiver.unprotectRtcp(sender.protectRtcp(rtcpPacket(ssrc)))).toBeDefined()
    }
    expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 1, ssrc: 4 })))).toBeUndefined()
    expect(receiver.unprotectRtcp(sender.protectRtcp(rtcpPacket(4)))).toBeUndefined()
    expect(receiver.stats.dropped.tooManySources).toBe(2)
    expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 2, ssrc: 1 })))).toBeDefined()
    receiver.forget(2)
    expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 2, ssrc: 4 })))).toBeDefined()
    expect(receiver.unprotectRtcp(sender.protectRtcp(rtcpPacket(4)))).toBeDefined()
    receiver.forget(4)
    receiver.forget(1)
    expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 3, ssrc: 4 })))).toBeDefined()
  })

  it('are 1024 by default', () => {
    const receiver = new SrtpReceiver(options)
    const sender = new SrtpSender(options)
    for (let ssrc = 0; ssrc < 1030; ssrc++) receiver.unprotect(sender.protect(rtpPacket({ seq: 1, ssrc, payload: 0 })))
    expect(receiver.stats.packets).toBe(1024)
    expect(receiver.stats.dropped.tooManySources).toBe(6)
  })

  it('have indices of their own', () => {
    const receiver = new SrtpReceiver(options)
    const sender = new SrtpSender(options)
    for (let number = 65_000; number < 67_000; number += 11) {
      for (const ssrc of [1, 2, 0xffffffff]) {
        const seq = (number + (ssrc & 3) * 700) & 0xffff
        expect(receiver.unprotect(sender.protect(rtpPacket({ seq, ssrc, payload: 4 })))).toBeDefined()
      }
    }
  })
})
