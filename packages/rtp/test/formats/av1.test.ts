import { expect, test } from 'vitest'
import { av1, isAv1KeyFrame, joinObus, obus, readAv1SequenceHeader } from '../../src/formats/index.ts'
import { frame, hex, streamOf, plain } from './streams.ts'

const depacketize = (...payloads: string[]) => av1.createDepacketizer().depacketize(payloads.map((text) => hex(text)))
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')
const packetize = (unit: string, maxSize: number) =>
  av1
    .createPacketizer()
    .packetize(frame(hex(unit)), maxSize)
    .map((payload) => Buffer.from(payload).toString('hex'))

test('OBUs lose their sizes; the last of up to three needs no length (§4.4)', () => {
  expect(packetize('0a 02 00aa 32 03 101112', 100)).toEqual([plain('28 03 0800aa 30 101112')])
  expect(packetize('32 03 301112', 100)).toEqual([plain('10 30301112')])
  expect(packetize('1a01aa 2201bb 2201cc', 100)).toEqual([plain('30 0218aa 0220bb 20cc')])
  // With four, all have one.
  expect(packetize('1a01aa 2201bb 2201cc 2201dd', 100)).toEqual([plain('00 0218aa 0220bb 0220cc 0220dd')])
})

test('temporal delimiters and tile lists are left out (§5)', () => {
  expect(packetize('1200 32 03 301112 42 01 ff', 100)).toEqual([plain('10 30301112')])
  expect(packetize('1200', 100)).toEqual([])
})

test('N is set where a coded video sequence begins', () => {
  expect(packetize('0a 02 00aa 32 03 101112', 100)[0]!.startsWith('28')).toBe(true)
  expect(packetize('0a 02 00aa 32 03 301112', 100)[0]!.startsWith('20')).toBe(true) // an interframe follows
  expect(packetize('32 03 101112', 100)[0]!.startsWith('10')).toBe(true) // no sequence header
})

test('a large OBU is cut (§4.5)', () => {
  const payload = 'ab'.repeat(150)
  const [first, second, third] = packetize(`32 9601 ${payload}`, 64)
  expect(first!.slice(0, 4) + first!.length).toBe(plain('5030 128'))
  expect(second!.slice(0, 2) + second!.length).toBe(plain('d0 128'))
  expect(third!.slice(0, 2)).toBe('90')
  expect(text(depacketize(first!, second!, third!)?.payload)).toBe(`329601${payload}`)
  expect(depacketize(first!, second!)).toBeUndefined()
  expect(depacketize(second!, third!)).toBeUndefined()
  expect(depacketize(first!)).toBeUndefined()
})

test('layers do not share a payload, and a sequence header is the first in its (§5)', () => {
  // SH, then frames of spatial layers 0 and 1.
  expect(packetize('0a 01 00 36 00 02 10aa 36 08 02 10bb', 100)).toEqual([plain('28 02 0800 3400 10aa'), '10340810bb'])
  expect(packetize('2a 01 05 0a 01 00', 100)).toEqual(['102805', '100800'])
})

test('within a temporal unit payloads end with an OBU that goes on, as libwebrtc needs it', () => {
  for (let first = 1; first < 140; first++) {
    for (const second of [0, 1, 60, 100]) {
      const list = [first, second, 3].map((length) => ({
        type: 6,
        header: 0x30,
        extension: -1,
        payload: new Uint8Array(length).fill(length),
      }))
      const unit = joinObus(list)
      const payloads = av1.createPacketizer().packetize(frame(unit), 64)
      for (const [index, payload] of payloads.entries()) {
        expect(payload.length).toBeLessThanOrEqual(64)
        expect((payload[0]! & 0x80) !== 0).toBe(index > 0)
        expect((payload[0]! & 0x40) !== 0).toBe(index < payloads.length - 1)
      }
      expect(av1.createDepacketizer().depacketize(payloads)?.payload).toEqual(unit)
    }
  }
})

