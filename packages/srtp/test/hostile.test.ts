import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SrtpReceiver, SrtpSender } from '../src/index.ts'
import { toHex } from './bytes.ts'
import { keyed, PROFILES, rtcpPacket, rtpPacket } from './packets.ts'

const RUNS = { seed: 3711, numRuns: 400 }

function droppedBy(receiver: SrtpReceiver): number {
  return Object.values(receiver.stats.dropped).reduce((a, b) => a + b)
}

/** Valid headers of all shapes, garbage behind them; and garbage. */
const anyPacket = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(
      fc.nat(15),
      fc.integer({ min: -1, max: 20 }),
      fc.constantFrom(0xbede, 0x1000, 0xc0de, 0xc2de, 0x1234),
      fc.nat(65_535),
      fc.nat(100),
    )
    .map(([csrcs, extension, profile, seq, payload]) => rtpPacket({ seq, csrcs, extension, profile, payload })),
)

/** What to do to a packet: cut it, flip bits, or both. */
const mutation = fc.record({
  cut: fc.option(fc.nat(200), { nil: 0 }),
  flips: fc.array(fc.tuple(fc.nat(400), fc.nat(7)), { maxLength: 4 }),
})

function mutate(packet: Uint8Array, cut: number, flips: readonly (readonly [number, number])[]): Uint8Array {
  const result = packet.slice(0, Math.max(0, packet.length - cut))
  for (const [at, bit] of flips) if (result.length > 0) result[at % result.length]! ^= 1 << bit
  return result
}

describe.each(PROFILES.flatMap((profile) => [false, true].map((cryptex) => ({ profile, cryptex }))))(
  '$profile, cryptex $cryptex',
  ({ profile, cryptex }) => {
    const options = { ...keyed(profile), cryptex }

    it('drops and counts arbitrary bytes, and remembers nothing of them', () => {
      const receiver = new SrtpReceiver({ ...options, maxSources: 1 })
      let fed = 0
      fc.assert(
        fc.property(anyPacket, (bytes) => {
          expect(receiver.unprotect(bytes.slice())).toBeUndefined()
          expect(receiver.unprotectRtcp(bytes.slice())).toBeUndefined()
          fed += 2
          expect(droppedBy(receiver)).toBe(fed)
        }),
        RUNS,
      )
      expect(receiver.stats.packets + receiver.stats.rtcpPackets).toBe(0)
      const sender = new SrtpSender(options)
      expect(receiver.unprotect(sender.protect(rtpPacket({ seq: 40_000 })))).toBeDefined()
      expect(receiver.unprotectRtcp(sender.protectRtcp(rtcpPacket()))).toBeDefined()
    })

    it('drops mutations of real packets, and the real ones pass behind them', () => {
      const sender = new SrtpSender(options)
      const receiver = new SrtpReceiver(options)
      let seq = 65_000
      fc.assert(
        fc.property(
          fc.nat(3),
          fc.integer({ min: -1, max: 3 }),
          fc.nat(60),
          mutation,
          (csrcs, extension, payload, m) => {
            const packet = rtpPacket({ seq: seq++ & 0xffff, csrcs, extension, payload })
            const sealed = sender.protect(packet)
            const mutated = mutate(sealed, m.cut, m.flips)
            if (toHex(mutated) !== toHex(sealed)) expect(receiver.unprotect(mutated)).toBeUndefined()
            const opened = receiver.unprotect(sealed)!
            // Cryptex adds an empty extension to CSRCs that have none (RFC 9335 §5.1).
            if (cryptex && csrcs > 0 && extension < 0) expect(opened.length).toBe(packet.length + 4)
            else expect(toHex(opened)).toBe(toHex(packet))

            const rtcp = rtcpPacket(7, 8 + 4 * (payload % 10))
            const sealedRtcp = sender.protectRtcp(rtcp)
            const mutatedRtcp = mutate(sealedRtcp, m.cut, m.flips)
            if (toHex(mutatedRtcp) !== toHex(sealedRtcp)) expect(receiver.unprotectRtcp(mutatedRtcp)).toBeUndefined()
            expect(toHex(receiver.unprotectRtcp(sealedRtcp))).toBe(toHex(rtcp))
          },
        ),
        RUNS,
      )
    })

    it('leaves a packet that is not authentic as it was', () => {
      const receiver = new SrtpReceiver(options)
      const sealed = new SrtpSender(options).protect(rtpPacket({ seq: 1, csrcs: 3, extension: 2 }))
      sealed[sealed.length - 1]! ^= 1
      const before = toHex(sealed)
      expect(receiver.unprotect(sealed)).toBeUndefined()
      expect(toHex(sealed)).toBe(before)
    })

    it('names what is too short or malformed', () => {
      const receiver = new SrtpReceiver(options)
      const sealed = new SrtpSender(options).protect(rtpPacket({ seq: 1, csrcs: 3, extension: 5, payload: 0 }))
      for (let length = 0; length < sealed.length; length++) receiver.unprotect(sealed.slice(0, length))
      const { tooShort, malformed } = receiver.stats.dropped
      const tag = sealed.length - 48
      expect([tooShort, malformed]).toEqual([12 + tag, 36])
      sealed[0] = 0x40 | (sealed[0]! & 0x3f)
      receiver.unprotect(sealed)
      expect(receiver.stats.dropped.malformed).toBe(37)
    })
  },
)

describe.each(PROFILES)('%s', (profile) => {
  it('drops SRTCP that is not encrypted, before anything is computed', () => {
    const receiver = new SrtpReceiver(keyed(profile))
    const sealed = new SrtpSender(keyed(profile)).protectRtcp(rtcpPacket())
    sealed[sealed.length - (profile.includes('GCM') ? 4 : 14)]! &= 0x7f
    expect(receiver.unprotectRtcp(sealed)).toBeUndefined()
    expect(receiver.stats.dropped).toMatchObject({ unencrypted: 1, unauthenticated: 0 })
  })
})
