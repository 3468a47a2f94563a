import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageBuilder } from '@kaon/stun'
import {
  channelDataLength,
  channelOf,
  ChannelDataWriter,
  formatTurnUri,
  parseTurnUri,
  TurnFramer,
} from '../src/index.ts'
import { Expiries, type Expiring } from '../src/server/expiries.ts'

fc.configureGlobal({ seed: 8656, numRuns: 300 })
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength }).map((value) => new Uint8Array(value))

const stun = (length: number): Uint8Array =>
  new MessageBuilder().start('indication', 6, new Uint8Array(12)).addRaw(0x13, new Uint8Array(length)).finish()

describe('ChannelData', () => {
  it('looks as RFC 8656 §12.4 draws it', () => {
    const writer = new ChannelDataWriter()
    const data = Uint8Array.of(1, 2, 3)
    expect([...writer.write(0x4001, data, false)]).toEqual([0x40, 0x01, 0, 3, 1, 2, 3])
    expect([...writer.write(0x4fff, data, true)]).toEqual([0x4f, 0xff, 0, 3, 1, 2, 3, 0])
    expect([...writer.write(0x4000, new Uint8Array(0), true)]).toEqual([0x40, 0, 0, 0])
  })

  it('is read as it was written, with or without padding, in any slab', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0x4000, max: 0x4fff }), bytes(300), fc.boolean()), { maxLength: 20 }),
        fc.integer({ min: 1, max: 500 }),
        (messages, slabSize) => {
          const writer = new ChannelDataWriter({ slabSize })
          const written = messages.map(([channel, data, padded]) => writer.write(channel, data, padded))
          messages.forEach(([channel, data, padded], index) => {
            const message = written[index]!
            expect(channelOf(message)).toBe(channel)
            expect(channelDataLength(message)).toBe(data.length)
            expect(message.subarray(4, 4 + data.length)).toEqual(data)
            if (padded) expect(message.length % 4).toBe(0)
          })
        },
      ),
    )
  })

  it('is refused when it is none', () => {
    fc.assert(
      fc.property(bytes(40), (data) => {
        const length = channelDataLength(data)
        if (length >= 0) expect(data.length).toBeGreaterThanOrEqual(4 + length)
      }),
    )
    expect(channelDataLength(Uint8Array.of(0x40, 0, 0, 1))).toBe(-1)
    expect(channelDataLength(Uint8Array.of(0x40, 0, 0))).toBe(-1)
    expect(channelDataLength(Uint8Array.of(0x80, 0, 0, 0))).toBe(-1)
  })
})

describe('TurnFramer', () => {
  it('cuts a stream at the same places however it comes', () => {
    const message = fc.oneof(
      fc.nat(60).map((length) => stun(length)),
      fc
        .tuple(fc.integer({ min: 0x4000, max: 0x7fff }), bytes(60))
        .map(([channel, data]) => new ChannelDataWriter({ slabSize: 128 }).write(channel, data, true)),
    )
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 })), (messages, cuts) => {
        const stream = concat(messages)
        const framer = new TurnFramer()
        const popped: Uint8Array[] = []
        let at = 0
        for (let index = 0; at < stream.length; index++) {
          const end = Math.min(stream.length, at + (cuts[index % (cuts.length || 1)] ?? 7))
          framer.push(stream.slice(at, end))
          at = end
          for (let one = framer.pop(); one !== undefined; one = framer.pop()) popped.push(one)
        }
        expect(popped).toEqual(messages)
        expect(framer.failed).toBe(false)
      }),
    )
  })

  it('leaves what follows a message alone until it is asked', () => {
    fc.assert(
      fc.property(bytes(50), fc.nat(70), (rest, cut) => {
        const stream = concat([stun(8), rest])
        const framer = new TurnFramer()
        framer.push(stream.slice(0, cut))
        framer.push(stream.slice(cut))
        expect(framer.pop()).toEqual(stun(8))
        expect(framer.takeRest()).toEqual(rest)
        expect(framer.pop()).toBeUndefined()
        expect(framer.takeRest()).toHaveLength(0)
      }),
    )
  })

  it('gives up on anything else, and never holds more than one message', () => {
    fc.assert(
      fc.property(fc.array(bytes(200), { maxLength: 20 }), (chunks) => {
        const framer = new TurnFramer({ maxLength: 100 })
        for (const chunk of chunks) {
          framer.push(chunk)
          for (let one = framer.pop(); one !== undefined; one = framer.pop())
            expect(one.length).toBeLessThanOrEqual(100)
        }
        if (!framer.failed) expect(framer.takeRest().length).toBeLessThan(100)
        else expect(framer.takeRest()).toHaveLength(0)
      }),
    )
    for (const wrong of [
      'GET / HTTP/1.1\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
      '\u00ff\u00ff\u00ff\u00ff',
    ]) {
      const framer = new TurnFramer({ maxLength: 4096 })
      framer.push(Uint8Array.from(wrong, (letter) => letter.charCodeAt(0)))
      expect(framer.pop()).toBeUndefined()
      expect(framer.failed).toBe(true)
    }
    // The right lengths without the cookie.
    const framer = new TurnFramer()
    framer.push(new Uint8Array(20))
    expect(framer.pop()).toBeUndefined()
    expect(framer.failed).toBe(true)
  })
})

