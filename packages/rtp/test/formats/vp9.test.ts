import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseVp9Descriptor, readVp9Header, vp9, writeVp9Descriptor } from '../../src/formats/index.ts'
import type { Vp9Descriptor } from '../../src/formats/index.ts'
import { frame, hex, streamOf } from './streams.ts'

// RFC 9628 §4.2: I, L, B, E, V; picture 258; TID 0, D; TL0PICIDX 7; two sized spatial layers; a group of three pictures.
const nonFlexible = 'ae 8102 01 07 38 0140 00f0 0280 01e0 03 0401 5402 5801 02 aa'
// I, P, L, F, B, Z; picture 17; TID 1, U, SID 2; references 1 and 3 pictures back.
const flexible = 'f9 11 34 03 06 aa'

test('every field of the non-flexible mode', () => {
  expect(parseVp9Descriptor(hex(nonFlexible))).toEqual({
    interPicturePredicted: false,
    flexible: false,
    frameStart: true,
    frameEnd: true,
    notReferenceForUpperLayers: false,
    pictureId: 258,
    longPictureId: true,
    temporalId: 0,
    switchingUpPoint: false,
    spatialId: 0,
    interLayerDependency: true,
    tl0PictureIndex: 7,
    references: [],
    scalability: {
      spatialLayers: 2,
      resolutions: [
        { width: 320, height: 240 },
        { width: 640, height: 480 },
      ],
      pictures: [
        { temporalId: 0, switchingUpPoint: false, references: [1] },
        { temporalId: 2, switchingUpPoint: true, references: [2] },
        { temporalId: 2, switchingUpPoint: true, references: [1, 2] },
      ],
    },
    length: 22,
  })
})

test('every field of the flexible mode', () => {
  expect(parseVp9Descriptor(hex(flexible))).toEqual({
    interPicturePredicted: true,
    flexible: true,
    frameStart: true,
    frameEnd: false,
    notReferenceForUpperLayers: true,
    pictureId: 17,
    longPictureId: false,
    temporalId: 1,
    switchingUpPoint: true,
    spatialId: 2,
    interLayerDependency: false,
    tl0PictureIndex: -1,
    references: [1, 3],
    scalability: undefined,
    length: 5,
  })
})

test('a descriptor cut short, or with nothing behind it, is none', () => {
  for (const text of [nonFlexible, flexible]) {
    const bytes = hex(text)
    for (let length = 0; length < bytes.length; length++) {
      expect(parseVp9Descriptor(bytes.subarray(0, length))).toBeUndefined()
    }
  }
  expect(parseVp9Descriptor(hex('58 03 03 03 02 aa'))).toBeUndefined() // four references
})

const references = fc.array(fc.nat(127), { minLength: 1, maxLength: 3 })
const scalability = fc.record({
  resolutions: fc.boolean(),
  spatialLayers: fc.integer({ min: 1, max: 8 }),
  size: fc.record({ width: fc.nat(0xffff), height: fc.nat(0xffff) }),
  pictures: fc.option(
    fc.array(
      fc.record({
        temporalId: fc.nat(7),
        switchingUpPoint: fc.boolean(),
        references: fc.array(fc.nat(255), { maxLength: 3 }),
      }),
      { maxLength: 20 },
    ),
    { nil: undefined },
  ),
})
const descriptors: fc.Arbitrary<Vp9Descriptor> = fc
  .record({
    flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
    pictureId: fc.integer({ min: -1, max: 0x7fff }),
    long: fc.boolean(),
    layers: fc.boolean(),
    temporalId: fc.nat(7),
    spatialId: fc.nat(7),
    tl0PictureIndex: fc.nat(255),
    references,
    structure: fc.option(scalability, { nil: undefined }),
  })
  .map(({ flags, pictureId, long, layers, temporalId, spatialId, tl0PictureIndex, references, structure }) => ({
    interPicturePredicted: flags[0],
    flexible: flags[1],
    frameStart: flags[2],
    frameEnd: flags[3],
    notReferenceForUpperLayers: flags[4],
    pictureId,
    longPictureId: pictureId > 127 || (long && pictureId >= 0),
    temporalId: layers ? temporalId : -1,
    switchingUpPoint: layers && flags[5],
    spatialId: layers ? spatialId : -1,
    interLayerDependency: layers && flags[6],
    tl0PictureIndex: layers && !flags[1] ? tl0PictureIndex : -1,
    references: flags[0] && flags[1] ? references : [],
    scalability: structure && {
      spatialLayers: structure.spatialLayers,
      resolutions: structure.resolutions ? Array.from({ length: structure.spatialLayers }, () => structure.size) : [],
      pictures: structure.pictures,
    },
    length: 0,
  }))

