import { describe, expect, test } from 'vitest'
import * as types from '../src/packet/types.ts'
import { Pair, pattern } from './pair.ts'
import { has } from './wire.ts'

for (const interleaving of [false, true]) {
  describe(`partial reliability (RFC 3758), ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
    test('maxRetransmits 0: what is lost is lost, the rest comes in order', () => {
      for (const unordered of [false, true]) {
        const pair = new Pair({ delay: 20, loss: 0.2, seed: 5 }, { interleaving }).connect()
        for (let i = 0; i < 300; i++) {
          pair.a.send({ streamId: 1, ppid: 53, data: Uint8Array.of(i >> 8, i), unordered, maxRetransmits: 0 }, pair.now)
          pair.run(10)
        }
        pair.run(20_000)
        const got = pair.messages(1).map((data) => (data[0]! << 8) | data[1]!)
        expect(got.length).toBeGreaterThan(200)
        expect(got.length).toBeLessThan(270)
        expect(new Set(got).size).toBe(got.length)
        if (!unordered) expect(got).toEqual(got.toSorted((x, y) => x - y))
        expect(pair.a.stats.messagesAbandoned).toBe(300 - got.length)
        expect(pair.a.bytesInFlight).toBe(0)
        expect(pair.a.state).toBe('established')
        // Nothing is left hanging: a reliable message passes.
        pair.a.send({ streamId: 1, ppid: 53, data: pattern(5000) }, pair.now)
        expect(pair.runUntil(() => pair.messages(1).at(-1)!.length === 5000, 30_000)).toBe(true)
        expect(pair.b['core'].receiver!.window.held).toBe(0)
        expect(pair.b['core'].receiver!.window.heldChunks).toBe(0)
      }
    })

    test('large messages with one retransmission: whole or not at all', () => {
      const pair = new Pair({ delay: 20, loss: 0.15, seed: 9 }, { interleaving }).connect()
      for (let i = 0; i < 60; i++) {
        const maxRetransmits = i % 3 === 2 ? Infinity : 1
        pair.a.send({ streamId: i % 3, ppid: 53, data: pattern(8000, i), maxRetransmits }, pair.now)
        pair.run(50)
      }
      pair.run(60_000)
      const seen = [0, 0, 0]
      for (const event of pair.events[1]) {
        if (event.type !== 'message') continue
        expect(event.data.length).toBe(8000)
        let match = -1
        for (let i = event.streamId; i < 60; i += 3) if (Buffer.compare(event.data, pattern(8000, i)) === 0) match = i
        expect(match).toBeGreaterThanOrEqual(0)
        seen[event.streamId]!++
      }
      expect(seen[2]).toBe(20)
      expect(seen[0]! + seen[1]! + pair.a.stats.messagesAbandoned).toBe(40)
      expect(pair.b['core'].receiver!.window.held).toBe(0)
      expect(pair.a['core'].sender!.idle).toBe(true)
    })

    test('lifetime: what is too old is not sent', () => {
      const pair = new Pair({ delay: 20, rate: 20 }, { interleaving }).connect()
      for (let i = 0; i < 50; i++)
        pair.a.send({ streamId: 1, ppid: 53, data: pattern(2000, i), lifetime: 300 }, pair.now)
      pair.run(10_000)
      expect(pair.messages(1).length).toBeGreaterThan(2)
      expect(pair.messages(1).length).toBeLessThan(12)
      expect(pair.a.totalBufferedAmount).toBe(0)
      expect(pair.a.stats.messagesAbandoned).toBeGreaterThan(35)
      expect(pair.a['core'].sender!.idle).toBe(true)
      expect(pair.b['core'].receiver!.window.held).toBe(0)
    })

    test('a message given up half sent, with its first half acknowledged, does not block what follows', () => {
      const pair = new Pair({ delay: 20, rate: 20 }, { interleaving }).connect()
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(60_000), lifetime: 500 }, pair.now)
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(10, 3) }, pair.now)
      pair.run(20_000)
      expect(pair.messages(1)).toEqual([pattern(10, 3)])
      expect(pair.b['core'].receiver!.window.held).toBe(0)
      expect(pair.a['core'].sender!.idle).toBe(true)
    })

    test('a lost FORWARD-TSN is repeated', () => {
      const pair = new Pair({ delay: 20 }, { interleaving }).connect()
      let drop = 1
      let forwards = 0
      pair.filter = (bytes, from) => {
        if (from !== 0) return true
        if (has(bytes, interleaving ? types.I_FORWARD_TSN : types.FORWARD_TSN)) return forwards++ > 1
        return drop-- <= 0
      }
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(100), maxRetransmits: 0 }, pair.now)
      pair.run(1)
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(101) }, pair.now)
      expect(pair.runUntil(() => pair.messages(1).length === 1, 10_000)).toBe(true)
      expect(forwards).toBeGreaterThan(2)
      pair.run(5000)
      expect(pair.a['core'].sender!.idle).toBe(true)
    })
  })
}

describe('a lifetime of 0 (W3C maxPacketLifeTime 0)', () => {
  for (const interleaving of [false, true]) {
    test(`is sent once, however late packets are asked for, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const pair = new Pair({ delay: 20 }, { interleaving }).connect()
      for (let i = 0; i < 5; i++) pair.a.send({ streamId: 1, ppid: 53, data: pattern(1000, i), lifetime: 0 }, pair.now)
      pair.now += 15
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(3000, 5), lifetime: 0 }, pair.now)
      pair.now += 0.3
      pair.run(1000)
      expect(pair.messages(1)).toHaveLength(6)
      expect(pair.a.stats.messagesAbandoned).toBe(0)
    })

    test(`is sent in the instant of the connection, and never again, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const pair = new Pair({ delay: 20 }, { interleaving }).connect()
      let copies = 0
      pair.filter = (bytes, from) => {
        if (from === 1 || !has(bytes, interleaving ? types.I_DATA : types.DATA)) return true
        copies++
        return false
      }
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(100), lifetime: 0 }, pair.now)
      pair.run(10_000)
      expect(copies).toBe(1)
      expect(pair.a.stats.messagesAbandoned).toBe(1)
      expect(pair.a['core'].sender!.idle).toBe(true)
      pair.filter = () => true
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(101) }, pair.now)
      pair.run(1000)
      expect(pair.messages(1)).toEqual([pattern(101)])
    })

    test(`what finds no window is given up, in the middle of a message too, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const pair = new Pair({ delay: 20 }, { interleaving }).connect()
      for (const size of [500, 600, 200_000, 700, 800]) {
        pair.a.send({ streamId: 1, ppid: 53, data: pattern(size), lifetime: 0 }, pair.now)
      }
      pair.run(5000)
      expect(pair.messages(1).map((message) => message.length)).toEqual([500, 600])
      expect(pair.a.stats.messagesAbandoned).toBe(3)
      expect(pair.a.totalBufferedAmount).toBe(0)
      expect(pair.a['core'].sender!.idle).toBe(true)
      const { window } = pair.b['core'].receiver!
      expect([window.held, window.heldChunks]).toEqual([0, 0])
    })
  }

  test('before the association is up counts from send', () => {
    const pair = new Pair({ delay: 20 })
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(100), lifetime: 10 }, 0)
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(101), lifetime: 1000 }, 0)
    pair.connect()
    pair.run(1000)
    expect(pair.messages(1)).toEqual([pattern(101)])
  })
})

