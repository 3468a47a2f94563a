import { describe, expect, test } from 'vitest'
import { parseRtcp, type RtcpPacket, writeRtcp } from '../../src/index.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

const block = {
  ssrc: 0x01020304,
  fractionLost: 0x40,
  packetsLost: -2,
  extendedHighestSequenceNumber: 0x0001ffff,
  jitter: 5,
  lastSenderReport: 0xb7052000,
  delaySinceLastSenderReport: 0x00054000,
}
const blockBytes = '01020304 40fffffe 0001ffff 00000005 b7052000 00054000'

/** Written out from the diagrams of the specifications. */
const vectors: [string, string, RtcpPacket[]][] = [
  [
    'SR, RFC 3550 §6.4.1',
    `81c8000c 0000cafe b44db705 20000000 00000064 00000007 000004d2 ${blockBytes}`,
    [
      {
        type: 'SR',
        ssrc: 0xcafe,
        ntpTimestamp: 0xb44db70520000000n,
        rtpTimestamp: 100,
        packetCount: 7,
        octetCount: 1234,
        reports: [block],
      },
    ],
  ],
  ['RR, §6.4.2', `81c90007 0000cafe ${blockBytes}`, [{ type: 'RR', ssrc: 0xcafe, reports: [block] }]],
  [
    'SDES, §6.5',
    '82ca0006 00000001 01026162 00000000 00000002 01016308 016400 00',
    [
      {
        type: 'SDES',
        chunks: [
          { ssrc: 1, items: [{ type: 1, text: 'ab' }] },
          {
            ssrc: 2,
            items: [
              { type: 1, text: 'c' },
              { type: 8, text: 'd' },
            ],
          },
        ],
      },
    ],
  ],
  ['BYE, §6.6', '82cb0004 00000001 00000002 04677569 74000000', [{ type: 'BYE', ssrcs: [1, 2], reason: 'guit' }]],
  [
    'APP, §6.7',
    '85cc0003 00000001 4b616f6e 01020304',
    [{ type: 'APP', subtype: 5, ssrc: 1, name: 'Kaon', data: bytes('01020304') }],
  ],
  [
    'generic NACK, RFC 4585 §6.2.1',
    '81cd0004 00000001 00000002 ffff8001 00140000',
    [{ type: 'NACK', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [65535, 0, 15, 20] }],
  ],
  ['PLI, RFC 4585 §6.3.1', '81ce0002 00000001 00000002', [{ type: 'PLI', senderSsrc: 1, mediaSsrc: 2 }]],
  [
    'FIR, RFC 5104 §4.3.1',
    '84ce0004 00000001 00000000 00000002 07000000',
    [{ type: 'FIR', senderSsrc: 1, entries: [{ ssrc: 2, sequenceNumber: 7 }] }],
  ],
  [
    'REMB, draft-alvestrand-rmcat-remb §2.2',
    '8fce0005 00000001 00000000 52454d42 010fffff 00000002',
    [{ type: 'REMB', senderSsrc: 1, bitrate: 0x3ffff * 8, ssrcs: [2] }],
  ],
  [
    'CCFB, RFC 8888 §3.1',
    '8bcd0006 00000001 00000002 fffe0003 80000000 ffff0000 12345678',
    [
      {
        type: 'CCFB',
        senderSsrc: 1,
        streams: [
          {
            ssrc: 2,
            beginSequenceNumber: 0xfffe,
            reports: [
              { received: true, ecn: 0, arrivalTimeOffset: 0 },
              { received: false, ecn: 0, arrivalTimeOffset: 0 },
              { received: true, ecn: 3, arrivalTimeOffset: 0x1fff },
            ],
          },
        ],
        reportTimestamp: 0x12345678,
      },
    ],
  ],
  [
    'XR with RRTR, DLRR and a block of another kind, RFC 3611 §4.4 and §4.5',
    '80cf000a 00000001 04000002 b44db705 20000000 05000003 00000002 b7052000 00010000 c8550001 01020304',
    [
      {
        type: 'XR',
        ssrc: 1,
        blocks: [
          { type: 'RRTR', ntpTimestamp: 0xb44db70520000000n },
          {
            type: 'DLRR',
            reports: [{ ssrc: 2, lastReceiverReport: 0xb7052000, delaySinceLastReceiverReport: 0x10000 }],
          },
          { type: 'unknown', blockType: 200, typeSpecific: 0x55, data: bytes('01020304') },
        ],
      },
    ],
  ],
  [
    'a packet of another kind',
    '83d10001 01020304',
    [{ type: 'unknown', packetType: 209, count: 3, body: bytes('01020304') }],
  ],
  [
    'feedback of another format',
    '83cd0003 00000001 00000002 01020304',
    [{ type: 'unknown', packetType: 205, count: 3, body: bytes('00000001 00000002 01020304') }],
  ],
  [
    'application layer feedback that is not REMB',
    '8fce0003 00000001 00000002 01020304',
    [{ type: 'unknown', packetType: 206, count: 15, body: bytes('00000001 00000002 01020304') }],
  ],
]

