import { describe, expect, test } from 'vitest'
import * as types from '../src/packet/types.ts'
import { OutgoingStream } from '../src/tx/outgoing-stream.ts'
import { StreamScheduler } from '../src/tx/stream-scheduler.ts'
import { Pair, pattern } from './pair.ts'
import { has } from './wire.ts'

describe('StreamScheduler', () => {
  test('serves by weight, and lets nobody save up credit', () => {
    const scheduler = new StreamScheduler()
    const streams = [1, 2, 3].map((id) => new OutgoingStream(id))
    streams[0]!.weight = 100
    streams[1]!.weight = 300
    streams[2]!.weight = 600
    const served = [0, 0, 0]
    scheduler.activate(streams[0]!)
    scheduler.activate(streams[1]!)
    const serve = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const stream = scheduler.peek()!
        served[stream.id - 1]!++
        scheduler.charge(stream, 1000)
      }
    }
    serve(400)
    expect(served[0]).toBeGreaterThanOrEqual(99)
    expect(served[0]).toBeLessThanOrEqual(101)
    scheduler.activate(streams[2]!)
    served.fill(0)
    serve(1000)
    expect(Math.abs(served[0]! - 100)).toBeLessThan(4)
    expect(Math.abs(served[1]! - 300)).toBeLessThan(4)
    scheduler.deactivate(streams[1]!)
    scheduler.deactivate(streams[1]!)
    expect(scheduler.size).toBe(2)
    expect(scheduler.find((stream) => stream.id === 3)).toBe(streams[2])
  })

  test('equal streams take turns', () => {
    const scheduler = new StreamScheduler()
    for (const id of [5, 3, 9, 1]) scheduler.activate(new OutgoingStream(id))
    const order: number[] = []
    for (let i = 0; i < 8; i++) {
      const stream = scheduler.peek()!
      order.push(stream.id)
      scheduler.charge(stream, 10)
    }
    expect(order).toEqual([1, 3, 5, 9, 1, 3, 5, 9])
  })
})

