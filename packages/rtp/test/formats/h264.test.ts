import { expect, test } from 'vitest'
import {
  frameDimensions,
  h264,
  joinNalUnits,
  nalUnits,
  PayloadFormatError,
  readH264Sps,
} from '../../src/formats/index.ts'
import { frame, hex, streamOf, plain } from './streams.ts'

const SPS = hex('67 42c01f 95a014016e 40') // Constrained Baseline, 1280×720
const PPS = hex('68 ce3c80')
const MODE_1 = new Map([['packetization-mode', '1']])

const slice = (header: number, length: number) => Uint8Array.from({ length }, (_, i) => (i === 0 ? header : 0x80 | i))

test('byte streams: start codes of 3 and 4 bytes, zeros between units, empty units', () => {
  const units = (text: string) => nalUnits(hex(text)).map((unit) => Buffer.from(unit).toString('hex'))
  expect(units('00000001 67aa 000001 68bb 00000001 65cc')).toEqual(['67aa', '68bb', '65cc'])
  expect(units('000001 67aa 000000000001 68bb 0000')).toEqual(['67aa', '68bb'])
  expect(units('000001 000001 67aa')).toEqual(['67aa'])
  expect(units('1122 000001 67aa')).toEqual(['67aa'])
  expect(units('000001 67 000003 01 aa')).toEqual(['6700000301aa'])
  expect(units('000001')).toEqual([])
  expect(units('67aa')).toEqual([])
  expect(units('')).toEqual([])
  expect(Buffer.from(joinNalUnits([hex('67aa'), hex('68')])).toString('hex')).toBe('0000000167aa0000000168')
})

test('small units share a STAP-A, whose NRI is the highest of theirs (RFC 6184 §5.7.1)', () => {
  const sei = hex('06 05 aa bb')
  const payloads = h264.createPacketizer(MODE_1).packetize(frame(joinNalUnits([sei, SPS, PPS, slice(0x65, 200)])), 100)
  expect(Buffer.from(payloads[0]!).toString('hex')).toBe(
    plain('78 0004 0605aabb 000a 6742c01f95a014016e40 0004 68ce3c80'),
  )
  expect(payloads.slice(1).every((payload) => payload[0] === 0x7c)).toBe(true)
})

test('a large unit goes in FU-A fragments (§5.8)', () => {
  const unit = slice(0x41, 200)
  const payloads = h264.createPacketizer(MODE_1).packetize(frame(joinNalUnits([unit])), 100)
  expect(payloads.map((payload) => [payload[0], payload[1], payload.length])).toEqual([
    [0x5c, 0x81, 69],
    [0x5c, 0x01, 68],
    [0x5c, 0x41, 68],
  ])
})

test('packetization mode 0 has single units only', () => {
  for (const parameters of [undefined, new Map([['packetization-mode', '0']])]) {
    const packetizer = h264.createPacketizer(parameters)
    const units = [SPS, PPS, slice(0x65, 90)]
    expect(packetizer.packetize(frame(joinNalUnits(units)), 100)).toEqual(units)
    try {
      packetizer.packetize(frame(joinNalUnits([slice(0x65, 101)])), 100)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(PayloadFormatError)
      expect(error).toHaveProperty('code', 'ERR_RTP_NAL_UNIT_SIZE')
    }
  }
})

test('a frame without start codes is misuse', () => {
  const packetizer = h264.createPacketizer(MODE_1)
  const avc = Uint8Array.of(0, 0, 0, 4, ...PPS)
  expect(() => packetizer.packetize(frame(avc), 100)).toThrow(expect.objectContaining({ code: 'ERR_RTP_FRAME_FORM' }))
})

test('key frames go out with parameter sets in front, remembered when they bring none', () => {
  const packetizer = h264.createPacketizer(new Map())
  const idr = slice(0x65, 50)
  expect(packetizer.packetize(frame(joinNalUnits([idr])), 100)).toEqual([idr]) // none are known
  expect(packetizer.packetize(frame(joinNalUnits([SPS, PPS, idr])), 100)).toEqual([SPS, PPS, idr])
  expect(packetizer.packetize(frame(joinNalUnits([slice(0x41, 50)])), 100)).toEqual([slice(0x41, 50)])
  expect(packetizer.packetize(frame(joinNalUnits([idr])), 100)).toEqual([SPS, PPS, idr])
  const delimiter = hex('09 f0')
  expect(packetizer.packetize(frame(joinNalUnits([delimiter, idr])), 100)).toEqual([delimiter, SPS, PPS, idr])
  // A new set with the same id takes the old one's place.
  const other = hex('68 ce3880')
  packetizer.packetize(frame(joinNalUnits([other, slice(0x41, 50)])), 100)
  expect(packetizer.packetize(frame(joinNalUnits([idr])), 100)).toEqual([SPS, other, idr])
})

