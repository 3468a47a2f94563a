import { describe, expect, it } from 'vitest'
import { joinNalUnits } from '@kaon/rtp/formats'
import { describeKeyFrame } from '../src/codecs/video.ts'

// What MP4 and Matroska want to know of a stream, of parameter sets by libx264, libx265, libaom and rav1e.

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const length = (bytes: Uint8Array): string => bytes.length.toString(16).padStart(4, '0')

describe('avcC (ISO/IEC 14496-15 §5.3.3.1)', () => {
  const PPS = hex('68 ce3c80')
  const IDR = hex('65 888400')

  it.each([
    ['Constrained Baseline', '67 42c01f 95a014016e 40', 'avc1.42c01f', 1280, 720, ''],
    ['Main, interlaced', '67 4d4028f403c0227ef0110000030001000003001e1f162ea0', 'avc1.4d4028', 1920, 1080, ''],
    ['High, monochrome', '67 64000af3651c9e3e2f016c80000003008000000f078912cb', 'avc1.64000a', 98, 54, 'fcf8f800'],
    ['4:2:2', '67 7a000abcd94727888bc044000003000400000300783c489658', 'avc1.7a000a', 98, 54, 'fef8f800'],
    ['4:4:4', '67 f4000a919b28e4f1f1780880000003008000000f078912cb', 'avc1.f4000a', 98, 54, 'fff8f800'],
  ])('%s', (_, bytes, codec, width, height, chroma) => {
    const sps = hex(bytes)
    const described = describeKeyFrame('video/H264', joinNalUnits([sps, PPS, IDR]))!
    expect(described).toMatchObject({ codec, width, height, parameterSets: [sps, PPS] })
    const sets = `e1${length(sps)}${text(sps)}01${length(PPS)}${text(PPS)}`
    expect(text(described.configuration!)).toBe(`01${codec.slice(5)}ff${sets}${chroma}`)
  })

  it('is not made without both parameter sets, sound ones', () => {
    const sps = hex('67 42c01f 95a014016e 40')
    expect(describeKeyFrame('video/H264', joinNalUnits([sps, IDR]))).toBeUndefined()
    expect(describeKeyFrame('video/H264', joinNalUnits([PPS, IDR]))).toBeUndefined()
    expect(describeKeyFrame('video/H264', joinNalUnits([sps.subarray(0, 6), PPS, IDR]))).toBeUndefined()
  })
})

describe('hvcC (ISO/IEC 14496-15 §8.3.3.1)', () => {
  const VPS = hex('4001 0c01')
  const PPS = hex('4401 c172')

  it.each([
    [
      'Main 10',
      '420101022000000300900000030000030078a003c0801107cad965654a4c2f0168080000030008000003007840',
      ['hvc1.2.4.L120.90', 1920, 1080],
      ['022000000090000000000078', 'fd', 'fafa'],
    ],
    [
      'Main',
      '42010101600000030090000003000003001ea034839c9596566b932bc05a020000030002000003001e10',
      ['hvc1.1.6.L30.90', 98, 54],
      ['01600000009000000000001e', 'fd', 'f8f8'],
    ],
    [
      '4:2:2',
      '4201010408000003009d0800000300001eb034839c9796566b932bc05a020000030002000003001e10',
      ['hvc1.4.10.L30.9D.8', 98, 54],
      ['04080000009d08000000001e', 'fe', 'f8f8'],
    ],
    [
      '4:4:4',
      '4201010408000003009e0800000300001e900690739ef2cacd7265780b4040000003004000000303c2',
      ['hvc1.4.10.L30.9E.8', 98, 54],
      ['04080000009e08000000001e', 'ff', 'f8f8'],
    ],
  ] as const)('%s', (_, bytes, [codec, width, height], [general, chroma, depths]) => {
    const sps = hex(bytes)
    const described = describeKeyFrame('video/H265', joinNalUnits([VPS, sps, PPS]))!
    expect(described).toMatchObject({ codec, width, height, parameterSets: [VPS, sps, PPS] })
    // One temporal layer, nested; lengths of four bytes; three arrays.
    const sets = [VPS, sps, PPS].map((unit, index) => `${(32 + index).toString(16)}0001${length(unit)}${text(unit)}`)
    expect(text(described.configuration!)).toBe(`01${general}f000fc${chroma}${depths}00000f03${sets.join('')}`)
  })

  it('is not made without a sound parameter set', () => {
    expect(describeKeyFrame('video/H265', joinNalUnits([VPS, PPS]))).toBeUndefined()
    expect(describeKeyFrame('video/H265', joinNalUnits([VPS, hex('420101022000000300'), PPS]))).toBeUndefined()
  })
})

describe('av1C (AV1 in ISO-BMFF §2.3)', () => {
  it.each([
    ['Main, still, of 10 bits', '181970ead404', 'av01.0.00M.10', 98, 54, '81004c00'],
    ['High, 4:4:4', '200000f9970ea210a902020250', 'av01.1.31M.08.0.000', 98, 54, '813f0000'],
  ])('%s', (_, bytes, codec, width, height, record) => {
    const header = `0a${length(hex(bytes)).slice(2)}${bytes}`
    const described = describeKeyFrame('video/AV1', hex(`${header} 3201 10`))!
    expect(described).toMatchObject({ codec, width, height, parameterSets: [] })
    expect(text(described.configuration!)).toBe(record + header)
  })

  it('is not made without a sound sequence header', () => {
    expect(describeKeyFrame('video/AV1', hex('3201 10'))).toBeUndefined()
    expect(describeKeyFrame('video/AV1', hex('0a03 181970 3201 10'))).toBeUndefined()
  })
})