describe('turn: URIs (RFC 7065)', () => {
  it.each([
    ['turn:example.org', 'turn', 'example.org', 3478, 'udp'],
    ['turns:example.org', 'turns', 'example.org', 5349, 'tls'],
    ['turn:example.org:8000', 'turn', 'example.org', 8000, 'udp'],
    ['turn:example.org?transport=udp', 'turn', 'example.org', 3478, 'udp'],
    ['turn:example.org?transport=tcp', 'turn', 'example.org', 3478, 'tcp'],
    ['turns:example.org?transport=tcp', 'turns', 'example.org', 5349, 'tls'],
    ['TURN:192.0.2.1:1', 'turn', '192.0.2.1', 1, 'udp'],
    ['turn:[2001:db8::1]:3479?transport=tcp', 'turn', '2001:db8::1', 3479, 'tcp'],
  ])('reads %s', (text, scheme, host, port, transport) => {
    const uri = parseTurnUri(text)
    expect(uri).toEqual({ scheme, host, port, transport })
    expect(parseTurnUri(formatTurnUri(uri!))).toEqual(uri)
  })

  it.each([
    '',
    'turn:',
    'stun:example.org',
    'turn://example.org',
    'turn:example.org?transport=sctp',
    'turn:example.org?transport=',
    'turns:example.org?transport=udp',
    'turn:example.org?x=y',
    'turn:example.org:0',
    'turn:example.org:70000',
    'turn:[192.0.2.1]',
    'turn:2001:db8::1',
    'turn:user@example.org',
  ])('refuses %j', (text) => {
    expect(parseTurnUri(text)).toBeUndefined()
  })

  it('survive any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => void parseTurnUri(`turn:${text}`)))
  })
})

describe('Expiries', () => {
  it('gives what is due in order, each once, and nothing that was put off', () => {
    const action = fc.record({ add: fc.nat(100), later: fc.nat(100), take: fc.nat(120) })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const queue = new Expiries<Expiring>()
        const items = new Set<Expiring>()
        for (const { add, later, take } of actions) {
          const item = { checkAt: add }
          items.add(item)
          queue.add(item)
          const moved = [...items][later % items.size]!
          if (later % 2 === 0) {
            moved.checkAt += later
            queue.add(moved)
          }
          let last = -Infinity
          for (let due = queue.take(take); due !== undefined; due = queue.take(take)) {
            expect(due.checkAt).toBeGreaterThanOrEqual(last)
            last = due.checkAt
            if (!items.delete(due)) continue
          }
          for (const { checkAt } of items) expect(checkAt).toBeGreaterThan(take)
          expect(queue.deadline).toBeGreaterThan(take)
          items.forEach((one) => {
            one.checkAt = Math.max(one.checkAt, 0)
          })
        }
      }),
    )
  })
})

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