test('sizes come back, whether elements have them or not', () => {
  expect(depacketize('28 03 0800aa 30 101112')).toEqual({ payload: hex('0a0200aa 3203101112'), keyFrame: true })
  expect(depacketize('10 0a0200aa')).toEqual({
    payload: hex('0a0200aa'),
    keyFrame: false,
  })
  expect(text(depacketize('00 0218aa 0220bb 0220cc 0220dd')?.payload)).toBe(plain('1a01aa 2201bb 2201cc 2201dd'))
  expect(text(depacketize('10 34 08 10bb')?.payload)).toBe(plain('3608 02 10bb'))
  // Delimiters and tile lists that were sent nevertheless.
  expect(text(depacketize('30 0110 0240ff 30301112')?.payload)).toBe('3203301112')
})

test.each([
  ['a header alone', ['10']],
  ['fewer elements than W says', ['30 0218aa']],
  ['an element longer than the payload', ['00 0518aa']],
  ['an empty element', ['00 00 0218aa']],
  ['a length that does not end', ['00 ffffffffffffffffff']],
  ['a forbidden bit', ['10 b0301112']],
  ['a wrong obu_size', ['10 3204301112']],
  ['an extension that is not there', ['10 34']],
  ['a continuation of nothing', ['90 301112']],
  ['a beginning without continuation', ['50 301112', '10 301112']],
  ['a second sequence', ['18 0800aa', '18 0800aa']],
  ['only a delimiter', ['10 10']],
])('%s makes no frame', (_, payloads) => {
  expect(depacketize(...payloads)).toBeUndefined()
})

test.each([
  ['sequence header and key frame', '28 03 0800aa 30101112', true, true],
  ['frame', '10 30301112', true, false],
  ['frame header', '10 18aa', true, false],
  ['metadata', '10 2805', true, false],
  ['frame with a length', '00 0430301112', true, false],
  ['tile group', '10 20aa', false, false],
  ['continuation', '90 30aa', false, false],
  ['N and Z contradict each other', '98 08aa', false, false],
  ['a header alone', '18', false, false],
  ['a length that does not end', '00 ff', false, false],
])('%s: where frames begin', (_, bytes, frameStart, keyFrame) => {
  expect([av1.isFrameStart(hex(bytes)), av1.isKeyFrame(hex(bytes))]).toEqual([frameStart, keyFrame])
})

test('a frame that is no temporal unit is misuse', () => {
  for (const bytes of ['b0', '32 05 00', '34', '32 ff']) {
    expect(() => packetize(bytes, 100)).toThrow(expect.objectContaining({ code: 'ERR_RTP_FRAME_FORM' }))
  }
})

test('OBUs of a temporal unit; the last may be without a size', () => {
  const list = obus(hex('1200 0a01aa 3608 02 1011 30 1213'))!
  expect(list.map(({ type, extension, payload }) => [type, extension, text(payload)])).toEqual([
    [2, -1, ''],
    [1, -1, 'aa'],
    [6, 8, '1011'],
    [6, -1, '1213'],
  ])
  expect(text(joinObus(list))).toBe(plain('1200 0a01aa 3608021011 32021213'))
})

test('a key frame has a sequence header and begins with a frame of that type', () => {
  const of = (bytes: string) => isAv1KeyFrame(obus(hex(bytes))!)
  expect(of('0a0100 320110')).toBe(true)
  expect(of('0a0100 1a0110')).toBe(true)
  expect(of('0a0100 320130')).toBe(false) // inter
  expect(of('0a0100 320150')).toBe(false) // intra only
  expect(of('0a0100 320190')).toBe(false) // shows an existing frame
  expect(of('320110')).toBe(false)
  expect(of('0a0118 3201f0')).toBe(true) // a still picture's header has no frame type
  expect(of('0a0100 3200')).toBe(false)
  expect(of('0a0100')).toBe(false)
})