describe('RTCP by hand', () => {
  test.each(vectors)('%s', (_, text, packets) => {
    expect(parseRtcp(bytes(text))).toEqual(packets)
    expect(hex(writeRtcp(packets))).toBe(hex(bytes(text)))
  })

  test('a compound packet and one of reduced size', () => {
    const text = '80c90001 00000001 81ca0002 00000001 01016100 81ce0002 00000001 00000002'
    expect(parseRtcp(bytes(text))!.map(({ type }) => type)).toEqual(['RR', 'SDES', 'PLI'])
    expect(parseRtcp(bytes('81ce0002 00000001 00000002'))).toHaveLength(1)
  })

  test('a report may have more behind its blocks (a profile’s, §6.4.3)', () => {
    expect(parseRtcp(bytes('80c90002 00000001 deadbeef'))).toEqual([{ type: 'RR', ssrc: 1, reports: [] }])
  })

  test('an SDES chunk may lack its null at the end of the packet', () => {
    expect(parseRtcp(bytes('81ca0002 00000001 01026162'))).toEqual([
      { type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: 1, text: 'ab' }] }] },
    ])
  })

  test('padding, on whichever packet and in whichever amount', () => {
    const pli = { type: 'PLI', senderSsrc: 1, mediaSsrc: 2 }
    expect(parseRtcp(bytes('a1ce0003 00000001 00000002 00000004'))).toEqual([pli])
    expect(parseRtcp(bytes('a1ce0003 00000001 00000002 00000004 81ce0002 00000001 00000002'))).toEqual([pli, pli])
    expect(parseRtcp(bytes('a1ce0003 00000001 00000002 00000001'))).toEqual([pli])
    expect(parseRtcp(bytes('a1ce0002 00000001 00000000'))).toBeUndefined()
    expect(parseRtcp(bytes('a1ce0002 00000001 00000009'))).toBeUndefined()
    expect(parseRtcp(bytes('a0c90000'))).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['half a header', '80c9'],
    ['version 1', '40c90001 00000001'],
    ['longer than the datagram', '80c90002 00000001'],
    ['rubbish behind a packet', '80c90001 00000001 80'],
    ['another version behind a packet', '80c90001 00000001 00000000'],
    ['SR too short', '80c80001 00000001'],
    ['RR with fewer blocks than counted', '81c90001 00000001'],
    ['RR without its SSRC', '80c90000'],
    ['SDES with fewer chunks than counted', '82ca0002 00000001 01016100'],
    ['SDES item that overruns', '81ca0002 00000001 01056162'],
    ['SDES item without a length', '81ca0002 00000001 01016101'],
    ['BYE with fewer sources than counted', '82cb0001 00000001'],
    ['BYE with a reason that overruns', '81cb0002 00000001 04616263'],
    ['APP without a name', '80cc0001 00000001'],
    ['NACK of nothing', '81cd0002 00000001 00000002'],
    ['PLI too short', '81ce0001 00000001'],
    ['FIR of nothing', '84ce0002 00000001 00000000'],
    ['FIR with half an entry', '84ce0003 00000001 00000000 00000002'],
    ['REMB with fewer sources than counted', '8fce0005 00000001 00000000 52454d42 020fffff 00000002'],
    ['TWCC too short', '8fcd0003 00000001 00000002 00000001'],
    ['TWCC without chunks', '8fcd0004 00000001 00000002 00000001 00000000'],
    ['TWCC without deltas', '8fcd0005 00000001 00000002 00000009 00000000 20090000'],
    ['TWCC with a reserved symbol', '8fcd0005 00000001 00000002 00000001 00000000 60010000'],
    ['CCFB without a timestamp', '8bcd0001 00000001'],
    ['CCFB with half a stream', '8bcd0003 00000001 00000002 12345678'],
    ['CCFB with fewer reports than counted', '8bcd0005 00000001 00000002 00000003 80000000 12345678'],
    ['XR without its SSRC', '80cf0000'],
    ['XR block that overruns', '80cf0002 00000001 04000002'],
    ['RRTR of another length', '80cf0003 00000001 04000001 00000000'],
    ['DLRR of another length', '80cf0003 00000001 05000001 00000000'],
  ])('malformed: %s', (_, text) => {
    expect(parseRtcp(bytes(text))).toBeUndefined()
  })
})

