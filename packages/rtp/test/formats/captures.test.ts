import { expect, test } from 'vitest'
import {
  frameDimensions,
  opus,
  payloadFormat,
  parseVp8Descriptor,
  parseVp9Descriptor,
} from '../../src/formats/index.ts'
import { capture, pictures, streamOf } from './streams.ts'

test.each(['video/VP8', 'video/VP9', 'video/H264', 'video/H265'])('ffmpeg sends %s', (mimeType) => {
  const { format, frames } = streamOf(mimeType)
  const depacketizer = format.createDepacketizer()
  const groups = pictures(capture(`ffmpeg-${mimeType.slice(6).toLowerCase()}`))
  expect(groups.length).toBe(frames.length)
  for (const [index, payloads] of groups.entries()) {
    const sent = frames[index]!
    const received = depacketizer.depacketize(payloads)!
    expect(Buffer.compare(received.payload, sent.payload)).toBe(0)
    // ffmpeg says of every VP9 frame that it depends on nothing.
    expect(received.keyFrame).toBe(sent.keyFrame)
    expect(format.isFrameStart(payloads[0]!)).toBe(true)
    expect(format.isKeyFrame(payloads[0]!)).toBe(sent.keyFrame)
  }
})

test.each(['opus', 'PCMU', 'G722'])('ffmpeg sends %s', (name) => {
  const format = payloadFormat(`audio/${name}`)!
  for (const payloads of pictures(capture(`ffmpeg-${name.toLowerCase()}`))) {
    expect(format.createDepacketizer().depacketize(payloads)).toEqual({ payload: payloads[0], keyFrame: true })
  }
})

test.each([
  ['video/VP8', 'chromium-vp8', 8, { width: 320, height: 240 }],
  ['video/H264', 'chromium-h264', 8, { width: 320, height: 240 }],
  ['video/AV1', 'chromium-av1', 10, { width: 320, height: 240 }],
  ['video/VP9', 'chromium-vp9-svc', 9, { width: 320, height: 180 }],
] as const)('Chromium sends %s', (mimeType, name, count, dimensions) => {
  const format = payloadFormat(mimeType)!
  const depacketizer = format.createDepacketizer()
  const groups = pictures(capture(name))
  expect(groups.length).toBe(count)
  const packetizer = format.createPacketizer(new Map([['packetization-mode', '1']]))
  for (const [index, payloads] of groups.entries()) {
    const received = depacketizer.depacketize(payloads)!
    expect(received.keyFrame).toBe(index === 0)
    expect(format.isFrameStart(payloads[0]!)).toBe(true)
    expect(payloads.some((payload) => format.isKeyFrame(payload))).toBe(index === 0)
    if (index === 0) expect(frameDimensions(mimeType, received.payload)).toEqual(dimensions)
    // And it may be sent on.
    const again = packetizer.packetize({ ...received, timestamp: 0 }, 300)
    expect(format.createDepacketizer().depacketize(again)).toEqual(received)
  }
})

test('VP8 of Chromium has picture ids of 15 bits that go up by one', () => {
  const descriptors = capture('chromium-vp8')
    .filter(({ payload }) => payload.length > 0)
    .map(({ payload }) => parseVp8Descriptor(payload)!)
  const ids = [...new Set(descriptors.map(({ pictureId }) => pictureId))]
  expect(ids).toEqual(ids.map((_, index) => (ids[0]! + index) & 0x7fff))
  for (const descriptor of descriptors) expect(descriptor.longPictureId).toBe(true)
})

test('two spatial and two temporal layers of VP9 by Chromium', () => {
  const packets = capture('chromium-vp9-svc').filter(({ payload }) => payload.length > 0)
  const descriptors = packets.map(({ payload }) => parseVp9Descriptor(payload)!)
  expect(descriptors[0]).toMatchObject({
    interPicturePredicted: false,
    flexible: true,
    frameStart: true,
    frameEnd: true,
    spatialId: 0,
    temporalId: 0,
    scalability: { spatialLayers: 1, resolutions: [{ width: 320, height: 180 }] },
  })
  expect(descriptors[4]!.scalability).toMatchObject({
    spatialLayers: 2,
    resolutions: [
      { width: 320, height: 180 },
      { width: 640, height: 360 },
    ],
  })
  expect(new Set(descriptors.map(({ spatialId }) => spatialId))).toEqual(new Set([0, 1]))
  expect(new Set(descriptors.map(({ temporalId }) => temporalId))).toEqual(new Set([0, 1]))
  for (const { interPicturePredicted, references, spatialId, interLayerDependency } of descriptors) {
    expect(interPicturePredicted).toBe(references.length > 0)
    if (interLayerDependency) expect(spatialId).toBe(1)
  }
})

test('Opus of Chromium', () => {
  for (const { payload } of capture('chromium-opus')) {
    expect(opus.createDepacketizer().depacketize([payload])?.payload).toBe(payload)
  }
})
