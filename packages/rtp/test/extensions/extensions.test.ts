import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  headerExtension,
  type HeaderExtensionCodec,
  HeaderExtensionMap,
  headerExtensionUris,
  parseRtp,
  RtpPacket,
  writeRtp,
} from '../../src/index.ts'

fc.configureGlobal({ seed: 8285, numRuns: 300 })

const { absSendTimeOf, ...codecs } = headerExtension
const byName = codecs as Record<string, HeaderExtensionCodec<unknown>>

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const uint16 = fc.nat(0xffff)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const identifier = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9]{1,16}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
)

/** Values that come back exactly as they were. */
const values: Record<keyof typeof codecs, fc.Arbitrary<unknown>> = {
  mid: identifier,
  rid: identifier,
  repairedRid: identifier,
  transportSequenceNumber: uint16,
  transportSequenceNumber2: fc.record(
    {
      sequenceNumber: uint16,
      feedbackRequest: fc.record({
        includeTimestamps: fc.boolean(),
        sequenceCount: fc.integer({ min: 1, max: 0x7fff }),
      }),
    },
    { requiredKeys: ['sequenceNumber'] },
  ),
  absSendTime: fc.nat(0xffffff),
  transmissionOffset: fc.integer({ min: -0x800000, max: 0x7fffff }),
  absCaptureTime: fc.record(
    { timestamp: uint64, clockOffset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
    { requiredKeys: ['timestamp'] },
  ),
  audioLevel: fc.record({ level: fc.nat(127), voice: fc.boolean() }),
  csrcAudioLevels: fc.array(fc.nat(127), { minLength: 1, maxLength: 15 }),
  playoutDelay: fc
    .tuple(fc.nat(0xfff), fc.nat(0xfff))
    .map(([a, b]) => ({ minimum: Math.min(a, b) * 10, maximum: Math.max(a, b) * 10 })),
  videoOrientation: fc.record({
    rotation: fc.constantFrom(0, 90, 180, 270),
    flip: fc.boolean(),
    backCamera: fc.boolean(),
  }),
  videoContentType: fc.constantFrom('unspecified', 'screenshare'),
  videoTiming: fc.record({
    flags: fc.nat(0xff),
    encodeStart: uint16,
    encodeFinish: uint16,
    packetization: uint16,
    pacerExit: uint16,
    network: fc.tuple(uint16, uint16),
  }),
}

describe('values of header extensions', () => {
  test.each(Object.keys(byName))('%s comes back as it was written, also into bytes that are used again', (name) => {
    const codec = byName[name]!
    fc.assert(
      fc.property(values[name as keyof typeof codecs], (value) => {
        const data = codec.write(value)
        expect(codec.read(data)).toEqual(value)
        const used = new Uint8Array(data.length).fill(0xff)
        expect(codec.write(value, used)).toBe(used)
        expect(used).toEqual(data)
      }),
    )
    expect(Object.values(headerExtensionUris)).toContain(codec.uri)
  })

  test('any bytes do not throw, and what can be read can be written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(...Object.values(byName)), (data, codec) => {
        const value = codec.read(data)
        if (value !== undefined) expect(codec.read(codec.write(value))).toEqual(value)
      }),
      { numRuns: 3000 },
    )
  })

  test('by hand', () => {
    const { audioLevel, transmissionOffset, playoutDelay, videoOrientation, absSendTime, mid } = headerExtension
    expect(audioLevel.read(hex('85'))).toEqual({ level: 5, voice: true }) // RFC 6464 figure 1
    expect(audioLevel.read(hex(''))).toBeUndefined()
    expect(transmissionOffset.read(hex('ffffff'))).toBe(-1) // RFC 5450 §3
    expect(playoutDelay.read(hex('00a014'))).toEqual({ minimum: 100, maximum: 200 })
    expect(playoutDelay.read(hex('01400a'))).toBeUndefined() // minimum above maximum
    expect(videoOrientation.read(hex('0b'))).toEqual({ rotation: 270, flip: false, backCamera: true })
    expect(absSendTime.read(hex('040000'))).toBe(2 ** 18) // a second
    expect(mid.read(hex('c3a4'))).toBe('ä')
    expect(mid.read(hex('c3'))).toBeUndefined()
  })

  test('out of range is clamped', () => {
    const { audioLevel, playoutDelay, transmissionOffset } = headerExtension
    expect(audioLevel.write({ level: 200, voice: false })).toEqual(hex('7f'))
    expect(playoutDelay.write({ minimum: -1, maximum: 1e6 })).toEqual(hex('000fff'))
    expect(transmissionOffset.write(1e9)).toEqual(hex('7fffff'))
  })

  test('the clock of abs-send-time wraps every 64 s', () => {
    expect(absSendTimeOf(1000)).toBe(2 ** 18)
    expect(absSendTimeOf(64_000 * 1e6 + 500)).toBe(2 ** 17)
    expect(absSendTimeOf(63_999.999)).toBe(0xffffff)
  })
})