describe('transport feedback', () => {
  const feedback = (deltas: (number | undefined)[]): RtcpPacket => ({
    type: 'TWCC',
    senderSsrc: 1,
    mediaSsrc: 2,
    baseSequenceNumber: 5,
    referenceTime: -1,
    feedbackPacketCount: 9,
    deltas,
  })
  const head = '00000001 00000002 0005'
  const none = (count: number): undefined[] => new Array<undefined>(count).fill(undefined)

  test.each<[string, string, (number | undefined)[]]>([
    ['a run of small deltas', `8fcd0005 ${head} 0004 ffffff09 2004 01020304 0000`, [1, 2, 3, 4]],
    ['a run of large ones', `8fcd0005 ${head} 0002 ffffff09 4002 fffe0100`, [-2, 256]],
    ['one bit each', `8fcd0005 ${head} 0005 ffffff09 aa00 010203 000000`, [1, undefined, 2, undefined, 3]],
    ['two bits each', `8fcd0005 ${head} 0003 ffffff09 d200 01fffe 000000`, [1, undefined, -2]],
    [
      'a long run and a vector',
      `8fcd0006 ${head} 001f ffffff09 001c a800 0102 0000`,
      // Twenty-eight that are missing, then a vector of three.
      [...none(28), 1, undefined, 2],
    ],
  ])('%s', (_, text, deltas) => {
    const length = bytes(text).length
    const padded = bytes(text + '00'.repeat((4 - (length % 4)) % 4))
    padded[3] = padded.length / 4 - 1
    expect(parseRtcp(padded)).toEqual([feedback(deltas)])
    expect(hex(writeRtcp([feedback(deltas)]))).toBe(hex(padded))
  })

  test('a chunk may say more than there are packets, and a run may be of none', () => {
    expect(parseRtcp(bytes(`8fcd0005 ${head} 0002 ffffff09 3fff 0102`))).toEqual([feedback([1, 2])])
    expect(parseRtcp(bytes(`8fcd0006 ${head} 0002 ffffff09 0000 2002 0102 0000`))).toEqual([feedback([1, 2])])
  })

  test('as many as 65535 packets in a datagram, and no more', () => {
    const most = writeRtcp([feedback([...none(0xfffe), 1])])
    expect(most).toHaveLength(40)
    expect(parseRtcp(most)).toHaveLength(1)
    const more = writeRtcp([feedback([...none(0xfffe), 1]), feedback([1])])
    expect(parseRtcp(more)).toBeUndefined()
  })

  test('deltas are rounded and clamped', () => {
    const written = writeRtcp([feedback([0.4, 255.4, 255.6, 1e9, -1e9])])
    expect(parseRtcp(written)).toEqual([feedback([0, 255, 256, 0x7fff, -0x8000])])
  })
})

