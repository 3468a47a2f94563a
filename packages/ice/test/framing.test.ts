import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader, FrameWriter } from '../src/framing.ts'

const packets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 })

describe('RFC 4571 frames', () => {
  test('the example of its figure: length, then packet', () => {
    expect(new FrameWriter().write(new Uint8Array([1, 2, 3]))).toEqual(new Uint8Array([0, 3, 1, 2, 3]))
    expect(new FrameWriter().write(new Uint8Array(65_536))).toBeUndefined()
    expect(new FrameWriter().write(new Uint8Array(65_535))).toHaveLength(65_537)
  })

  test('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (list, cuts) => {
        const writer = new FrameWriter()
        const stream = Uint8Array.from(list.flatMap((packet) => [...writer.write(packet)!]))
        const reader = new FrameReader()
        const found: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length]!
          reader.push(stream.slice(at, at + size))
          at += size
          for (let packet = reader.pop(); packet !== undefined; packet = reader.pop()) found.push(packet.slice())
        }
        expect(found).toEqual(list)
        expect(reader.failed).toBe(false)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('empty frames are passed over, long ones end it', () => {
    const reader = new FrameReader(4)
    reader.push(new Uint8Array([0, 0, 0, 0, 0, 1, 9, 0, 5, 1]))
    expect(reader.pop()).toEqual(new Uint8Array([9]))
    expect(reader.pop()).toBeUndefined()
    expect(reader.failed).toBe(true)
    reader.push(new Uint8Array([0, 1, 1]))
    expect(reader.pop()).toBeUndefined()
  })

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), fc.nat(100), (chunks, maxLength) => {
        const reader = new FrameReader(maxLength)
        for (const chunk of chunks) {
          reader.push(chunk)
          for (let packet = reader.pop(); packet !== undefined; packet = reader.pop()) {
            expect(packet.length).toBeLessThanOrEqual(maxLength)
          }
        }
      }),
      { seed: 2 },
    )
  })
})