test('key frames come in with parameter sets in front, also those of the session description', () => {
  const base64 = (unit: Uint8Array) => Buffer.from(unit).toString('base64')
  const idr = slice(0x65, 50)
  const known = h264.createDepacketizer(new Map([['sprop-parameter-sets', `${base64(SPS)},${base64(PPS)}`]]))
  expect(known.depacketize([idr])).toEqual({ payload: joinNalUnits([SPS, PPS, idr]), keyFrame: true })
  const unknown = h264.createDepacketizer(new Map([['sprop-parameter-sets', '!,,=']]))
  expect(unknown.depacketize([idr])).toEqual({ payload: joinNalUnits([idr]), keyFrame: true })
  unknown.depacketize([SPS])
  unknown.depacketize([PPS])
  expect(unknown.depacketize([idr])).toEqual({ payload: joinNalUnits([SPS, PPS, idr]), keyFrame: true })
})

test('at most 64 parameter sets of at most 1 KB are remembered', () => {
  const depacketizer = h264.createDepacketizer()
  depacketizer.depacketize([SPS])
  // Picture parameter sets with the ids 0 to 199: ue(v) of the id, then 11.
  for (let id = 0; id < 200; id++) {
    const code = (id + 1).toString(2)
    const bits = '0'.repeat(code.length - 1) + code + '11'
    const bytes = Buffer.from(
      BigInt(`0b1${bits.padEnd(24, '0')}`)
        .toString(16)
        .slice(1),
      'hex',
    )
    depacketizer.depacketize([Uint8Array.of(0x68, ...bytes)])
  }
  const frameOf = (unit: Uint8Array) => nalUnits(depacketizer.depacketize([unit])!.payload).length
  expect(frameOf(slice(0x65, 50))).toBe(1 + 64)
  const large = h264.createDepacketizer()
  large.depacketize([Uint8Array.of(...SPS, ...new Uint8Array(1024).fill(1))])
  expect(large.depacketize([slice(0x65, 50)])!.payload.length).toBe(54)
})

const IDR_BODY = '88 8400'
const cases: [string, string, boolean, boolean][] = [
  ['IDR slice', `65 ${IDR_BODY}`, true, true],
  ['IDR slice that is not the first of its picture', '65 40 8400', false, false],
  ['slice', '41 9a00', true, false],
  ['slice that is not the first of its picture', '41 4a00', false, false],
  ['sequence parameter set', '67 42c01f', true, true],
  ['picture parameter set', '68 ce3c80', true, false],
  ['delimiter', '09 f0', true, false],
  ['SEI', '06 0501 80', true, false],
  ['recovery point at once', '06 0601 80', true, true],
  ['recovery point later', '06 0601 40', true, false],
  ['data partition B', '43 88', false, false],
  ['STAP-A of parameter sets and an IDR slice', `78 0004 6742c01f 0004 68ce3c80 0003 658884`, true, true],
  ['STAP-A of a picture parameter set and an IDR slice', `78 0004 68ce3c80 0003 658884`, true, true],
  ['STAP-A of a delimiter and a slice', '78 0002 09f0 0003 419a00', true, false],
  ['STAP-A of later slices', '78 0003 414a00 0003 414a00', false, false],
  ['STAP-A with nothing in it', '78', false, false],
  ['FU-A that begins an IDR slice', '7c 85 8884', true, true],
  ['FU-A that begins a later IDR slice', '7c 85 4084', false, false],
  ['FU-A that goes on with an IDR slice', '7c 05 8884', false, false],
  ['FU-A that ends an IDR slice', '7c 45 8884', false, false],
  ['FU-A that begins a slice', '5c 81 9a00', true, false],
  ['FU-A that begins a sequence parameter set', '7c 87 42c0', true, true],
  ['STAP-B', '79 0000 0003 658884', false, false],
  ['FU-B', '7d 85 0000 8884', false, false],
  ['type 0', '00 00', false, false],
  ['type 30', '7e 00', false, false],
]

test.each(cases)('%s: where frames begin', (_, bytes, frameStart, keyFrame) => {
  expect([h264.isFrameStart(hex(bytes)), h264.isKeyFrame(hex(bytes))]).toEqual([frameStart, keyFrame])
})

test.each([
  ['STAP-B (§5.7.1)', ['79 0000 0003 658884']],
  ['MTAP16 (§5.7.2)', ['7a 0000 0006 00 0000 658884']],
  ['FU-B (§5.8)', ['7d 85 0000 8884']],
  ['STAP-A with nothing in it', ['78']],
  ['STAP-A whose unit is longer than it', ['78 0005 658884']],
  ['STAP-A with an empty unit', ['78 0000']],
  ['STAP-A in a STAP-A', ['78 0004 78000165']],
  ['STAP-A cut in a size', ['78 0003 658884 00']],
  ['FU-A with S and E', ['7c c5 8884']],
  ['FU-A without data', ['7c 85', '7c 45 aa']],
  ['FU-A without a beginning', ['7c 05 8884', '7c 45 8884']],
  ['FU-A without an end', ['7c 85 8884', '7c 05 8884']],
  ['FU-A twice begun', ['7c 85 8884', '7c 85 8884', '7c 45 8884']],
  ['FU-A that goes on as another type', ['7c 85 8884', '7c 41 8884']],
  ['a unit between fragments', ['7c 85 8884', '65 8884', '7c 45 8884']],
  ['FU-A of an FU-A', ['7c 9c 8884', '7c 5c 8884']],
])('%s makes no frame', (_, payloads) => {
  expect(h264.createDepacketizer().depacketize(payloads.map((text) => hex(text)))).toBeUndefined()
})

