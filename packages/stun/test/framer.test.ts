import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageBuilder, StunFramer } from '../src/index.ts'
import { build, sample } from './arbitraries.ts'
import { sampleRequest } from './vectors.ts'

function drain(framer: StunFramer): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let message = framer.pop(); message !== undefined; message = framer.pop()) all.push(message)
  return all
}

describe('StunFramer', () => {
  it('gives back the messages of a stream however it was cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 5 }), cuts, fc.boolean(), (samples, sizes, drainOften) => {
        const messages = samples.map((from) => build(from))
        const stream = new Uint8Array(messages.flatMap((message) => [...message]))
        const framer = new StunFramer()
        const got: Uint8Array[] = []
        for (let offset = 0, turn = 0; offset < stream.length; turn++) {
          const size = sizes[turn % sizes.length]!
          framer.push(stream.slice(offset, offset + size))
          offset += size
          if (drainOften) got.push(...drain(framer))
        }
        got.push(...drain(framer))
        expect(framer.failed).toBe(false)
        expect(got).toEqual(messages)
      }),
    )
  })

  it('survives any bytes and fails for good', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (chunks) => {
        const framer = new StunFramer()
        for (const chunk of chunks) framer.push(new Uint8Array(chunk))
        drain(framer)
      }),
    )
    const framer = new StunFramer()
    framer.push(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n'))
    expect(framer.failed).toBe(true)
    framer.push(sampleRequest)
    expect(framer.pop()).toBeUndefined()
  })

  it('keeps the messages in front of the bad bytes', () => {
    const framer = new StunFramer()
    framer.push(new Uint8Array([...sampleRequest, ...new Uint8Array(20).fill(0xff)]))
    expect(framer.failed).toBe(true)
    expect(framer.pop()).toEqual(sampleRequest)
  })

  it('refuses messages above its limit by their header alone', () => {
    const builder = new MessageBuilder()
    const message = (length: number): Uint8Array =>
      builder.start('request', 1, new Uint8Array(12)).addRaw(0x8022, new Uint8Array(length)).finish()
    const framer = new StunFramer({ maxMessageLength: 100 })
    framer.push(message(76))
    expect(framer.pop()).toHaveLength(100)
    framer.push(message(80).subarray(0, 20))
    expect(framer.failed).toBe(true)
  })
})
