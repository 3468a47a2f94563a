import { describe, expect, test } from 'vitest'
import { frameDimensions, g722, opus, payloadFormat, pcma, pcmu, PayloadFormatError } from '../../src/formats/index.ts'
import { frame, streams } from './streams.ts'

const SIZES = [64, 65, 100, 300, 1150, 65_535]

describe.each(streams)('$format.mimeType by $name', ({ format, parameters, frames }) => {
  test.each(SIZES)('frames survive payloads of at most %i bytes', (maxSize) => {
    const packetizer = format.createPacketizer(parameters)
    const depacketizer = format.createDepacketizer(parameters)
    for (const sent of frames) {
      const payloads = packetizer.packetize(sent, maxSize)
      for (const payload of payloads) {
        expect(payload.length).toBeGreaterThan(1)
        expect(payload.length).toBeLessThanOrEqual(maxSize)
      }
      const received = depacketizer.depacketize(payloads)!
      expect(Buffer.compare(received.payload, sent.payload)).toBe(0)
      expect(received.keyFrame).toBe(sent.keyFrame)
      expect(format.isFrameStart(payloads[0]!)).toBe(true)
      expect(format.isKeyFrame(payloads[0]!)).toBe(sent.keyFrame)
      if (!sent.keyFrame) expect(payloads.some((payload) => format.isKeyFrame(payload))).toBe(false)
    }
  })

  test('a frame without its first payload is none', () => {
    const packetizer = format.createPacketizer(parameters)
    const depacketizer = format.createDepacketizer(parameters)
    for (const sent of frames) {
      const payloads = packetizer.packetize(sent, 64)
      if (payloads.length < 2 || format.mimeType.startsWith('video/H26')) continue
      // Of an AV1 frame in several OBUs, the others are whole.
      if (format.mimeType === 'video/AV1' && (payloads[1]![0]! & 0x80) === 0) continue
      expect(depacketizer.depacketize(payloads.slice(1))).toBeUndefined()
    }
  })

  test('a frame cut at the end is none, where the format tells', () => {
    const packetizer = format.createPacketizer(parameters)
    const depacketizer = format.createDepacketizer(parameters)
    for (const sent of frames) {
      const payloads = packetizer.packetize(sent, 64)
      // The rest of a VP8 frame's second partition has no length; of the first, and of large NAL units, one knows.
      if (payloads.length < 3) continue
      // Of an AV1 frame in several OBUs, those before are whole.
      if (format.mimeType === 'video/AV1' && (payloads.at(-1)![0]! & 0x80) === 0) continue
      const cut = format.mimeType === 'video/VP8' ? payloads.slice(0, 1) : payloads.slice(0, -1)
      expect(depacketizer.depacketize(cut)).toBeUndefined()
    }
  })

  test('payloads of two frames are no frame, where the format tells', () => {
    if (format.mimeType.startsWith('video/H26')) return // any access unit may go on with another slice
    const packetizer = format.createPacketizer(parameters)
    const depacketizer = format.createDepacketizer(parameters)
    const first = packetizer.packetize(frames[0]!, 500)
    const second = packetizer.packetize(frames[5]!, 500)
    expect(depacketizer.depacketize([...first, ...second])).toBeUndefined()
  })

  test('the size of the picture is read from key frames', () => {
    for (const { payload, keyFrame } of frames) {
      expect(frameDimensions(format.mimeType, payload)).toEqual(keyFrame ? { width: 160, height: 120 } : undefined)
    }
  })

  test('no payloads are no frame, and a frame of nothing has no payloads', () => {
    expect(format.createDepacketizer().depacketize([])).toBeUndefined()
    expect(format.createDepacketizer().depacketize([new Uint8Array(0)])).toBeUndefined()
    expect(format.createPacketizer().packetize(frame(new Uint8Array(0)), 1000)).toEqual([])
    expect(format.isFrameStart(new Uint8Array(0))).toBe(false)
    expect(format.isKeyFrame(new Uint8Array(0))).toBe(false)
  })

  test.each([0, 63, 65_536, 100.5, Number.NaN])('%d is no size for payloads', (maxSize) => {
    const packetizer = format.createPacketizer(parameters)
    expect(() => packetizer.packetize(frames[0]!, maxSize)).toThrow(PayloadFormatError)
  })
})

test.each([opus, pcmu, pcma, g722])('a packet of $mimeType is a frame', (format) => {
  const payload = Uint8Array.of(1, 2, 3)
  const payloads = format.createPacketizer().packetize(frame(payload), 1000)
  expect(payloads).toEqual([payload])
  expect(format.createDepacketizer().depacketize(payloads)).toEqual({ payload, keyFrame: true })
  expect(format.createDepacketizer().depacketize([])).toBeUndefined()
  expect(format.createDepacketizer().depacketize([payload, payload])).toBeUndefined()
  expect(format.createDepacketizer().depacketize([new Uint8Array(0)])).toBeUndefined()
  expect(format.createPacketizer().packetize(frame(new Uint8Array(0)), 1000)).toEqual([])
  expect(format.isFrameStart(payload) && format.isKeyFrame(payload)).toBe(true)
})

test('G.711 and G.722 may be cut at any octet, and each is a tick', () => {
  for (const format of [pcmu, pcma, g722]) {
    const payload = Uint8Array.from({ length: 250 }, (_, index) => index)
    const payloads = format.createPacketizer().packetize(frame(payload), 100)
    expect(payloads.map(({ length }) => length)).toEqual([100, 100, 50])
    expect(Buffer.concat(payloads).equals(payload)).toBe(true)
    expect([format.clockRate, format.ticksPerOctet]).toEqual([8000, 1])
  }
  expect([opus.clockRate, opus.ticksPerOctet]).toEqual([48_000, undefined])
})

test('formats are found by media type, in any case', () => {
  for (const name of ['audio/opus', 'audio/PCMU', 'audio/PCMA', 'audio/G722']) {
    expect(payloadFormat(name.toUpperCase())).toMatchObject({ mimeType: name, kind: 'audio' })
  }
  for (const name of ['video/VP8', 'video/VP9', 'video/H264', 'video/H265', 'video/AV1']) {
    expect(payloadFormat(name.toLowerCase())).toMatchObject({ mimeType: name, kind: 'video', clockRate: 90_000 })
  }
  expect(payloadFormat('video/theora')).toBeUndefined()
})
