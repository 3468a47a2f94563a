import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readRed, RtpPacket, splitRed, writeRed } from '../../src/index.ts'

fc.configureGlobal({ seed: 2198, numRuns: 300 })

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const payloadType = fc.nat(127)
const redundant = fc.record({
  payloadType,
  timestampOffset: fc.nat(0x3fff),
  data: fc.uint8Array({ maxLength: 1023 }).map((data) => new Uint8Array(data)),
})
const primary = fc.record({
  payloadType,
  timestampOffset: fc.constant(0),
  data: fc.uint8Array({ maxLength: 100 }).map((data) => new Uint8Array(data)),
})
const blocks = fc.tuple(fc.array(redundant, { maxLength: 4 }), primary).map(([others, last]) => [...others, last])

describe('RED', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(blocks, (value) => {
        expect(readRed(writeRed(value))).toEqual(value)
      }),
    )
  })

  test('the headers of RFC 2198 §3, by hand', () => {
    // Payload type 5, 2000 units older, two bytes; then the primary one of type 7.
    expect(readRed(hex('85 1f4002 07 aabb ccddee'))).toEqual([
      { payloadType: 5, timestampOffset: 2000, data: hex('aabb') },
      { payloadType: 7, timestampOffset: 0, data: hex('ccddee') },
    ])
    expect(readRed(hex('07'))).toEqual([{ payloadType: 7, timestampOffset: 0, data: hex('') }])
  })

  test.each([
    ['nothing', ''],
    ['a redundant header alone', '85 1f4002'],
    ['a header cut short', '85 1f'],
    ['a block that overruns', '85 1f4003 07 aabb'],
  ])('malformed: %s', (_, text) => {
    expect(readRed(hex(text))).toBeUndefined()
  })

  test('any bytes, truncations and mutations do not throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const read = readRed(bytes)
        if (read !== undefined) expect(readRed(writeRed(read))).toEqual(read)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(blocks, fc.nat(), fc.nat(), fc.nat(255), (value, cut, at, byte) => {
        const bytes = writeRed(value)
        readRed(bytes.subarray(0, cut % bytes.length))
        bytes[at % bytes.length] = byte
        readRed(bytes)
      }),
    )
  })

  test('what does not fit throws', () => {
    const argument = expect.objectContaining({ code: 'ERR_RTP_ARGUMENT' })
    const last = { payloadType: 111, timestampOffset: 0, data: new Uint8Array(2000) }
    expect(() => writeRed([])).toThrow(argument)
    expect(() => writeRed([{ ...last, timestampOffset: 1 }, last])).toThrow(argument)
    expect(() => writeRed([{ payloadType: 111, timestampOffset: 16384, data: new Uint8Array(1) }, last])).toThrow(
      argument,
    )
    expect(writeRed([last])).toHaveLength(2001)
  })

  test('a packet of audio stands for those before it too, as in red/48000/2 with 111/111', () => {
    const packet = new RtpPacket({
      payloadType: 63,
      sequenceNumber: 0,
      timestamp: 480,
      ssrc: 7,
      marker: true,
      extensions: [{ id: 1, data: hex('00') }],
      payload: writeRed([
        { payloadType: 111, timestampOffset: 1920, data: hex('01') },
        { payloadType: 111, timestampOffset: 960, data: hex('') },
        { payloadType: 111, timestampOffset: 0, data: hex('03') },
      ]),
    })
    const common = { payloadType: 111, ssrc: 7 }
    expect(splitRed(packet)).toEqual([
      new RtpPacket({ ...common, sequenceNumber: 65534, timestamp: 2 ** 32 - 1440, payload: hex('01') }),
      new RtpPacket({
        ...common,
        sequenceNumber: 0,
        timestamp: 480,
        marker: true,
        extensions: packet.extensions,
        payload: hex('03'),
      }),
    ])
    packet.payload = hex('ff')
    expect(splitRed(packet)).toBeUndefined()
  })
})
