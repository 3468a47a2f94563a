import { describe, expect, test } from 'vitest'
import { ReceiveWindow } from '../src/rx/receive-window.ts'
import { Pair, pattern } from './pair.ts'

describe('ReceiveWindow', () => {
  test('doubles when half of it is taken in a round trip, up to its limit', () => {
    const window = new ReceiveWindow(1000, 3500, 0)
    const round = (bytes: number, now: number): number => {
      for (let i = 0; i < bytes; i += 100) {
        window.hold(100)
        window.take(100)
      }
      window.onTime(now, 50)
      return window.capacity
    }
    expect(round(500, 50)).toBe(1000)
    expect(round(600, 60)).toBe(1000)
    expect(round(0, 100)).toBe(2000)
    expect(round(1900, 150)).toBe(3500)
    expect(round(100_000, 200)).toBe(3500)
    expect(window.held).toBe(0)
    expect(window.heldChunks).toBe(0)
  })

  test('advertises no slivers', () => {
    const window = new ReceiveWindow(10_000, 10_000, 0)
    window.hold(8900)
    expect(window.available(1191)).toBe(0)
    window.release(200, 0)
    expect(window.available(1191)).toBe(1300)
  })
})

describe('the window of a peer', () => {
  test('grows with a long path', () => {
    const pair = new Pair({ delay: 100, rate: 10_000, queue: 200 }, { initialReceiveBuffer: 100_000 }).connect()
    pair.onStep = () => {
      while (pair.a.totalBufferedAmount < 200_000)
        pair.a.send({ streamId: 0, ppid: 53, data: new Uint8Array(16_384) }, pair.now)
    }
    pair.onEvent = () => false
    pair.run(4000)
    expect(pair.b.receiveWindow).toBeGreaterThan(2_000_000)
    expect(pair.b.receiveWindow).toBeLessThanOrEqual(16 * 1024 * 1024)
  })

  test('stays small on a short one, and is never exceeded', () => {
    const pair = new Pair({ delay: 1, rate: 1000 }, { initialReceiveBuffer: 100_000 }).connect()
    pair.onEvent = () => false
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(260_000) }, pair.now)
    pair.run(2000)
    expect(pair.b.receiveWindow).toBeLessThanOrEqual(800_000)
  })

  test('closes while the user takes nothing, is probed, and opens again', () => {
    for (const interleaving of [false, true]) {
      const pair = new Pair(
        { delay: 20 },
        { interleaving, initialReceiveBuffer: 50_000, maxReceiveBuffer: 50_000, maxRetransmissions: 4 },
      ).connect()
      pair.polls[1] = false
      for (let i = 0; i < 100; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(2000, i) }, pair.now)
      // Long enough for more timeouts than a dead peer would be granted.
      pair.run(120_000)
      expect(pair.a.state).toBe('established')
      expect(pair.b['core'].receiver!.window.held).toBeLessThanOrEqual(62_500)
      expect(pair.a.totalBufferedAmount).toBeGreaterThan(120_000)
      pair.polls[1] = true
      const opened = pair.now
      expect(pair.runUntil(() => pair.messages(1).length === 100, 60_000)).toBe(true)
      expect(pair.now - opened).toBeLessThan(1000)
      pair.messages(1).forEach((data, i) => expect(Buffer.compare(data, pattern(2000, i))).toBe(0))
    }
  })

  test('small messages count by number too', () => {
    const pair = new Pair({ delay: 1 }, { initialReceiveBuffer: 20_000, maxReceiveBuffer: 20_000 }).connect()
    pair.polls[1] = false
    for (let i = 0; i < 20_000; i++) pair.a.send({ streamId: 0, ppid: 53, data: Uint8Array.of(1) }, pair.now)
    pair.run(10_000)
    expect(pair.b['core'].receiver!.window.heldChunks).toBeLessThan(5300)
    pair.polls[1] = true
    expect(pair.runUntil(() => pair.messages(1).length === 20_000, 60_000)).toBe(true)
  })
})
