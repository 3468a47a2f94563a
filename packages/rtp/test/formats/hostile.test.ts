import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  frameDimensions,
  isAv1KeyFrame,
  joinNalUnits,
  joinObus,
  nalUnits,
  obus,
  payloadFormat,
  parseVp8Descriptor,
  parseVp9Descriptor,
  readAv1SequenceHeader,
  readH264Sps,
  readH265Sps,
  readVp9Header,
  writeVp8Descriptor,
  writeVp9Descriptor,
} from '../../src/formats/index.ts'
import { readH264PpsId } from '../../src/formats/h264-sps.ts'
import { readH265PpsId } from '../../src/formats/h265-sps.ts'
import { isVp8Discardable } from '../../src/formats/vp8-header.ts'
import { capture, pictures, streams } from './streams.ts'
import type { Stream } from './streams.ts'

fc.configureGlobal({ seed: 6184, numRuns: 300 })

const MIME_TYPES = ['video/VP8', 'video/VP9', 'video/H264', 'video/H265', 'video/AV1'] as const
const CAPTURES: Record<string, string[]> = {
  'video/VP8': ['chromium-vp8', 'ffmpeg-vp8'],
  'video/VP9': ['chromium-vp9-svc', 'ffmpeg-vp9'],
  'video/H264': ['chromium-h264', 'ffmpeg-h264'],
  'video/H265': ['ffmpeg-h265'],
  'video/AV1': ['chromium-av1'],
}

/** Whatever the payloads are: nothing throws, and what comes out of them is a frame that can be sent on and comes out the same. */
function check(stream: Stream, payloads: readonly Uint8Array[], known: readonly Uint8Array[] = []): void {
  const { format, parameters } = stream
  for (const payload of payloads) {
    const start = format.isFrameStart(payload)
    if (format.isKeyFrame(payload)) expect(start).toBe(true)
  }
  const depacketizer = format.createDepacketizer(parameters)
  if (known.length > 0) depacketizer.depacketize(known)
  const received = depacketizer.depacketize(payloads)
  if (received === undefined) return
  let total = 0
  for (const payload of payloads) total += payload.length * 5
  expect(received.payload.length).toBeLessThanOrEqual(total + 10_000)
  const dimensions = frameDimensions(format.mimeType, received.payload)
  if (dimensions !== undefined) {
    expect(dimensions.width > 0 && dimensions.height > 0 && dimensions.width <= 65_536).toBe(true)
  }
  const packetizer = format.createPacketizer(parameters)
  const again = packetizer.packetize({ ...received, timestamp: 0 }, 100)
  for (const payload of again) expect(payload.length).toBeLessThanOrEqual(100)
  if (again.length === 0) return
  const second = format.createDepacketizer(parameters).depacketize(again)
  // What was no VP9, or had a start code within a NAL unit, may come out otherwise; but it does come out.
  expect(second).toBeDefined()
  if (format.mimeType === 'video/VP8' || format.mimeType === 'video/AV1') expect(second).toEqual(received)
}