test('descriptors are read as they were written', () => {
  fc.assert(
    fc.property(descriptors, (descriptor) => {
      const bytes = writeVp9Descriptor(descriptor)
      const payload = Uint8Array.of(...bytes, 0xaa)
      expect(parseVp9Descriptor(payload)).toEqual({ ...descriptor, length: bytes.length })
    }),
    { seed: 9628 },
  )
})

test('key frames bring the scalability structure, and all frames what the non-flexible mode needs', () => {
  const packetizer = vp9.createPacketizer()
  for (const [index, sent] of streamOf('video/VP9').frames.entries()) {
    const payloads = packetizer.packetize(sent, 500)
    const descriptors = payloads.map((payload) => parseVp9Descriptor(payload)!)
    for (const descriptor of descriptors) {
      expect(descriptor).toMatchObject({
        pictureId: index,
        tl0PictureIndex: index,
        temporalId: 0,
        spatialId: 0,
        flexible: false,
        interPicturePredicted: !sent.keyFrame,
      })
    }
    expect(descriptors.map(({ frameStart }) => frameStart)).toEqual(payloads.map((_, at) => at === 0))
    expect(descriptors.map(({ frameEnd }) => frameEnd)).toEqual(payloads.map((_, at) => at === payloads.length - 1))
    expect(descriptors[0]!.scalability?.resolutions[0]).toEqual(sent.keyFrame ? { width: 160, height: 120 } : undefined)
    expect(descriptors[1]?.scalability).toBeUndefined()
  }
})

test('the beginning of a picture is where spatial layer 0 begins', () => {
  const key = streamOf('video/VP9').frames[0]!.payload
  const start = (first: number, layer: number) => Uint8Array.of(first, layer, 0, ...key.subarray(0, 20))
  expect(vp9.isFrameStart(start(0x28, 0x00))).toBe(true)
  expect(vp9.isKeyFrame(start(0x28, 0x00))).toBe(true)
  expect(vp9.isKeyFrame(start(0x68, 0x00))).toBe(false) // P
  expect(vp9.isKeyFrame(start(0x20, 0x00))).toBe(false) // no B
  expect(vp9.isFrameStart(start(0x28, 0x02))).toBe(false) // SID 1
  expect(vp9.isKeyFrame(start(0x28, 0x02))).toBe(false)
  // What cannot be read (it is encrypted) counts by its descriptor.
  expect(vp9.isKeyFrame(hex('08 123456'))).toBe(true)
  // An interframe without P, as ffmpeg sends it: the frame itself says so.
  expect(vp9.isKeyFrame(hex('08 860040'))).toBe(false)
})

test('layer frames of a picture become one frame, in the order of the layers, all of them whole', () => {
  const depacketize = (...payloads: string[]) => vp9.createDepacketizer().depacketize(payloads.map((text) => hex(text)))
  const [a, b, c, d] = ['b8 05 00 01', 'b4 05 00 02', 'fc 05 03 02 03', 'fc 05 05 02 04'] as const
  expect(depacketize(a, b, c, d)).toEqual({ payload: Uint8Array.of(1, 2, 3, 4), keyFrame: true })
  expect(depacketize(a, b)).toEqual({ payload: Uint8Array.of(1, 2), keyFrame: true })
  expect(depacketize(b, c)).toBeUndefined() // no B
  expect(depacketize(a, c)).toBeUndefined() // no E
  expect(depacketize(a)).toBeUndefined()
  expect(depacketize(a, b, d, c)).toBeUndefined()
  expect(depacketize(c, d)).toBeUndefined() // spatial layer 0 is missing
  expect(depacketize(a, b, 'fc 06 03 02 03')).toBeUndefined() // of the next picture
})

test('a frame that is no VP9 is sent for what the application says', () => {
  const packetizer = vp9.createPacketizer()
  const [key] = packetizer.packetize(frame(hex('00 01 02'), true), 1000)
  expect(parseVp9Descriptor(key!)).toMatchObject({ interPicturePredicted: false, scalability: { resolutions: [] } })
  const [delta] = packetizer.packetize(frame(hex('00 01 02'), false), 1000)
  expect(parseVp9Descriptor(delta!)).toMatchObject({ interPicturePredicted: true, scalability: undefined })
})

test('headers', () => {
  const key = streamOf('video/VP9').frames[0]!.payload
  expect(readVp9Header(key)).toEqual({ profile: 0, keyFrame: true, bitDepth: 8, width: 160, height: 120 })
  expect(readVp9Header(key.subarray(0, 7))).toBeUndefined()
  expect(readVp9Header(hex('82 49 83 41 00 00 00 00 00'))).toBeUndefined() // sync code
  expect(readVp9Header(hex('88'))).toEqual({ profile: 0, keyFrame: false }) // show_existing_frame
  // Profile 2, 10 bits: one more bit in front of the colour space.
  const ten = readVp9Header(hex('92 49 83 42 10 013f 8077 80 00'))
  expect(ten).toMatchObject({ profile: 2, keyFrame: true, bitDepth: 10 })
})
