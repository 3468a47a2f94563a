import { describe, expect, test } from 'vitest'
import type { AssociationOptions } from '../src/index.ts'
import { Pair, pattern } from './pair.ts'
import type { LinkOptions } from './pair.ts'

interface Case {
  readonly name: string
  readonly link: LinkOptions
  readonly options?: Partial<AssociationOptions>
}

const CASES: Case[] = [
  { name: 'no loss', link: { delay: 10 } },
  { name: '10 % loss', link: { delay: 20, loss: 0.1 } },
  { name: '30 % loss', link: { delay: 20, loss: 0.3 }, options: { maxRetransmissions: Infinity } },
  { name: 'reordering', link: { delay: 20, jitter: 15, reorder: 0.1 } },
  { name: 'duplication', link: { delay: 20, duplicate: 0.3 } },
  { name: 'everything', link: { delay: 20, jitter: 10, loss: 0.1, reorder: 0.1, duplicate: 0.1 } },
  { name: 'a slow link with a short queue', link: { delay: 20, rate: 250, queue: 30 } },
]

for (const interleaving of [false, true]) {
  describe(interleaving ? 'I-DATA' : 'DATA', () => {
    for (const { name, link, options } of CASES) {
      test(`delivers everything once and in order: ${name}`, () => {
        const pair = new Pair({ seed: 7, ...link }, { ...options, interleaving }).connect()
        expect(pair.a.negotiated!.interleaving).toBe(interleaving)
        const sent = [new Map<number, Uint8Array[]>(), new Map<number, Uint8Array[]>()]
        const sizes = [1, 3, 100, 1150, 1163, 1164, 1175, 5000, 40_000]
        for (let i = 0; i < 120; i++) {
          for (const end of [0, 1]) {
            const streamId = i % 5
            const data = pattern(sizes[(i * 7 + end) % sizes.length]!, i * 2 + end)
            const list = sent[end]!.get(streamId) ?? []
            list.push(data.slice())
            sent[end]!.set(streamId, list)
            pair.ends[end]!.send({ streamId, ppid: 50 + streamId, data }, pair.now)
          }
        }
        const done = (): boolean => pair.a.stats.messagesReceived === 120 && pair.b.stats.messagesReceived === 120
        expect(pair.runUntil(done, 600_000)).toBe(true)
        pair.run(5000)
        for (const end of [0, 1]) {
          const got = new Map<number, Uint8Array[]>()
          for (const event of pair.events[1 - end]!) {
            if (event.type !== 'message') continue
            expect(event.ppid).toBe(50 + event.streamId)
            expect(event.unordered).toBe(false)
            const list = got.get(event.streamId) ?? []
            list.push(event.data)
            got.set(event.streamId, list)
          }
          for (const [streamId, list] of sent[end]!) {
            const other = got.get(streamId) ?? []
            expect(other.length).toBe(list.length)
            for (let i = 0; i < list.length; i++) expect(Buffer.compare(other[i]!, list[i]!)).toBe(0)
          }
        }
        expect(pair.a.stats.dropped.malformedChunk + pair.b.stats.dropped.malformedChunk).toBe(0)
      })
    }
  })
}

test('unordered messages pass a hole', () => {
  const pair = new Pair({ delay: 20 }).connect()
  let lost = false
  pair.filter = (packet, from) => {
    if (from === 0 && !lost && packet.length > 500) {
      lost = true
      return false
    }
    return true
  }
  for (let i = 0; i < 3; i++) pair.a.send({ streamId: 1, ppid: 53, data: pattern(1000, i), unordered: true }, pair.now)
  pair.run(500)
  const order = pair.messages(1).map((data) => [0, 1, 2].findIndex((i) => Buffer.compare(data, pattern(1000, i)) === 0))
  expect(order).toEqual([1, 2, 0])
})

test('many small messages share packets', () => {
  const pair = new Pair({ delay: 20 }).connect()
  const before = pair.a.stats.packetsSent
  for (let i = 0; i < 300; i++) pair.a.send({ streamId: 1, ppid: 53, data: pattern(10, i) }, pair.now)
  pair.run(500)
  expect(pair.messages(1).length).toBe(300)
  expect(pair.a.stats.packetsSent - before).toBeLessThan(14)
})

test('a burst of packets is acknowledged by one SACK', () => {
  const pair = new Pair({ delay: 20 }).connect()
  pair.a.send({ streamId: 1, ppid: 53, data: pattern(200_000) }, pair.now)
  pair.run(3000)
  expect(pair.messages(1).length).toBe(1)
  expect(pair.b.stats.sacksSent * 2).toBeLessThan(pair.a.stats.dataChunksSent + 20)
})

test('a lone message is acknowledged within 20 ms, not 200', () => {
  const pair = new Pair({ delay: 5 }).connect()
  pair.a.send({ streamId: 1, ppid: 53, data: pattern(10) }, pair.now)
  pair.run(100)
  for (let i = 0; i < 5; i++) {
    const start = pair.now
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(10) }, pair.now)
    expect(pair.runUntil(() => pair.a.totalBufferedAmount + pair.a.bytesInFlight === 0, 200)).toBe(true)
    expect(pair.now - start).toBeLessThanOrEqual(31)
    pair.run(50)
  }
  expect(pair.a.stats.retransmittedChunks).toBe(0)
})

test('TSNs, SSNs and MIDs wrap', () => {
  for (const interleaving of [false, true]) {
    let calls = 0
    const random = (length: number): Uint8Array => {
      calls++
      return new Uint8Array(length).fill(0xff)
    }
    const pair = new Pair({ delay: 1, loss: 0.02, seed: 3 }, { interleaving, random }, { interleaving }).connect()
    expect(calls).toBeGreaterThan(0)
    let next = 0
    let wrong = 0
    pair.onEvent = (event, end) => {
      if (end !== 1 || event.type !== 'message') return true
      const value = (event.data[0]! << 16) | (event.data[1]! << 8) | event.data[2]!
      if (value !== next++) wrong++
      return false
    }
    const count = 70_000
    let sent = 0
    pair.onStep = () => {
      while (sent < count && pair.a.totalBufferedAmount < 20_000) {
        pair.a.send({ streamId: 1, ppid: 53, data: Uint8Array.of(sent >> 16, sent >> 8, sent) }, pair.now)
        sent++
      }
    }
    pair.runUntil(() => next === count, 600_000)
    expect(next).toBe(count)
    expect(wrong).toBe(0)
  }
})
