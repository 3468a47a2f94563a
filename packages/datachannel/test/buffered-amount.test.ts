import fc from 'fast-check'
import { SctpError } from '@kaon/sctp'
import { describe, expect, test } from 'vitest'
import { fakePair, Side } from './fake-association.ts'

describe('bufferedAmount', () => {
  test("is the application's bytes: no DCEP, no filler, UTF-8 of strings", () => {
    const side = new Side().connect()
    const channel = side.manager.open({ label: 'a rather long label' }, 0)
    expect(side.association.bufferedAmount(0)).toBe(31)
    expect(channel.bufferedAmount).toBe(0)
    channel.send('é', 0)
    expect(channel.bufferedAmount).toBe(2)
    channel.send('', 0)
    channel.send(new Uint8Array(0), 0)
    expect(channel.bufferedAmount).toBe(2)
    channel.send(new Uint8Array(10), 0)
    expect(channel.bufferedAmount).toBe(12)
    expect(side.association.bufferedAmount(0)).toBe(45)
    side.association.transmit(30) // most of the OPEN
    expect(channel.bufferedAmount).toBe(12)
    side.association.transmit(2) // its end and half of é
    expect(channel.bufferedAmount).toBe(11)
    side.association.transmit(2) // the other half and one filler
    expect(channel.bufferedAmount).toBe(10)
    side.association.transmit(6)
    expect(channel.bufferedAmount).toBe(5)
    side.association.transmit()
    expect(channel.bufferedAmount).toBe(0)
  })

  test('is 0 before the channel is open and stays after the association has died', () => {
    const side = new Side({ role: 'client' })
    const channel = side.manager.open({}, 0)
    expect(channel.bufferedAmount).toBe(0)
    side.connect()
    channel.send('12345', 0)
    side.association.events.push({ type: 'aborted', error: new SctpError('ERR_SCTP_TIMEOUT', '') })
    side.poll()
    expect(channel.bufferedAmount).toBe(5)
    side.association.transmit()
    expect(channel.bufferedAmount).toBe(5)
  })

  test('any mix of messages and drains adds up', () => {
    const step = fc.oneof(
      fc.record({ send: fc.nat(20) }),
      fc.record({ send: fc.constant(0) }),
      fc.record({ drain: fc.nat(30) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const side = new Side().connect()
        const channel = side.manager.open({ label: 'x' }, 0)
        // Every byte of the wire in order: true for the application's.
        const wire: boolean[] = Array.from({ length: 13 }, () => false)
        let sent = 0
        for (const s of steps) {
          if ('send' in s) {
            channel.send(new Uint8Array(s.send), 0)
            wire.push(...(s.send === 0 ? [false] : Array.from({ length: s.send }, () => true)))
          } else {
            side.association.transmit(s.drain)
            sent = Math.min(wire.length, sent + s.drain)
          }
          expect(channel.bufferedAmount).toBe(wire.slice(sent).filter(Boolean).length)
        }
      }),
      { seed: 6, numRuns: 200 },
    )
  })

  test('many empty messages cost nothing for long', () => {
    const side = new Side().connect()
    const channel = side.manager.open({}, 0)
    side.association.transmit()
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 100; i++) channel.send('', 0)
      channel.send('x', 0)
      expect(channel.bufferedAmount).toBe(1)
      side.association.transmit(60)
      expect(channel.bufferedAmount).toBe(1)
      side.association.transmit()
      expect(channel.bufferedAmount).toBe(0)
    }
  })
})

describe('buffered-amount-low', () => {
  function open(): { side: Side; channel: ReturnType<Side['manager']['open']> } {
    const side = new Side().connect()
    const channel = side.manager.open({ label: 'x' }, 0)
    side.association.transmit()
    side.poll()
    return { side, channel }
  }

  test('fires when the amount falls to the threshold, once per fall', () => {
    const { side, channel } = open()
    channel.bufferedAmountLowThreshold = 10
    channel.send(new Uint8Array(30), 0)
    side.association.transmit(19)
    expect(side.words()).toEqual([])
    side.association.transmit(1)
    expect(side.words()).toEqual(['buffered-amount-low x'])
    side.association.transmit()
    expect(side.words()).toEqual([])
    channel.send(new Uint8Array(10), 0) // never above
    side.association.transmit()
    expect(side.words()).toEqual([])
    channel.send(new Uint8Array(11), 0)
    side.association.transmit()
    expect(side.words()).toEqual(['buffered-amount-low x'])
  })

  test('by default at 0', () => {
    const { side, channel } = open()
    expect(channel.bufferedAmountLowThreshold).toBe(0)
    channel.send('ab', 0)
    side.association.transmit(1)
    expect(side.words()).toEqual([])
    side.association.transmit(1)
    expect(side.words()).toEqual(['buffered-amount-low x'])
  })

  test('does not fire for DCEP and empty messages', () => {
    const { a, b, run } = fakePair()
    a.manager.open({ label: 'x' }, 0).send('', 0)
    run()
    expect(a.words()).toEqual(['open x'])
    expect(b.words()).toEqual(['channel x', 'message x ""'])
    run()
    expect(b.words()).toEqual([])
  })

  test('is exact when fillers are queued behind and before the data', () => {
    const { side, channel } = open()
    channel.bufferedAmountLowThreshold = 5
    channel.send('', 0)
    channel.send(new Uint8Array(10), 0)
    channel.send('', 0)
    channel.send('', 0)
    side.association.transmit(1 + 4)
    expect(side.words()).toEqual([])
    side.association.transmit(1)
    expect(channel.bufferedAmount).toBe(5)
    expect(side.words()).toEqual(['buffered-amount-low x'])
    side.association.transmit()
    expect(side.words()).toEqual([])
  })

  test('a new threshold counts from where the amount is', () => {
    const { side, channel } = open()
    channel.send(new Uint8Array(30), 0)
    channel.bufferedAmountLowThreshold = 40 // already below: nothing to fall
    side.association.transmit(5)
    expect(side.words()).toEqual([])
    channel.bufferedAmountLowThreshold = 20
    side.association.transmit(5)
    expect(side.words()).toEqual(['buffered-amount-low x'])
    expect(() => (channel.bufferedAmountLowThreshold = -1)).toThrow(
      expect.objectContaining({ code: 'ERR_DATACHANNEL_ARGUMENT' }),
    )
  })

  test('set before the channel is open', () => {
    const side = new Side({ role: 'client' })
    const channel = side.manager.open({ label: 'x' }, 0)
    channel.bufferedAmountLowThreshold = 3
    side.connect()
    channel.send(new Uint8Array(4), 0)
    side.association.transmit(13 + 1)
    expect(side.words()).toEqual(['buffered-amount-low x'])
  })
})
