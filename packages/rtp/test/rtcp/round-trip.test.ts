import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRtcp, type RtcpPacket, writeRtcp } from '../../src/index.ts'
import { byType, rtcpPacket } from './arbitraries.ts'

fc.configureGlobal({ seed: 3550, numRuns: 200 })

describe('RTCP packets come back as they were written', () => {
  test.each(Object.keys(byType) as RtcpPacket['type'][])('%s', (type) => {
    fc.assert(
      fc.property(byType[type] as fc.Arbitrary<RtcpPacket>, (packet) => {
        expect(parseRtcp(writeRtcp([packet]))).toEqual([packet])
      }),
    )
  })

  test('compound packets', () => {
    fc.assert(
      fc.property(fc.array(rtcpPacket, { minLength: 1, maxLength: 6 }), (packets) => {
        const statuses = packets.reduce((sum, packet) => sum + (packet.type === 'TWCC' ? packet.deltas.length : 0), 0)
        fc.pre(statuses <= 0xffff)
        expect(parseRtcp(writeRtcp(packets))).toEqual(packets)
      }),
      { numRuns: 100 },
    )
  })
})

describe('any bytes', () => {
  test('do not throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parseRtcp(bytes)
        if (bytes.length < 4) return
        // Most random bytes fail at the first check: make the header look right.
        const headed = bytes.slice()
        headed[0] = 0x80 | (bytes[0]! & 0x3f)
        headed[1] = 200 + (bytes[1]! & 7)
        headed[2] = 0
        headed[3] = (bytes.length >>> 2) - 1
        const parsed = parseRtcp(headed.subarray(0, bytes.length & ~3))
        if (parsed !== undefined) writeRtcp(parsed)
      }),
      { numRuns: 2000 },
    )
  })

  test('truncations and mutations do not throw, and what still parses can be written', () => {
    fc.assert(
      fc.property(
        fc.array(rtcpPacket, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 4 }),
        fc.nat(),
        (packets, changes, cut) => {
          const bytes = writeRtcp(packets)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          for (const changed of [bytes, bytes.subarray(0, cut % (bytes.length + 1))]) {
            const parsed = parseRtcp(changed)
            if (parsed !== undefined) parseRtcp(writeRtcp(parsed))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