describe('what does not fit one packet', () => {
  const written = (packet: RtcpPacket): RtcpPacket[] => parseRtcp(writeRtcp([packet]))!
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

  test('31 reports, the others in receiver reports behind it (RFC 3550 §6.1)', () => {
    const reports = numbers(70).map((ssrc) => ({ ...block, ssrc }))
    const sr = { type: 'SR', ssrc: 1, ntpTimestamp: 1n, rtpTimestamp: 1, packetCount: 1, octetCount: 1 } as const
    expect(written({ ...sr, reports })).toEqual([
      { ...sr, reports: reports.slice(0, 31) },
      { type: 'RR', ssrc: 1, reports: reports.slice(31, 62) },
      { type: 'RR', ssrc: 1, reports: reports.slice(62) },
    ])
    expect(written({ type: 'RR', ssrc: 1, reports })).toHaveLength(3)
    expect(written({ ...sr, reports: reports.slice(0, 31) })).toHaveLength(1)
  })

  test('31 chunks and 31 sources that leave', () => {
    const chunks = numbers(32).map((ssrc) => ({ ssrc, items: [{ type: 1, text: 'x' }] }))
    expect(written({ type: 'SDES', chunks })).toEqual([
      { type: 'SDES', chunks: chunks.slice(0, 31) },
      { type: 'SDES', chunks: chunks.slice(31) },
    ])
    expect(written({ type: 'BYE', ssrcs: numbers(32), reason: 'end' })).toEqual([
      { type: 'BYE', ssrcs: numbers(31), reason: 'end' },
      { type: 'BYE', ssrcs: [31], reason: 'end' },
    ])
  })

  test('texts are cut between characters', () => {
    const text = `${'a'.repeat(254)}ä`
    const [sdes] = written({ type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: 1, text }] }] })
    expect(sdes).toEqual({ type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: 1, text: 'a'.repeat(254) }] }] })
    expect(written({ type: 'BYE', ssrcs: [], reason: 'b'.repeat(300) })).toEqual([
      { type: 'BYE', ssrcs: [], reason: 'b'.repeat(255) },
    ])
  })

  test('an SDES item of type 0 would end its chunk, and is left out', () => {
    expect(written({ type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: 0, text: 'x' }] }] })).toEqual([
      { type: 'SDES', chunks: [{ ssrc: 1, items: [] }] },
    ])
  })

  test('packets for a list are not written without one', () => {
    expect(writeRtcp([{ type: 'NACK', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [] }])).toHaveLength(0)
    expect(writeRtcp([{ type: 'FIR', senderSsrc: 1, entries: [] }])).toHaveLength(0)
    expect(writeRtcp([])).toHaveLength(0)
  })

  test('numbers are clamped', () => {
    const extreme = { ...block, fractionLost: 300, packetsLost: 2 ** 30, jitter: 2 ** 40 }
    expect(written({ type: 'RR', ssrc: 1, reports: [extreme] })).toEqual([
      { type: 'RR', ssrc: 1, reports: [{ ...block, fractionLost: 255, packetsLost: 0x7fffff, jitter: 0xffffffff }] },
    ])
    const remb = (bitrate: number): number => {
      const [packet] = written({ type: 'REMB', senderSsrc: 1, bitrate, ssrcs: numbers(300) })
      return packet!.type === 'REMB' ? packet!.bitrate : NaN
    }
    expect([0, -1, NaN, 1.9, 262_143, 262_145].map(remb)).toEqual([0, 0, 0, 1, 262_143, 262_144])
    expect(remb(Infinity)).toBe(0x3ffff * 2 ** 63)
  })

  test('an unknown packet that no length can count throws', () => {
    const packet: RtcpPacket = { type: 'unknown', packetType: 209, count: 0, body: new Uint8Array(4 * 0x10000) }
    expect(() => writeRtcp([packet])).toThrow(expect.objectContaining({ code: 'ERR_RTP_ARGUMENT' }))
  })

  test('a name of an APP is four characters', () => {
    expect(written({ type: 'APP', subtype: 1, ssrc: 2, name: 'ab', data: bytes('ff') })).toEqual([
      { type: 'APP', subtype: 1, ssrc: 2, name: 'ab  ', data: bytes('ff000000') },
    ])
  })

  test('sequence numbers in any order are all asked for', () => {
    expect(written({ type: 'NACK', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [20, 3, 5, 5, 19] })).toEqual([
      { type: 'NACK', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [20, 3, 5, 19] },
    ])
  })
})
