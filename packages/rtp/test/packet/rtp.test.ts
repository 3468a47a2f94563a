import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRtcp, parseRtp, RtpError, rtpHeaderLength, RtpPacket, writeRtp, writeRtpHeader } from '../../src/index.ts'

fc.configureGlobal({ seed: 8285, numRuns: 500 })

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength }).map((value) => new Uint8Array(value))

const oneByte = fc.array(fc.record({ id: fc.integer({ min: 1, max: 14 }), data: bytes(1, 16) }), { maxLength: 8 })
const twoByte = fc.array(fc.record({ id: fc.integer({ min: 1, max: 255 }), data: bytes(0, 255) }), { maxLength: 5 })

const packet: fc.Arbitrary<RtpPacket> = fc
  .record({
    payloadType: fc.nat(127),
    sequenceNumber: fc.nat(0xffff),
    timestamp: fc.nat(0xffffffff),
    ssrc: fc.nat(0xffffffff),
    marker: fc.boolean(),
    csrcs: fc.array(fc.nat(0xffffffff), { maxLength: 15 }),
    extensions: fc.oneof(oneByte, twoByte),
    payload: bytes(0, 60),
    paddingLength: fc.oneof(fc.constant(0), fc.nat(255)),
  })
  .map((init) => new RtpPacket(init))

const plain = (init: Partial<RtpPacket>): RtpPacket =>
  new RtpPacket({ payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3, payload: Uint8Array.of(9), ...init })