test('zeros that a sender left at the end of a unit are none of it', () => {
  const { payload } = h264.createDepacketizer().depacketize([hex('78 0004 68ce3c00 0003 418800'), hex('41 4a 0000')])!
  expect(nalUnits(payload)).toEqual([hex('68ce3c'), hex('4188'), hex('414a')])
  expect(payload.length).toBe(3 * 4 + 3 + 2 + 2)
})

// By libx264.
test.each([
  ['67 4d4028f403c0227ef0110000030001000003001e1f162ea0', 77, 40, 1920, 1080, 1, 0x40, 15], // interlaced
  ['67 64000af3651c9e3e2f016c80000003008000000f078912cb', 100, 10, 98, 54, 0, 0, 15], // without chroma
  ['67 7a000abcd94727888bc044000003000400000300783c489658', 122, 10, 98, 54, 2, 0, 15], // 4:2:2
  ['67 f4000a919b28e4f1f1780880000003008000000f078912cb', 244, 10, 98, 54, 3, 0, 15], // 4:4:4, with scaling lists
])('sequence parameter set %s', (bytes, profileIdc, levelIdc, width, height, chromaFormat, constraints, frameRate) => {
  const unit = hex(bytes)
  const depths = { bitDepthLuma: 8, bitDepthChroma: 8 }
  const profile = { profileIdc, constraints, levelIdc }
  expect(readH264Sps(unit)).toEqual({ id: 0, ...profile, chromaFormat, ...depths, width, height, frameRate })
  for (let length = 0; length < 9; length++) expect(readH264Sps(unit.subarray(0, length))).toBeUndefined()
})

test('no sequence parameter set', () => {
  expect(readH264Sps(PPS)).toBeUndefined()
  expect(readH264Sps(new Uint8Array(50).fill(0x67))).toBeUndefined() // a picture beyond all measure
  expect(frameDimensions('video/H264', streamOf('video/H265').frames[0]!.payload)).toBeUndefined()
})

test.each([
  ['4:2:0 of 8 bits', '010 1 1', '011', { chromaFormat: 1, bitDepthLuma: 8, bitDepthChroma: 8 }],
  ['4:2:2 of 10 and 9 bits', '011 011 010', '011', { chromaFormat: 2, bitDepthLuma: 10, bitDepthChroma: 9 }],
  ['4:0:0 of 14 bits', '1 00111 00111', '011', { chromaFormat: 0, bitDepthLuma: 14, bitDepthChroma: 14 }],
  ['a chroma format beyond 3', '00101 1 1', '011', undefined],
  ['15 bits of luma', '010 0001000 1', '011', undefined],
  ['15 bits of chroma', '010 1 0001000', '011', undefined],
  ['offsets of 255 pictures', '010 1 1', `010 0 1 1 ${'0'.repeat(8)}1${'0'.repeat(8)} ${'1'.repeat(255)}`, {}],
  ['offsets of 256 pictures', '010 1 1', `010 0 1 1 ${'0'.repeat(8)}1${'0'.repeat(7)}1 ${'1'.repeat(256)}`, undefined],
])('formats of High profile: %s', (_, format, pictureOrder, expected) => {
  // Profile, constraints, level, id; then the size of 4×2 macroblocks, and nothing behind it.
  const text = `01100100 0000000000001010 1 ${format} 0 0 1 ${pictureOrder} 1 0 00100 010 1 1 0 0 1`.replaceAll(' ', '')
  const bytes = [0x67]
  for (let index = 0; index < text.length; index += 8) {
    const byte = Number.parseInt(text.slice(index, index + 8).padEnd(8, '0'), 2)
    if (byte <= 3 && bytes.at(-1) === 0 && bytes.at(-2) === 0) bytes.push(3)
    bytes.push(byte)
  }
  const sps = readH264Sps(Uint8Array.from(bytes))
  if (expected === undefined) expect(sps).toBeUndefined()
  else expect(sps).toMatchObject({ profileIdc: 100, width: 64, height: 32, frameRate: undefined, ...expected })
})

test('timing that makes no sense or is cut off leaves the rest (§E.1.1)', () => {
  const unit = hex('67 64000af3651c9e3e2f016c80000003008000000f078912cb')
  expect(readH264Sps(unit)?.frameRate).toBe(15)
  expect(readH264Sps(unit.subarray(0, 16))).toMatchObject({ width: 98, height: 54, frameRate: undefined })
})