describe.each(MIME_TYPES)('%s', (mimeType) => {
  const stream = streams.find(({ format }) => format.mimeType === mimeType)!
  const real = [
    ...CAPTURES[mimeType]!.flatMap((name) => pictures(capture(name))),
    ...stream.frames.map((frame) => stream.format.createPacketizer(stream.parameters).packetize(frame, 200)),
  ]
  const picture = fc.nat(real.length - 1).map((index) => real[index]!)

  test('any bytes', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (list) => check(stream, list)))
  })

  test('payloads lost, repeated and exchanged', () => {
    fc.assert(
      fc.property(picture, picture, fc.array(fc.nat(60), { maxLength: 20 }), (one, other, order) => {
        const both = [...one, ...other]
        check(
          stream,
          order.map((index) => both[index % both.length]!),
          real[0],
        )
      }),
    )
  })

  test('payloads cut short', () => {
    fc.assert(
      fc.property(picture, fc.nat(), fc.nat(), (payloads, which, length) => {
        const index = which % payloads.length
        const cut = payloads.with(index, payloads[index]!.subarray(0, length % (payloads[index]!.length + 1)))
        check(stream, cut, real[0])
      }),
    )
    for (const payload of real.flat().slice(0, 3)) {
      for (let length = 0; length <= Math.min(payload.length, 60); length++)
        check(stream, [payload.subarray(0, length)])
    }
  })

  test('bits flipped', () => {
    fc.assert(
      fc.property(
        picture,
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (payloads, flips, front) => {
          const flipped = payloads.map((payload) => payload.slice())
          for (const [which, where, bit] of flips) {
            const payload = flipped[which % flipped.length]!
            const reach = front ? Math.min(payload.length, 16) : payload.length
            payload[where % reach]! ^= 1 << bit
          }
          check(stream, flipped, real[0])
        },
      ),
    )
  })

  test('any bytes as a frame of the application: payloads, or an error that says what is wrong', () => {
    const form = mimeType === 'video/AV1' ? fc.uint8Array({ maxLength: 400 }) : fc.uint8Array({ maxLength: 2000 })
    fc.assert(
      fc.property(form, fc.integer({ min: 64, max: 300 }), (payload, maxSize) => {
        const framed = mimeType.startsWith('video/H26') ? joinNalUnits([payload]) : payload
        try {
          const payloads = stream.format
            .createPacketizer(stream.parameters)
            .packetize({ payload: framed, timestamp: 0, keyFrame: true }, maxSize)
          for (const one of payloads) expect(one.length).toBeLessThanOrEqual(maxSize)
        } catch (error) {
          expect(error).toHaveProperty('code', 'ERR_RTP_FRAME_FORM')
        }
      }),
    )
  })

  test('headers cut and changed', () => {
    const frames = stream.frames.filter(({ keyFrame }) => keyFrame).map(({ payload }) => payload)
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.nat(80), fc.nat(79), fc.nat(255), (payload, length, where, byte) => {
        const changed = payload.slice(0, length)
        if (where < changed.length) changed[where] = byte
        frameDimensions(mimeType, changed)
        isVp8Discardable(changed)
      }),
    )
  })
})

test('any bytes to everything that reads headers', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(fc.constantFrom(0x67, 0x68, 0x42, 0x44, 0x82, 0x0a), fc.uint8Array({ maxLength: 60 }))
      .map(([first, rest]) => Uint8Array.of(first, 1, ...rest)),
    fc.tuple(fc.nat(255), fc.nat(80)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
  )
  fc.assert(
    fc.property(bytes, (payload) => {
      for (const mimeType of [...MIME_TYPES, 'audio/opus']) frameDimensions(mimeType, payload)
      readH264Sps(payload)
      readH265Sps(payload)
      readH264PpsId(payload)
      readH265PpsId(payload)
      readVp9Header(payload)
      readAv1SequenceHeader(payload)
      isVp8Discardable(payload)
      const vp8 = parseVp8Descriptor(payload)
      if (vp8 !== undefined) {
        const out = new Uint8Array(10)
        const end = writeVp8Descriptor(vp8, out)
        expect(parseVp8Descriptor(out.subarray(0, end + 1))).toEqual({ ...vp8, length: end })
      }
      const vp9 = parseVp9Descriptor(payload)
      if (vp9 !== undefined) {
        const again = Uint8Array.of(...writeVp9Descriptor(vp9), 0)
        expect(parseVp9Descriptor(again)).toEqual({ ...vp9, length: again.length - 1 })
      }
      const list = obus(payload)
      if (list !== undefined) {
        isAv1KeyFrame(list)
        const joined = obus(joinObus(list))!
        expect(joined.map(({ type, payload }) => [type, payload])).toEqual(
          list.map(({ type, payload }) => [type, payload]),
        )
      }
      const units = nalUnits(payload)
      expect(nalUnits(joinNalUnits(units))).toEqual(units)
    }),
    { numRuns: 2000 },
  )
})

test('any bytes to the formats of audio', () => {
  for (const mimeType of ['audio/opus', 'audio/PCMU', 'audio/PCMA', 'audio/G722']) {
    const format = payloadFormat(mimeType)!
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }), (payloads) => {
        const received = format.createDepacketizer().depacketize(payloads)
        expect(received !== undefined).toBe(payloads.length === 1 && payloads[0]!.length > 0)
      }),
    )
  }
})