describe('RTP', () => {
  test('packets come back as they were written', () => {
    fc.assert(
      fc.property(packet, (value) => {
        const written = writeRtp(value)
        expect(parseRtp(written)).toEqual(value)
        expect(written).toHaveLength(rtpHeaderLength(value) + value.payload.length + value.paddingLength)
      }),
    )
  })

  test('a packet by hand, field by field (RFC 3550 §5.1)', () => {
    const parsed = parseRtp(hex('b2 e0 1234 89abcdef cafebabe 00000001 00000002 bede0001 10aa0000 0102 000003'))!
    expect(parsed).toEqual(
      new RtpPacket({
        payloadType: 96,
        marker: true,
        sequenceNumber: 0x1234,
        timestamp: 0x89abcdef,
        ssrc: 0xcafebabe,
        csrcs: [1, 2],
        extensions: [{ id: 1, data: Uint8Array.of(0xaa) }],
        payload: Uint8Array.of(1, 2),
        paddingLength: 3,
      }),
    )
    expect(parsed.extension(1)).toEqual(Uint8Array.of(0xaa))
    expect(parsed.extension(2)).toBeUndefined()
  })

  const withExtension = (extension: string): RtpPacket | undefined =>
    parseRtp(hex(`90600001 00000002 00000003 ${extension} 09`))
  const ids = (value: RtpPacket | undefined): (number | string)[][] =>
    value!.extensions.map(({ id, data }) => [id, Buffer.from(data).toString('hex')])

  test('the one-byte form of RFC 8285 §4.2', () => {
    // The figure there: three elements with padding in between.
    expect(ids(withExtension('bede0003 10aa 21bbcc 0000 33ddddddd d'.replaceAll(' ', '')))).toEqual([
      [1, 'aa'],
      [2, 'bbcc'],
      [3, 'dddddddd'],
    ])
    expect(ids(withExtension('bede0002 10aa f0bb 20cc 0000'))).toEqual([[1, 'aa']]) // 15 ends it
    expect(ids(withExtension('bede0002 10aa 01bb 20cc 0000'))).toEqual([[1, 'aa']]) // so does 0 with a length
    expect(ids(withExtension('bede0001 10aa 23bb'))).toEqual([[1, 'aa']]) // overruns
    expect(ids(withExtension('bede0000'))).toEqual([])
  })

  test('the two-byte form of RFC 8285 §4.3', () => {
    expect(ids(withExtension('10000003 0100 0201bb 00 0304dddddddd'))).toEqual([
      [1, ''],
      [2, 'bb'],
      [3, 'dddddddd'],
    ])
    expect(ids(withExtension('100f0001 01 01 aa 02'))).toEqual([[1, 'aa']]) // an id without a length; appbits
    expect(ids(withExtension('10000001 0101aa00'))).toEqual([[1, 'aa']])
    expect(ids(withExtension('10000001 0103aabb'))).toEqual([]) // overruns
  })

  test('the extension of another profile is skipped', () => {
    const parsed = withExtension('abcd0001 01020304')!
    expect(parsed.extensions).toEqual([])
    expect(parsed.payload).toEqual(Uint8Array.of(9))
  })

  test.each([
    ['nothing', ''],
    ['version 1', '40600001 00000002 00000003'],
    ['a header cut short', '80600001 00000002 000000'],
    ['CSRCs that do not fit', '81600001 00000002 00000003 000000'],
    ['no room for the extension header', '90600001 00000002 00000003 bede'],
    ['an extension that does not fit', '90600001 00000002 00000003 bede0001 00'],
    ['a padding bit without a byte', 'a0600001 00000002 00000003'],
    ['padding of zero bytes', 'a0600001 00000002 00000003 00'],
    ['padding that reaches into the header', 'a0600001 00000002 00000003 0003'],
  ])('malformed: %s', (_, text) => {
    expect(parseRtp(hex(text))).toBeUndefined()
  })

  test('padding alone, as probes have it', () => {
    const parsed = parseRtp(hex('a0600001 00000002 00000003 0002'))!
    expect([parsed.payload.length, parsed.paddingLength]).toEqual([0, 2])
  })

  test('extensions take the form that carries them', () => {
    const profile = (...extensions: [number, number][]): string => {
      const value = plain({ extensions: extensions.map(([id, length]) => ({ id, data: new Uint8Array(length) })) })
      return Buffer.from(writeRtp(value).subarray(12, 14)).toString('hex')
    }
    expect(profile([1, 1], [14, 16])).toBe('bede')
    expect(profile([1, 1], [15, 1])).toBe('1000')
    expect(profile([1, 0])).toBe('1000')
    expect(profile([1, 17])).toBe('1000')
  })

  test('a header is written where it is asked for, and over what was there', () => {
    const value = plain({ extensions: [{ id: 1, data: Uint8Array.of(7) }], csrcs: [5] })
    const out = new Uint8Array(64).fill(0xee)
    const end = writeRtpHeader(value, out, 7)
    expect(end).toBe(7 + rtpHeaderLength(value))
    expect(out.subarray(7, end)).toEqual(writeRtp(value).subarray(0, -1))
    expect(out[6]).toBe(0xee)
    expect(out[end]).toBe(0xee)
  })

  test('what no header can carry throws', () => {
    const code = (init: Partial<RtpPacket>): string => {
      try {
        writeRtp(plain(init))
      } catch (error) {
        return (error as RtpError).code
      }
      return 'nothing'
    }
    expect(code({ csrcs: new Array<number>(16).fill(1) })).toBe('ERR_RTP_HEADER')
    expect(code({ paddingLength: 256 })).toBe('ERR_RTP_HEADER')
    expect(code({ extensions: [{ id: 0, data: new Uint8Array(1) }] })).toBe('ERR_RTP_EXTENSION')
    expect(code({ extensions: [{ id: 256, data: new Uint8Array(1) }] })).toBe('ERR_RTP_EXTENSION')
    expect(code({ extensions: [{ id: 1, data: new Uint8Array(256) }] })).toBe('ERR_RTP_EXTENSION')
  })

  test('any bytes do not throw; what parses comes back with the same fields', () => {
    fc.assert(
      fc.property(bytes(0, 100), fc.nat(0x3f), (value, first) => {
        if (value.length > 0) value[0] = 0x80 | first
        const parsed = parseRtp(value)
        if (parsed !== undefined) expect(parseRtp(writeRtp(parsed))).toEqual(parsed)
      }),
      { numRuns: 3000 },
    )
  })

  test('truncations and mutations do not throw', () => {
    fc.assert(
      fc.property(packet, fc.nat(), fc.nat(), fc.nat(255), (value, cut, at, byte) => {
        const written = writeRtp(value)
        parseRtp(written.subarray(0, cut % written.length))
        written[at % written.length] = byte
        parseRtp(written)
      }),
    )
  })

  test('RTCP is told by its second byte (RFC 5761 §4)', () => {
    for (let second = 0; second < 256; second++) {
      expect(isRtcp(Uint8Array.of(0x80, second))).toBe(second >= 192 && second <= 223)
    }
    expect(isRtcp(Uint8Array.of(0x80))).toBe(false)
    expect(isRtcp(writeRtp(plain({ marker: true, payloadType: 127 })))).toBe(false)
  })
})
