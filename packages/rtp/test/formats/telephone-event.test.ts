import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  dtmfEvent,
  parseTelephoneEvent,
  PayloadFormatError,
  telephoneEventPackets,
  TelephoneEventReader,
} from '../../src/formats/index.ts'
import { hex } from './streams.ts'

test('digits (RFC 4733 §3.2)', () => {
  expect([...'0123456789*#ABCDabcd'].map((digit) => dtmfEvent(digit))).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15,
  ])
  expect([dtmfEvent('E'), dtmfEvent(''), dtmfEvent('12'), dtmfEvent(',')]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('the payload (§2.3)', () => {
  expect(parseTelephoneEvent(hex('0b 8a 03e8'))).toEqual({ event: 11, end: true, volume: 10, duration: 1000 })
  expect(parseTelephoneEvent(hex('09 47 0190'))).toEqual({ event: 9, end: false, volume: 7, duration: 400 }) // R is ignored
  expect(parseTelephoneEvent(hex('0b 8a 03'))).toBeUndefined()
})

test('an event of 160 ms: three reports, and the end three times (§2.5.1)', () => {
  const packets = telephoneEventPackets({ event: 5, duration: 160 })
  expect(packets.map(({ time, marker, timestampOffset }) => [time, marker, timestampOffset])).toEqual([
    [0, true, 0],
    [50, false, 0],
    [100, false, 0],
    [150, false, 0],
    [200, false, 0],
    [250, false, 0],
  ])
  expect(packets.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual([
    '050a0190',
    '050a0320',
    '050a04b0',
    '058a0500',
    '058a0500',
    '058a0500',
  ])
})

test('a short event ends in its first packet', () => {
  const packets = telephoneEventPackets({ event: 1, duration: 40, volume: 0, clockRate: 48_000 })
  expect(packets.map(({ marker }) => marker)).toEqual([true, false, false])
  expect(packets.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual(Array(3).fill('01800780'))
})

test('a long event comes in segments (§2.5.1.3), and is one event for the reader', () => {
  const packets = telephoneEventPackets({ event: 3, duration: 20_000 }) // 160000 ticks
  expect([...new Set(packets.map(({ timestampOffset }) => timestampOffset))]).toEqual([0, 65_535, 131_070])
  expect(packets.filter(({ marker }) => marker).length).toBe(1)
  const ends = packets.filter(({ payload }) => parseTelephoneEvent(payload)!.end)
  expect(ends.map(({ timestampOffset }) => timestampOffset)).toEqual([131_070, 131_070, 131_070])
  const reader = new TelephoneEventReader()
  const start = 0xffff_f000 // the timestamps wrap on the way
  const changes = packets.flatMap(({ payload, timestampOffset }) =>
    reader.receive(payload, (start + timestampOffset) >>> 0),
  )
  expect(changes).toEqual([
    { type: 'start', event: 3, volume: 10, timestamp: start, duration: 400 },
    { type: 'end', event: 3, volume: 10, timestamp: start, duration: 160_000 },
  ])
})

test.each([
  { event: 256, duration: 100 },
  { event: -1, duration: 100 },
  { event: 1, duration: 0 },
  { event: 1, duration: Number.NaN },
  { event: 1, duration: 600_001 },
  { event: 1, duration: 100, volume: 64 },
  { event: 1, duration: 100, interval: 0 },
  { event: 1, duration: 100, clockRate: 0 },
  { event: 1.5, duration: 100 },
  { event: 1, duration: 100, clockRate: Infinity },
])('misuse: %j', (options) => {
  expect(() => telephoneEventPackets(options)).toThrow(PayloadFormatError)
})

test('packets lost, repeated and late', () => {
  const reader = new TelephoneEventReader()
  const types = (payload: string, timestamp: number) =>
    reader.receive(hex(payload), timestamp).map(({ type, event, duration }) => [type, event, duration])
  // Only the end arrived of the first.
  expect(types('018a0500', 1000)).toEqual([
    ['start', 1, 1280],
    ['end', 1, 1280],
  ])
  expect(types('018a0500', 1000)).toEqual([])
  expect(types('020a0190', 9000)).toEqual([['start', 2, 400]])
  expect(types('018a0500', 1000)).toEqual([]) // late
  expect(types('020a0320', 9000)).toEqual([])
  expect(types('020a0190', 9000)).toEqual([]) // out of order
  // No end of the second arrived.
  expect(types('030a0190', 20_000)).toEqual([
    ['end', 2, 800],
    ['start', 3, 400],
  ])
  expect(types('048a0500', 20_000)).toEqual([]) // another event at the same time makes no sense
  expect(reader.expire()).toMatchObject([{ type: 'end', event: 3, duration: 400 }])
  expect(reader.expire()).toEqual([])
  expect(types('03', 30_000)).toEqual([])
})

test('any payloads: starts and ends take turns', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 6 }), fc.nat(0xffff_ffff)), { maxLength: 50 }),
      (packets) => {
        const reader = new TelephoneEventReader()
        const types = packets.flatMap(([payload, timestamp]) =>
          reader.receive(payload, timestamp).map(({ type }) => type),
        )
        expect(types).toEqual(types.map((_, index) => (index % 2 === 0 ? 'start' : 'end')))
      },
    ),
    { seed: 4733 },
  )
})

test('whatever is sent is read, also when any two of the last three packets are lost', () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.integer({ min: 1, max: 60_000 }),
      fc.constantFrom(8000, 48_000),
      fc.nat(2),
      fc.nat(0xffff_ffff),
      (event, duration, clockRate, kept, start) => {
        const packets = telephoneEventPackets({ event, duration, clockRate })
        const reader = new TelephoneEventReader()
        const arrived = packets.filter((_, index) => index < packets.length - 3 || index === packets.length - 3 + kept)
        const changes = arrived.flatMap((packet) =>
          reader.receive(packet.payload, (start + packet.timestampOffset) >>> 0),
        )
        expect(changes.map(({ type }) => type)).toEqual(['start', 'end'])
        expect(changes[1]).toMatchObject({ event, timestamp: start, duration: (duration * clockRate) / 1000 })
      },
    ),
    { seed: 4733 },
  )
})