test('a peer that cannot skip gets the rest of a message that has begun, however old', () => {
  for (const interleaving of [false, true]) {
    const options = { interleaving, partialReliability: false }
    const pair = new Pair({ delay: 20, rate: 20 }, { interleaving }, options).connect()
    pair.filter = (bytes) => {
      expect(has(bytes, types.FORWARD_TSN) || has(bytes, types.I_FORWARD_TSN)).toBe(false)
      return true
    }
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(60_000), lifetime: 500 }, pair.now)
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(10, 3) }, pair.now)
    pair.run(20_000)
    expect(pair.messages(1).map((message) => message.length)).toEqual([60_000, 10])
    expect(pair.a.state).toBe('established')
  }
})

test('after a reset no FORWARD-TSN names the numbers of before', () => {
  for (const interleaving of [false, true]) {
    const pair = new Pair({ delay: 20 }, { interleaving }).connect()
    const dataType = interleaving ? types.I_DATA : types.DATA
    let losing = true
    // Data gets lost until the reset is done; and no SACK tells that what was lost was skipped.
    pair.filter = (bytes, from) => {
      if (from === 1) return !has(bytes, types.SACK)
      return !(losing && has(bytes, dataType))
    }
    for (let i = 0; i < 3; i++)
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(20 + i), maxRetransmits: 0 }, pair.now)
    pair.a.resetStreams([1])
    expect(pair.runUntil(() => pair.types(0).includes('outgoing-reset'), 20_000)).toBe(true)
    expect(pair.types(1)).toContain('incoming-reset')
    // The next to be given up is of another stream; its FORWARD-TSN begins with what was skipped already.
    pair.a.send({ streamId: 2, ppid: 53, data: pattern(30), maxRetransmits: 0 }, pair.now)
    pair.run(2000)
    losing = false
    pair.filter = () => true
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(40) }, pair.now)
    pair.a.send({ streamId: 2, ppid: 53, data: pattern(41) }, pair.now)
    pair.run(20_000)
    expect(pair.messages(1).toSorted((x, y) => x.length - y.length)).toEqual([pattern(40), pattern(41)])
  }
})

test('without support of the peer everything is reliable', () => {
  const pair = new Pair({ delay: 20, loss: 0.2, seed: 5 }, {}, { partialReliability: false }).connect()
  for (let i = 0; i < 50; i++) {
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(1000, i), maxRetransmits: 0 }, pair.now)
  }
  expect(pair.runUntil(() => pair.messages(1).length === 50, 60_000)).toBe(true)
})
