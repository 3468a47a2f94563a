import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  frameDimensions,
  parseVp8Descriptor,
  vp8,
  vp8DescriptorLength,
  writeVp8Descriptor,
} from '../../src/formats/index.ts'
import type { Vp8Descriptor } from '../../src/formats/index.ts'
import { frame, hex, ivf, streamOf } from './streams.ts'

// The examples of RFC 7741 §4.6, with a payload of one byte or more behind them.
const examples: [string, string, Partial<Vp8Descriptor>][] = [
  [
    'key frame in one packet, with a picture id of 7 bits (§4.6.1)',
    '90 80 11 aa',
    { nonReference: false, partitionStart: true, partitionIndex: 0, pictureId: 17, longPictureId: false, length: 3 },
  ],
  [
    'discardable interframe in one packet, without picture id (§4.6.2)',
    '30 aa',
    { nonReference: true, partitionStart: true, partitionIndex: 0, pictureId: -1, length: 1 },
  ],
  [
    'first partition of the VP8 frame (§4.6.3)',
    '90 80 93 e5 aa',
    { partitionStart: true, partitionIndex: 0, pictureId: 5093, longPictureId: true, length: 4 },
  ],
  [
    'second partition, fragmented (§4.6.4), later packet',
    '81 80 11 aa',
    { partitionStart: false, partitionIndex: 1, pictureId: 17, length: 3 },
  ],
  [
    'every field (§4.2)',
    'b3 f0 81 02 07 b5 aa',
    {
      nonReference: true,
      partitionStart: true,
      partitionIndex: 3,
      pictureId: 258,
      longPictureId: true,
      tl0PictureIndex: 7,
      temporalId: 2,
      layerSync: true,
      keyIndex: 21,
      length: 6,
    },
  ],
  ['KEYIDX alone', '90 10 ff aa', { temporalId: -1, layerSync: false, keyIndex: 31, length: 3 }],
  ['TID alone', '90 20 7f aa', { temporalId: 1, layerSync: true, keyIndex: -1, length: 3 }],
]

test.each(examples)('descriptor: %s', (_, bytes, expected) => {
  expect(parseVp8Descriptor(hex(bytes))).toMatchObject(expected)
})

test('a descriptor cut short, or with nothing behind it, is none', () => {
  const whole = hex('b3 f0 81 02 07 b5 aa')
  for (let length = 0; length < whole.length; length++) {
    expect(parseVp8Descriptor(whole.subarray(0, length))).toBeUndefined()
  }
})

const descriptors: fc.Arbitrary<Vp8Descriptor> = fc
  .record({
    nonReference: fc.boolean(),
    partitionStart: fc.boolean(),
    partitionIndex: fc.nat(7),
    pictureId: fc.integer({ min: -1, max: 0x7fff }),
    longPictureId: fc.boolean(),
    tl0PictureIndex: fc.integer({ min: -1, max: 255 }),
    temporalId: fc.integer({ min: -1, max: 3 }),
    layerSync: fc.boolean(),
    keyIndex: fc.integer({ min: -1, max: 31 }),
    length: fc.constant(0),
  })
  .map((descriptor) => ({
    ...descriptor,
    longPictureId: descriptor.pictureId > 127 || (descriptor.longPictureId && descriptor.pictureId >= 0),
    layerSync: descriptor.layerSync && descriptor.temporalId >= 0,
  }))

test('descriptors are read as they were written', () => {
  fc.assert(
    fc.property(descriptors, (descriptor) => {
      const length = vp8DescriptorLength(descriptor)
      const out = new Uint8Array(length + 3).fill(0xee)
      expect(writeVp8Descriptor(descriptor, out, 2)).toBe(length + 2)
      expect(out[length + 2]).toBe(0xee)
      expect(parseVp8Descriptor(out.subarray(2))).toEqual({ ...descriptor, length })
    }),
    { seed: 7741 },
  )
})

test('only the beginning of a frame is one', () => {
  expect(vp8.isFrameStart(hex('10 00'))).toBe(true)
  expect(vp8.isKeyFrame(hex('10 00'))).toBe(true) // P is 0 in the first byte of a key frame
  expect(vp8.isKeyFrame(hex('10 01'))).toBe(false)
  expect(vp8.isFrameStart(hex('00 00'))).toBe(false)
  expect(vp8.isFrameStart(hex('11 00'))).toBe(false)
  expect(vp8.isKeyFrame(hex('11 00'))).toBe(false)
})

test('picture ids go up by one and wrap at 15 bits; every payload of a frame has the same', () => {
  const packetizer = vp8.createPacketizer()
  const payload = streamOf('video/VP8').frames[1]!.payload
  for (let index = 0; index < 0x8002; index++) {
    const payloads = packetizer.packetize(frame(payload), 1200)
    if (index < 3 || index > 0x7ffd) {
      for (const one of payloads) expect(parseVp8Descriptor(one)!.pictureId).toBe(index & 0x7fff)
    }
  }
})

test('payloads of two frames do not make one', () => {
  const packetizer = vp8.createPacketizer()
  const [first, second] = streamOf('video/VP8').frames
  const one = packetizer.packetize(first!, 1000)
  const two = packetizer.packetize(second!, 100)
  expect(vp8.createDepacketizer().depacketize([...one, ...two.slice(1)])).toBeUndefined()
})

test('N is set for the highest temporal layer, which no frame depends on', () => {
  const packetizer = vp8.createPacketizer()
  const marks = ivf('vp8-layers.ivf').map((payload) => {
    const [first] = packetizer.packetize(frame(payload), 60_000)
    return parseVp8Descriptor(first!)!.nonReference
  })
  expect(marks).toEqual([false, true, false, true, false, true, false, true, false])
})

test('a frame shorter than its header says is none', () => {
  const { payload } = streamOf('video/VP8').frames[0]!
  const firstPartition = 10 + ((payload[0]! | (payload[1]! << 8) | (payload[2]! << 16)) >> 5)
  const depacketize = (length: number) =>
    vp8.createDepacketizer().depacketize([Uint8Array.of(0x10, ...payload.subarray(0, length))])
  expect(depacketize(firstPartition - 1)).toBeUndefined()
  expect(depacketize(firstPartition)).toBeDefined()
})

test('no dimensions without the start code of a key frame', () => {
  const key = streamOf('video/VP8').frames[0]!.payload
  const broken = key.slice()
  broken[4] = 2
  expect(frameDimensions('video/VP8', broken)).toBeUndefined()
  expect(frameDimensions('video/VP8', key.subarray(0, 9))).toBeUndefined()
  const scaled = key.slice()
  scaled[7]! |= 0xc0 // horizontal_scale
  expect(frameDimensions('VIDEO/vp8', scaled)).toEqual({ width: 160, height: 120 })
})