describe('the map of ids', () => {
  const map = new HeaderExtensionMap([
    [4, headerExtensionUris.mid],
    [3, headerExtensionUris.transportSequenceNumber],
    [2, headerExtensionUris.absSendTime],
  ])
  const fresh = (): RtpPacket =>
    new RtpPacket({ payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3, payload: new Uint8Array(1) })

  test('reads and writes by name', () => {
    const packet = fresh()
    expect(map.write(packet, headerExtension.mid, '0')).toBe(true)
    expect(map.write(packet, headerExtension.transportSequenceNumber, 7)).toBe(true)
    expect(map.write(packet, headerExtension.rid, 'q')).toBe(false)
    const shared = packet.clone()
    expect(map.write(packet, headerExtension.mid, '1')).toBe(true)
    const parsed = parseRtp(writeRtp(packet))!
    expect(map.read(parsed, headerExtension.mid)).toBe('1')
    expect(map.read(shared, headerExtension.mid)).toBe('0') // a clone keeps its own
    expect(map.read(parsed, headerExtension.transportSequenceNumber)).toBe(7)
    expect(map.read(parsed, headerExtension.absSendTime)).toBeUndefined()
    expect(map.read(parsed, headerExtension.rid)).toBeUndefined()
    map.delete(parsed, headerExtensionUris.mid)
    map.delete(parsed, headerExtensionUris.rid)
    expect(parsed.extensions.map(({ id }) => id)).toEqual([3])
  })

  test('slots are written anew for each packet', () => {
    const sequence = map.slot(headerExtension.transportSequenceNumber, 0)!
    const slots = [map.slot(headerExtension.mid, 'v')!, sequence]
    expect(map.slot(headerExtension.rid, 'q')).toBeUndefined()
    for (const count of [1, 2]) {
      headerExtension.transportSequenceNumber.write(count, sequence.data)
      const packet = fresh()
      packet.extensions = slots
      const parsed = parseRtp(writeRtp(packet))!
      expect(map.read(parsed, headerExtension.transportSequenceNumber)).toBe(count)
      expect(map.read(parsed, headerExtension.mid)).toBe('v')
    }
  })

  test('an id and a URI stand for one another', () => {
    const changing = new HeaderExtensionMap([
      [1, 'a'],
      [2, 'b'],
    ])
    changing.add(1, 'b')
    expect([changing.id('a'), changing.id('b'), changing.uri(1), changing.uri(2)]).toEqual([
      undefined,
      1,
      'b',
      undefined,
    ])
    expect([...changing.entries()]).toEqual([[1, 'b']])
    for (const id of [0, 256, 1.5, NaN]) {
      expect(() => changing.add(id, 'c')).toThrow(expect.objectContaining({ code: 'ERR_RTP_ARGUMENT' }))
    }
  })
})