describe('loss recovery', () => {
  /** Loses the n-th data packets of the first end. */
  function losing(pair: Pair, ...numbers: number[]): { count: number } {
    const state = { count: 0 }
    pair.filter = (bytes, from) => {
      if (from !== 0 || !(has(bytes, types.DATA) || has(bytes, types.I_DATA))) return true
      return !numbers.includes(state.count++)
    }
    return state
  }

  test('a hole in the middle costs one round trip and no timeout', () => {
    const pair = new Pair({ delay: 50 }).connect()
    losing(pair, 2)
    const start = pair.now
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(10_000) }, pair.now)
    expect(pair.runUntil(() => pair.b.stats.messagesReceived === 1, 5000)).toBe(true)
    expect(pair.now - start).toBeLessThan(180)
    expect(pair.a.stats.retransmissionTimeouts).toBe(0)
    expect(pair.a.stats.retransmittedChunks).toBe(1)
  })

  test('a lost tail is found by a probe, not by a timeout', () => {
    const pair = new Pair({ delay: 50 }).connect()
    losing(pair, 6, 7, 8)
    const start = pair.now
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(10_000) }, pair.now)
    expect(pair.runUntil(() => pair.b.stats.messagesReceived === 1, 5000)).toBe(true)
    expect(pair.a.stats.tailLossProbes).toBe(1)
    expect(pair.a.stats.retransmissionTimeouts).toBe(0)
    expect(pair.now - start).toBeLessThan(480)
  })

  test('a lost retransmission is found while more flows', () => {
    const pair = new Pair({ delay: 50 }, { initialReceiveBuffer: 1_000_000 }).connect()
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(100_000) }, pair.now)
    pair.run(300)
    let tsn: number | undefined
    let seen = 0
    pair.filter = (bytes, from) => {
      if (from !== 0 || !has(bytes, types.I_DATA)) return true
      const value = ((bytes[16]! << 24) | (bytes[17]! << 16) | (bytes[18]! << 8) | bytes[19]!) >>> 0
      tsn ??= value
      return value !== tsn || ++seen > 3
    }
    for (let i = 0; i < 40; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(10_000, i) }, pair.now)
    expect(pair.runUntil(() => pair.b.stats.messagesReceived === 41, 20_000)).toBe(true)
    expect(seen).toBe(4)
    expect(pair.a.stats.retransmissionTimeouts).toBe(0)
  })

  test('a probe that was not needed reduces nothing, and the next ones wait longer', () => {
    // A peer that holds its SACKs back for 200 ms.
    const pair = new Pair({ delay: 10 }, {}, { sackDelay: 200 })
    pair.connect()
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(1000)
    // The association limits the delay to half a round trip; hold the packets instead.
    const held: Uint8Array[] = []
    pair.filter = (bytes, from) => {
      if (from !== 1) return true
      held.push(bytes)
      return false
    }
    for (let i = 0; i < 8; i++) {
      pair.a.send({ streamId: 0, ppid: 53, data: pattern(10, i) }, pair.now)
      pair.run(190)
      for (const bytes of held.splice(0)) pair.inject(bytes, 0, 10)
      pair.run(300)
    }
    expect(pair.messages(1)).toHaveLength(9)
    expect(pair.a.stats.retransmissionTimeouts).toBe(0)
    expect(pair.a.stats.tailLossProbes).toBeLessThan(6)
    expect(pair.a.slowStartThreshold).toBe(Infinity)
  })

  test('SACKs that got lost do not make the timeout grow by itself', () => {
    const pair = new Pair({ delay: 5 }, { maxRetransmissions: 30 }).connect()
    let deaf = false
    pair.filter = (_bytes, from) => !(deaf && from === 1)
    for (let round = 0; round < 6; round++) {
      deaf = true
      for (let i = 0; i < 5; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(1000, i) }, pair.now)
      pair.run(4000)
      deaf = false
      expect(pair.runUntil(() => pair.a.bytesInFlight === 0 && pair.a['core'].sender!.idle, 20_000)).toBe(true)
      expect(pair.a.smoothedRoundTripTime).toBeLessThan(40)
      expect(pair.a.retransmissionTimeout).toBeLessThanOrEqual(3000)
    }
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(1000) }, pair.now)
    pair.run(1000)
    expect(pair.a.retransmissionTimeout).toBeLessThan(400)
  })

  test('a path that becomes a hundred times as long is learned', () => {
    const pair = new Pair({ delay: 5 }, { maxRetransmissions: 10 }).connect()
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(50_000) }, pair.now)
    pair.run(1000)
    pair.link = { delay: 500 }
    for (let i = 0; i < 20; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(10_000, i) }, pair.now)
    expect(pair.runUntil(() => pair.messages(1).length === 21, 60_000)).toBe(true)
    expect(pair.a.stats.retransmissionTimeouts).toBeLessThan(8)
    const before = pair.a.stats.retransmissionTimeouts
    for (let i = 0; i < 10; i++) {
      pair.a.send({ streamId: 0, ppid: 53, data: pattern(1000, i) }, pair.now)
      pair.run(3000)
    }
    expect(pair.a.stats.retransmissionTimeouts).toBe(before)
    expect(pair.a.smoothedRoundTripTime).toBeGreaterThan(800)
  })

  test('reordering is not taken for loss again and again', () => {
    const pair = new Pair({ delay: 50, jitter: 12, rate: 2000, queue: 500, seed: 3 }).connect()
    for (let i = 0; i < 100; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(20_000, i) }, pair.now)
    expect(pair.runUntil(() => pair.b.stats.messagesReceived === 100, 60_000)).toBe(true)
    expect(pair.a.stats.retransmittedChunks).toBeLessThan(60)
  })

  test('the answerer sends as fast as the one who called', () => {
    const time = (end: 0 | 1): number => {
      const pair = new Pair({ delay: 50, rate: 5000 }).connect()
      pair.run(500)
      const start = pair.now
      for (let i = 0; i < 20; i++) pair.ends[end].send({ streamId: 0, ppid: 53, data: pattern(50_000, i) }, pair.now)
      pair.runUntil(() => pair.ends[1 - end]!.stats.messagesReceived === 20, 60_000)
      return pair.now - start
    }
    expect(Math.abs(time(0) - time(1))).toBeLessThan(60)
    expect(time(1)).toBeLessThan(1100)
  })

  test('1 % of loss at 100 ms does not hold it to 1 Mbit/s', () => {
    const pair = new Pair(
      { delay: 50, rate: 25_000, queue: 200, loss: 0.01, seed: 2 },
      { zeroChecksum: true },
    ).connect()
    const start = pair.now
    let received = 0
    pair.onEvent = (event, end) => {
      if (end === 1 && event.type === 'message') received += event.data.length
      return false
    }
    pair.onStep = () => {
      while (pair.a.totalBufferedAmount < 200_000)
        pair.a.send({ streamId: 0, ppid: 53, data: new Uint8Array(16_384) }, pair.now)
    }
    pair.runUntil(() => received > 8e6, 60_000)
    expect((received * 8) / (pair.now - start) / 1000).toBeGreaterThan(25)
    expect(pair.a.stats.retransmissionTimeouts).toBe(0)
  })
})
