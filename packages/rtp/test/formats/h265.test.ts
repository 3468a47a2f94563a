import { expect, test } from 'vitest'
import { h265, joinNalUnits, nalUnits, readH265Sps } from '../../src/formats/index.ts'
import { unescapeNalUnit } from '../../src/formats/nal-units.ts'
import { frame, hex, streamOf, plain } from './streams.ts'

const [VPS, SPS, PPS, IDR] = nalUnits(streamOf('video/H265').frames[0]!.payload) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

test('small units share an aggregation packet with the lowest layer and temporal id (RFC 7798 §4.4.2)', () => {
  const units = [hex('0213 d0aa'), hex('020b d0bb')] // TRAIL_R of layers 2 and 1, temporal ids 3 both
  const [payload] = h265.createPacketizer().packetize(frame(joinNalUnits(units)), 100)
  expect(Buffer.from(payload!).toString('hex')).toBe(plain('600b 0004 0213d0aa 0004 020bd0bb'))
})

test('a large unit goes in fragmentation units (§4.4.3)', () => {
  const payloads = h265.createPacketizer().packetize(frame(joinNalUnits([IDR])), 600)
  expect(payloads.map((payload) => Buffer.from(payload.subarray(0, 3)).toString('hex'))).toEqual(['620194', '620154'])
})

test('key frames go out and come in with parameter sets in front', () => {
  const packetizer = h265.createPacketizer()
  packetizer.packetize(streamOf('video/H265').frames[0]!, 1000)
  const alone = frame(joinNalUnits([IDR]))
  const depacketizer = h265.createDepacketizer()
  expect(depacketizer.depacketize(packetizer.packetize(alone, 1000))).toEqual({
    payload: joinNalUnits([VPS, SPS, PPS, IDR]),
    keyFrame: true,
  })
  const without = h265.createPacketizer().packetize(alone, 1000)
  expect(nalUnits(depacketizer.depacketize(without)!.payload).length).toBe(4)
  expect(nalUnits(h265.createDepacketizer().depacketize(without)!.payload).length).toBe(1)
  const base64 = (unit: Uint8Array) => Buffer.from(unit).toString('base64')
  const parameters = new Map([
    ['sprop-vps', base64(VPS)],
    ['sprop-sps', base64(SPS)],
    ['sprop-pps', base64(PPS)],
  ])
  expect(nalUnits(h265.createDepacketizer(parameters).depacketize(without)!.payload)).toEqual([VPS, SPS, PPS, IDR])
})

const cases: [string, string, boolean, boolean][] = [
  ['IDR_N_LP slice', '2801 af', true, true],
  ['CRA slice', '2a01 af', true, true],
  ['BLA slice', '2001 af', true, true],
  ['IDR slice that is not the first of its picture', '2801 2f', false, false],
  ['TRAIL_R slice', '0201 d0', true, false],
  ['TRAIL_R slice that is not the first of its picture', '0201 50', false, false],
  ['VPS', '4001 0c', true, true],
  ['SPS', '4201 01', true, true],
  ['PPS', '4401 c1', true, false],
  ['delimiter', '4601 50', true, false],
  ['prefix SEI', '4e01 05', true, false],
  ['suffix SEI', '5001 05', false, false],
  ['AP of parameter sets', '6001 0003 40010c 0003 420101', true, true],
  ['AP of a picture parameter set and an IDR slice', '6001 0003 4401c1 0003 2801af', true, true],
  ['AP of slices', '6001 0003 0201d0 0003 020150', true, false],
  ['FU that begins an IDR slice', '6201 94 af', true, true],
  ['FU that begins a later IDR slice', '6201 94 2f', false, false],
  ['FU that goes on', '6201 14 af', false, false],
  ['FU that begins a TRAIL_R slice', '6201 81 d0', true, false],
  ['PACI', '6401 0000 2801af', false, false],
  ['one byte', '28', false, false],
]

test.each(cases)('%s: where frames begin', (_, bytes, frameStart, keyFrame) => {
  expect([h265.isFrameStart(hex(bytes)), h265.isKeyFrame(hex(bytes))]).toEqual([frameStart, keyFrame])
})

test.each([
  ['PACI (§4.4.4)', ['6401 0000 2801af']],
  ['AP with nothing in it', ['6001']],
  ['AP whose unit is longer than it', ['6001 0004 2801af']],
  ['AP in an AP', ['6001 0005 6001000128']],
  ['FU with S and E', ['6201 d4 af']],
  ['FU without data', ['6201 94', '6201 54 aa']],
  ['FU without a beginning', ['6201 54 af']],
  ['FU without an end', ['6201 94 af']],
  ['FU that goes on as another type', ['6201 94 af', '6201 55 af']],
  ['FU of an AP', ['6201 b0 af', '6201 70 af']],
])('%s makes no frame', (_, payloads) => {
  expect(h265.createDepacketizer().depacketize(payloads.map((text) => hex(text)))).toBeUndefined()
})

// By libx265.
test.each([
  [
    '420101022000000300900000030000030078a003c0801107cad965654a4c2f0168080000030008000003007840',
    2,
    120,
    1920,
    1080,
    1,
    10,
  ],
  ['42010101600000030090000003000003001ea034839c9596566b932bc05a020000030002000003001e10', 1, 30, 98, 54, 1, 8],
  ['4201010408000003009d0800000300001eb034839c9796566b932bc05a020000030002000003001e10', 4, 30, 98, 54, 2, 8], // 4:2:2
  ['4201010408000003009e0800000300001e900690739ef2cacd7265780b4040000003004000000303c2', 4, 30, 98, 54, 3, 8], // 4:4:4
])('sequence parameter set %s', (bytes, profileIdc, levelIdc, width, height, chromaFormat, depth) => {
  const unit = hex(bytes)
  const profileTierLevel = unescapeNalUnit(unit).subarray(3, 15)
  expect(profileTierLevel[11]).toBe(levelIdc)
  expect(readH265Sps(unit)).toEqual({
    id: 0,
    profileIdc,
    tier: 0,
    levelIdc,
    profileTierLevel,
    temporalLayers: 1,
    temporalIdNested: true,
    chromaFormat,
    bitDepthLuma: depth,
    bitDepthChroma: depth,
    width,
    height,
  })
  for (let length = 0; length < 18; length++) expect(readH265Sps(unit.subarray(0, length))).toBeUndefined()
})

test('sub-layers in front of the size are skipped (H.265 §7.3.3)', () => {
  const bits = (text: string) => text.replaceAll(' ', '')
  // The set above, 98×54, with two sub-layers more, of which the first has a profile and a level, the second a level.
  const subLayers = '11 01' + '0'.repeat(12) + '0'.repeat(88) + '00011110 00011110'
  const general = '00 0 00001' + '0'.repeat(80) + '00011110'
  const rest = '1 010 0000001101000 0000001111000 0 1 1' // sps id 0, 4:2:0, 103×119, no window
  const text = bits('0000 010 1' + general + subLayers + rest).padEnd(320, '0')
  const bytes = Uint8Array.from({ length: 40 }, (_, index) => Number.parseInt(text.slice(index * 8, index * 8 + 8), 2))
  const escaped: number[] = []
  for (const byte of bytes) {
    if (byte <= 3 && escaped.at(-1) === 0 && escaped.at(-2) === 0) escaped.push(3)
    escaped.push(byte)
  }
  expect(readH265Sps(Uint8Array.of(0x42, 1, ...escaped))).toMatchObject({
    id: 0,
    levelIdc: 30,
    temporalLayers: 3,
    temporalIdNested: true,
    chromaFormat: 1,
    width: 103,
    height: 119,
  })
})