test('sequence headers', () => {
  const headers = streamOf('video/AV1').frames.flatMap(({ payload }) => obus(payload)!.filter(({ type }) => type === 1))
  expect(headers.length).toBe(2)
  for (const { payload } of headers) {
    expect(readAv1SequenceHeader(payload)).toMatchObject({ profile: 0, tier: 0, width: 160, height: 120 })
    for (let length = 0; length < 6; length++) {
      expect(readAv1SequenceHeader(payload.subarray(0, length))).toBeUndefined()
    }
  }
  // By rav1e, and by libaom for a still picture.
  expect(readAv1SequenceHeader(hex('200000f9970ea210a902020250'))).toEqual({
    profile: 1,
    level: 31,
    tier: 0,
    bitDepth: 8,
    monochrome: false,
    subsamplingX: 0,
    subsamplingY: 0,
    chromaSamplePosition: 0,
    width: 98,
    height: 54,
  })
  expect(readAv1SequenceHeader(hex('181970ead404'))).toMatchObject({ profile: 0, level: 0, width: 98, height: 54 })
})

/** Zeros fill the last byte. */
function bitString(text: string): Uint8Array {
  const byte = (index: number): number => Number.parseInt(text.slice(index * 8, index * 8 + 8).padEnd(8, '0'), 2)
  return Uint8Array.from({ length: Math.ceil(text.length / 8) }, (_, index) => byte(index))
}

test('timing and decoder models in front of the size are skipped (AV1 §5.5.1)', () => {
  const zeros = (count: number) => '0'.repeat(count)
  const bits = [
    '000 0 0', // profile, still_picture, reduced_still_picture_header
    `1 ${zeros(63)}1 1 010`, // timing_info, with equal_picture_interval and uvlc 1
    `1 00111 ${zeros(32)} 00000 00000`, // decoder_model_info: delays of 8 bits
    '1 00001', // initial_display_delay_present_flag, two operating points
    `${zeros(12)} 01000 1 1 ${zeros(17)} 1 0000`, // level 8, high tier
    `${zeros(12)} 00101 0 0`,
    '1001 1000 1001111111 101100111', // 640×360
  ]
  expect(readAv1SequenceHeader(bitString(plain(bits.join('')).padEnd(240, '0')))).toEqual({
    profile: 0,
    level: 8,
    tier: 1,
    bitDepth: 8,
    monochrome: false,
    subsamplingX: 1,
    subsamplingY: 1,
    chromaSamplePosition: 0,
    width: 640,
    height: 360,
  })
})

test.each([
  ['8 bits 4:2:0, colocated', '000', '0 0 0 0 10', 8, false, 1, 1, 2],
  ['10 bits 4:2:0', '000', '1 0 0 1 00', 10, false, 1, 1, 0],
  ['monochrome, with a description', '000', `0 1 1 ${'00000001'.repeat(3)} 1`, 8, true, 1, 1, 0],
  ['4:4:4', '001', '1 0 0', 10, false, 0, 0, 0],
  ['sRGB', '001', '0 1 00000001 00001101 00000000', 8, false, 0, 0, 0],
  ['4:2:2', '010', '1 0 0 0 0', 10, false, 1, 0, 0],
  ['12 bits 4:2:2', '010', '1 1 0 0 0 1 0', 12, false, 1, 0, 0],
  ['12 bits 4:2:0, vertical', '010', '1 1 0 0 0 1 1 01', 12, false, 1, 1, 1],
  ['12 bits 4:4:4', '010', '1 1 0 0 0 0', 12, false, 0, 0, 0],
])('colours: %s (AV1 §5.5.2)', (_, profile, colour, bitDepth, monochrome, subsamplingX, subsamplingY, position) => {
  const size = '0110 0101 1100001 110101' // 98×54
  const text = plain(`${profile} 1 1 00100 ${size} 000 000 ${colour}`)
  const bytes = bitString(`${text}01`)
  expect(readAv1SequenceHeader(bytes)).toEqual({
    profile: Number.parseInt(profile, 2),
    level: 4,
    tier: 0,
    bitDepth,
    monochrome,
    subsamplingX,
    subsamplingY,
    chromaSamplePosition: position,
    width: 98,
    height: 54,
  })
  expect(readAv1SequenceHeader(bytes.subarray(0, (text.length - 1) >> 3))).toBeUndefined()
})

test('no profile beyond 2', () => {
  expect(readAv1SequenceHeader(hex('781970ead404'))).toBeUndefined()
})
