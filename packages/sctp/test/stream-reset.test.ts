import { describe, expect, test } from 'vitest'
import { readUint32 } from '../src/bytes.ts'
import { SctpError } from '../src/index.ts'
import type { AssociationOptions } from '../src/index.ts'
import { encodeData, encodeIData } from '../src/packet/data.ts'
import { encodeReConfig } from '../src/packet/re-config.ts'
import * as types from '../src/packet/types.ts'
import { encodeParameter, forEachParameter } from '../src/parameter/parameter.ts'
import {
  encodeIncomingResetRequest,
  encodeOutgoingResetRequest,
  encodeReconfigurationResponse,
  parseReconfigurationResponse,
} from '../src/parameter/reconfiguration.ts'
import { Pair, pattern } from './pair.ts'
import { data } from './victim.ts'
import { chunksOf, has, packet, tagOf } from './wire.ts'

for (const interleaving of [false, true]) {
  describe(`stream reset (RFC 6525), ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
    test('what is queued comes first, and the id is as new afterwards', () => {
      const pair = new Pair({ delay: 20 }, { interleaving }).connect()
      for (let i = 0; i < 5; i++) pair.a.send({ streamId: 3, ppid: 53, data: pattern(20_000, i) }, pair.now)
      pair.a.send({ streamId: 4, ppid: 53, data: pattern(10, 4) }, pair.now)
      pair.a.resetStreams([3])
      expect(() => pair.a.send({ streamId: 3, ppid: 53, data: pattern(1) }, pair.now)).toThrow(SctpError)
      expect(pair.runUntil(() => pair.types(0).includes('outgoing-reset'), 5000)).toBe(true)
      expect(pair.events[0].at(-1)).toEqual({ type: 'outgoing-reset', streamIds: [3], ok: true })
      const order = pair.events[1].filter(
        (event) => event.type !== 'connected' && !('streamId' in event && event.streamId === 4),
      )
      expect(order.map((event) => event.type)).toEqual([...Array<string>(5).fill('message'), 'incoming-reset'])
      expect(order.at(-1)).toEqual({ type: 'incoming-reset', streamIds: [3], all: false })
      pair.a.send({ streamId: 3, ppid: 53, data: pattern(30, 9) }, pair.now)
      pair.a.send({ streamId: 4, ppid: 53, data: pattern(31, 9) }, pair.now)
      pair.run(1000)
      expect(
        pair
          .messages(1)
          .slice(-2)
          .toSorted((x, y) => x.length - y.length),
      ).toEqual([pattern(30, 9), pattern(31, 9)])
    })

    test('under loss, both sides, again and again', () => {
      for (let seed = 0; seed < 6; seed++) {
        const pair = new Pair(
          { delay: 20, loss: 0.15, jitter: 20, reorder: 0.1, duplicate: 0.05, seed },
          { interleaving, maxRetransmissions: Infinity },
        ).connect()
        for (let round = 0; round < 8; round++) {
          const before = [0, 1].map((end) => pair.types(end).filter((type) => type.endsWith('-reset')).length)
          for (const end of [0, 1]) {
            for (let i = 0; i < 4; i++) {
              const data = Uint8Array.of(round, i, end, ...pattern(1500, i))
              pair.ends[end]!.send({ streamId: 2, ppid: 53, data }, pair.now)
            }
            pair.ends[end]!.resetStreams([2])
          }
          const done = (): boolean =>
            [0, 1].every((end) => pair.types(end).filter((type) => type.endsWith('-reset')).length === before[end]! + 2)
          expect(pair.runUntil(done, 120_000)).toBe(true)
        }
        for (const end of [0, 1]) {
          expect(pair.messages(end).map((data) => [data[0], data[1]])).toEqual(
            Array.from({ length: 32 }, (_, i) => [i >> 2, i & 3]),
          )
          for (const event of pair.events[end]!) if (event.type === 'outgoing-reset') expect(event.ok).toBe(true)
        }
      }
    })

    test('a request that overtakes its data is deferred, and so is data of the stream as it will be', () => {
      const pair = new Pair({ delay: 20 }, { interleaving }).connect()
      const held: Uint8Array[] = []
      let holding = true
      pair.filter = (bytes, from) => {
        if (
          holding &&
          from === 0 &&
          has(bytes, interleaving ? types.I_DATA : types.DATA) &&
          !has(bytes, types.RE_CONFIG)
        ) {
          held.push(bytes)
          return false
        }
        return true
      }
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(2000, 1) }, pair.now)
      pair.flush()
      pair.a.resetStreams([1])
      pair.run(25)
      expect(held.length).toBeGreaterThan(0)
      expect(pair.types(1)).not.toContain('incoming-reset')
      holding = false
      expect(pair.runUntil(() => pair.types(1).includes('incoming-reset'), 5000)).toBe(true)
      expect(pair.messages(1)).toEqual([pattern(2000, 1)])
      // The peer tells on its own that it is done, so this takes no further request.
      expect(pair.runUntil(() => pair.types(0).includes('outgoing-reset'), 100)).toBe(true)
    })
  })
}

test('many streams at once need several requests', () => {
  const pair = new Pair({ delay: 5 }).connect()
  const ids = Array.from({ length: 700 }, (_, i) => i)
  for (const id of ids) pair.a.send({ streamId: id, ppid: 53, data: pattern(3) }, pair.now)
  pair.a.resetStreams(ids)
  pair.a.resetStreams(ids)
  pair.run(2000)
  const reset = pair.events[1].flatMap((event) => (event.type === 'incoming-reset' ? [...event.streamIds] : []))
  expect(reset.toSorted((x, y) => x - y)).toEqual(ids)
  expect(pair.types(0).filter((type) => type === 'outgoing-reset')).toHaveLength(5)
})

describe('requests of a peer by hand', () => {
  interface Bench {
    readonly pair: Pair
    readonly request: number
    readonly tsn: number
    ask(...parameters: Uint8Array[]): number[]
  }

  function setUp(options: Partial<AssociationOptions> = {}): Bench {
    const pair = new Pair({ delay: 5 }, options)
    let tagA = 0
    const replies: Uint8Array[] = []
    pair.filter = (bytes, from) => {
      if (from === 1 && tagOf(bytes) !== 0) tagA = tagOf(bytes)
      if (from === 0) replies.push(bytes)
      return true
    }
    pair.connect()
    const tsn = pair.b['core'].localInitialTsn
    const ask = (...parameters: Uint8Array[]): number[] => {
      replies.length = 0
      // DATA chunks stand for themselves, parameters make a RE-CONFIG.
      const isData = parameters[0]![0] === types.I_DATA || (parameters[0]![0] === 0 && parameters[0]![1] === 3)
      pair.a.receive(packet(tagA, ...(isData ? parameters : [encodeReConfig(parameters)])), pair.now)
      pair.flush()
      const results: number[] = []
      for (const reply of replies) {
        for (const chunk of chunksOf(reply)) {
          if (chunk.type !== types.RE_CONFIG) continue
          forEachParameter(chunk.bytes.subarray(4), (type, value) => {
            if (type === 16) results.push(parseReconfigurationResponse(value)!.result)
            return true
          })
        }
      }
      return results
    }
    return { pair, request: tsn, tsn, ask }
  }

  const outgoing = (requestNumber: number, lastAssignedTsn: number, streamIds: number[]): Uint8Array =>
    encodeOutgoingResetRequest({ requestNumber, responseNumber: 0, lastAssignedTsn, streamIds })

  test('a repeated request is answered alike and performed once', () => {
    const { pair, request, tsn, ask } = setUp()
    expect(ask(outgoing(request, tsn - 1, [1]))).toEqual([1])
    expect(ask(outgoing(request, tsn - 1, [1]))).toEqual([1])
    expect(pair.types(0).filter((type) => type === 'incoming-reset')).toHaveLength(1)
  })

  test('in progress until the data is there, under the same number and under a new one', () => {
    const { request, tsn, ask } = setUp()
    expect(ask(outgoing(request, tsn + 5, [1]))).toEqual([6])
    expect(ask(outgoing(request, tsn + 5, [1]))).toEqual([6])
    expect(ask(outgoing((request + 1) >>> 0, tsn + 5, [1]))).toEqual([6])
  })

  test('wrong numbers, wrong streams, requests that we deny', () => {
    const { request, tsn, ask } = setUp()
    expect(ask(outgoing((request + 7) >>> 0, tsn - 1, [1]))).toEqual([5])
    expect(ask(outgoing(request, tsn - 1, [65_535]))).toEqual([3])
    const number = Uint8Array.of(...[24, 16, 8, 0].map((shift) => (request + 1) >>> shift))
    expect(ask(encodeParameter(15, number))).toEqual([2])
    expect(ask(encodeParameter(17, Uint8Array.of(0)))).toEqual([])
    expect(ask(encodeParameter(99, number))).toEqual([])
    expect(ask(Uint8Array.of(0, 13, 0, 3))).toEqual([])
  })

  test('another reset while one waits is refused; the one that waits goes on', () => {
    const { pair, request, tsn, ask } = setUp()
    expect(ask(outgoing(request, tsn, [1]))).toEqual([6])
    expect(ask(outgoing((request + 1) >>> 0, tsn, [2]))).toEqual([4])
    expect(ask(outgoing((request + 2) >>> 0, tsn, [1]))).toEqual([6])
    pair.b.send({ streamId: 1, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(100)
    expect(pair.types(0).slice(1)).toEqual(['message', 'incoming-reset'])
    expect(pair.events[0].at(-1)).toEqual({ type: 'incoming-reset', streamIds: [1], all: false })
    expect(ask(outgoing((request + 3) >>> 0, tsn, [2]))).toEqual([1])
    expect(pair.events[0].at(-1)).toEqual({ type: 'incoming-reset', streamIds: [2], all: false })
  })

  test('the data that a reset waits for and another reset in one packet: both are performed, in order', () => {
    const { pair, request, tsn, ask } = setUp({ interleaving: false })
    expect(ask(outgoing(request, tsn, [1]))).toEqual([6])
    const again = encodeReConfig([outgoing((request + 1) >>> 0, tsn, [2])])
    expect(ask(encodeData(data(tsn, { streamId: 1 })), again)).toEqual([1, 1])
    expect(pair.types(0).slice(1)).toEqual(['message', 'incoming-reset', 'incoming-reset'])
    const resets = pair.events[0].flatMap((event) => (event.type === 'incoming-reset' ? event.streamIds : []))
    expect(resets).toEqual([1, 2])
  })

  for (const interleaving of [false, true]) {
    const dataType = interleaving ? types.I_DATA : types.DATA

    test(`a deferred reset that was performed and is asked for again leaves the new stream alone, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const { pair, request, tsn, ask } = setUp({ interleaving })
      expect(ask(outgoing(request, tsn, [1]))).toEqual([6])
      pair.b.send({ streamId: 1, ppid: 53, data: pattern(10) }, pair.now)
      pair.run(100)
      expect(pair.types(0).slice(1)).toEqual(['message', 'incoming-reset'])
      // The id is used again by now. The peer had not heard of it when it asked once more.
      const reused = interleaving ? encodeIData : encodeData
      ask(reused(data(tsn + 1, { streamId: 1, messageId: 0 })))
      ask(reused(data(tsn + 2, { streamId: 1, messageId: 1 })))
      expect(ask(outgoing((request + 1) >>> 0, tsn, [1]))).toEqual([1])
      ask(reused(data(tsn + 3, { streamId: 1, messageId: 2 })))
      expect(pair.types(0).slice(1)).toEqual(['message', 'incoming-reset', 'message', 'message', 'message'])
      // A second time it means it.
      expect(ask(outgoing((request + 2) >>> 0, tsn, [1]))).toEqual([1])
      expect(pair.types(0).at(-1)).toBe('incoming-reset')
    })

    test(`a late answer to an older number does not settle the request, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const pair = new Pair({ delay: 5 }, { interleaving }).connect()
      const numbers: number[] = []
      let answering = false
      pair.filter = (bytes, from) => {
        if (from === 1) return answering || !has(bytes, types.RE_CONFIG)
        for (const chunk of chunksOf(bytes)) {
          if (chunk.type === types.RE_CONFIG && chunk.bytes[5] === 13) numbers.push(readUint32(chunk.bytes, 8))
        }
        return !has(bytes, dataType) && !has(bytes, types.RE_CONFIG)
      }
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(10) }, pair.now)
      pair.a.resetStreams([1])
      pair.run(6)
      const { localTag } = pair.a['core']
      const answer = (responseNumber: number, result: number): void => {
        pair.a.receive(
          packet(localTag, encodeReConfig([encodeReconfigurationResponse({ responseNumber, result })])),
          pair.now,
        )
        pair.flush()
      }
      expect(numbers).toHaveLength(1)
      answer(numbers[0]!, 6)
      expect(pair.runUntil(() => numbers.length === 2, 5000)).toBe(true)
      expect(numbers[1]).toBe((numbers[0]! + 1) >>> 0)
      answer(numbers[0]!, 1)
      expect(pair.types(0)).not.toContain('outgoing-reset')
      answer(numbers[1]!, 1)
      expect(pair.events[0].at(-1)).toEqual({ type: 'outgoing-reset', streamIds: [1], ok: true })
      answering = true
    })
  }

  test('an empty list means all streams', () => {
    const { pair, request, tsn, ask } = setUp()
    expect(ask(outgoing(request, tsn - 1, []))).toEqual([1])
    expect(pair.events[0].at(-1)).toEqual({ type: 'incoming-reset', streamIds: [], all: true })
  })

  test('asked to reset our streams, we do', () => {
    const { pair, request, ask } = setUp()
    pair.a.send({ streamId: 5, ppid: 53, data: pattern(10) }, pair.now)
    pair.run(100)
    expect(ask(encodeIncomingResetRequest({ requestNumber: request, streamIds: [5, 6] }))).toEqual([6])
    pair.run(100)
    expect(pair.events[1].at(-1)).toEqual({ type: 'incoming-reset', streamIds: [5], all: false })
    expect(pair.events[0].at(-1)).toEqual({ type: 'outgoing-reset', streamIds: [5], ok: true })
  })
})
