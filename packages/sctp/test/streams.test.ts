import { describe, expect, test } from 'vitest'
import { SctpError } from '../src/index.ts'
import { Pair, pattern } from './pair.ts'

describe('interleaving (RFC 8260)', () => {
  test('a small message passes a large one', () => {
    const order = (interleaving: boolean): number[] => {
      const pair = new Pair({ delay: 20, rate: 500 }, { interleaving }).connect()
      pair.a.send({ streamId: 1, ppid: 53, data: pattern(256_000) }, pair.now)
      pair.run(100)
      pair.a.send({ streamId: 2, ppid: 53, data: pattern(100) }, pair.now)
      pair.run(20_000)
      return pair.messages(1).map((data) => data.length)
    }
    expect(order(true)).toEqual([100, 256_000])
    expect(order(false)).toEqual([256_000, 100])
  })

  test('streams share by weight', () => {
    for (const interleaving of [true, false]) {
      const pair = new Pair({ delay: 20, rate: 500 }, { interleaving }).connect()
      const weights = [128, 256, 512, 1024]
      const got = [0, 0, 0, 0]
      for (let id = 0; id < 4; id++) pair.a.setStreamPriority(id, weights[id]!)
      pair.onEvent = (event, end) => {
        if (end === 1 && event.type === 'message') got[event.streamId]! += event.data.length
        return false
      }
      pair.onStep = () => {
        for (let id = 0; id < 4; id++) {
          while (pair.a.bufferedAmount(id) < 20_000) {
            pair.a.send({ streamId: id, ppid: 53, data: new Uint8Array(2000) }, pair.now)
          }
        }
      }
      pair.run(4000)
      const total = got.reduce((sum, bytes) => sum + bytes)
      for (let id = 0; id < 4; id++) expect(Math.abs(got[id]! / total - weights[id]! / 1920)).toBeLessThan(0.03)
    }
  })

  test('more unfinished messages than the peer can hold do not lock both sides up', () => {
    const pair = new Pair(
      { delay: 10 },
      { interleaving: true, initialReceiveBuffer: 64_000, maxReceiveBuffer: 300_000 },
    ).connect()
    for (let id = 0; id < 40; id++) pair.a.send({ streamId: id, ppid: 53, data: pattern(100_000, id) }, pair.now)
    expect(pair.runUntil(() => pair.messages(1).length === 40, 60_000)).toBe(true)
  })
})

describe('send', () => {
  test('refuses what cannot be sent, with a code', () => {
    const pair = new Pair({ delay: 20 }, { maxMessageSize: 1000, maxBufferedAmount: 2500 }).connect()
    const code = (call: () => void): string => {
      try {
        call()
      } catch (error) {
        return error instanceof SctpError ? error.code : 'other'
      }
      return 'none'
    }
    const message = { streamId: 0, ppid: 53, data: pattern(10) }
    expect(code(() => pair.a.send({ ...message, data: new Uint8Array(0) }, 0))).toBe('ERR_SCTP_EMPTY_MESSAGE')
    expect(code(() => pair.a.send({ ...message, data: pattern(1001) }, 0))).toBe('ERR_SCTP_MESSAGE_TOO_LARGE')
    expect(code(() => pair.a.send({ ...message, streamId: 65_535 }, 0))).toBe('ERR_SCTP_STREAM_ID')
    expect(code(() => pair.a.send({ ...message, streamId: -1 }, 0))).toBe('ERR_SCTP_STREAM_ID')
    expect(code(() => pair.a.send({ ...message, streamId: 0.5 }, 0))).toBe('ERR_SCTP_STREAM_ID')
    expect(code(() => pair.a.send({ ...message, maxRetransmits: -1 }, 0))).toBe('ERR_SCTP_ARGUMENT')
    expect(code(() => pair.a.send({ ...message, lifetime: Number.NaN }, 0))).toBe('ERR_SCTP_ARGUMENT')
    expect(code(() => pair.a.setStreamPriority(0, 0))).toBe('ERR_SCTP_ARGUMENT')
    expect(code(() => pair.a.setMtu(100))).toBe('ERR_SCTP_ARGUMENT')
    expect(code(() => pair.a.setMaxMessageSize(0))).toBe('ERR_SCTP_ARGUMENT')
    expect(code(() => new Pair({}, { localPort: 0 }))).toBe('ERR_SCTP_ARGUMENT')
    pair.a.send({ ...message, data: pattern(1000) }, 0)
    pair.a.send({ ...message, data: pattern(1000) }, 0)
    expect(code(() => pair.a.send({ ...message, data: pattern(501) }, 0))).toBe('ERR_SCTP_BUFFER_FULL')
    pair.a.setMaxMessageSize(Infinity)
    expect(pair.a.maxMessageSize).toBe(Infinity)
    pair.a.abort()
    expect(code(() => pair.a.send(message, 0))).toBe('ERR_SCTP_STATE')
  })

  test('bufferedAmount counts what was not handed out, and says when it falls', () => {
    const pair = new Pair({ delay: 20, rate: 1000 }).connect()
    pair.a.setBufferedAmountLowThreshold(1, 50_000)
    pair.a.send({ streamId: 1, ppid: 53, data: pattern(100_000) }, pair.now)
    pair.a.send({ streamId: 2, ppid: 53, data: pattern(1000) }, pair.now)
    expect(pair.a.bufferedAmount(1)).toBe(100_000)
    expect(pair.a.totalBufferedAmount).toBe(101_000)
    let at = -1
    pair.onEvent = (event, end) => {
      if (end === 0 && event.type === 'buffered-amount-low' && event.streamId === 1) at = pair.a.bufferedAmount(1)
      return true
    }
    pair.run(2000)
    expect(at).toBeGreaterThan(0)
    expect(at).toBeLessThanOrEqual(50_000)
    expect(pair.events[0].filter((event) => event.type === 'buffered-amount-low')).toHaveLength(2)
    expect(pair.a.totalBufferedAmount).toBe(0)
  })

  test('what was queued for streams that the peer does not have goes nowhere', () => {
    const pair = new Pair({ delay: 20 }, {}, { inboundStreams: 10 })
    pair.a.send({ streamId: 9, ppid: 53, data: pattern(10) }, 0)
    pair.a.send({ streamId: 10, ppid: 53, data: pattern(11) }, 0)
    pair.connect()
    pair.run(1000)
    expect(pair.messages(1)).toEqual([pattern(10)])
    expect(pair.a.totalBufferedAmount).toBe(0)
  })

  test('larger packets after the path MTU grew, and smaller ones again', () => {
    const pair = new Pair({ delay: 5, loss: 0.05, seed: 4 }).connect()
    let largest = 0
    pair.filter = (bytes) => {
      largest = Math.max(largest, bytes.length)
      return true
    }
    for (const [mtu, seed] of [
      [9000, 1],
      [600, 2],
      [1191, 3],
    ] as const) {
      pair.a.setMtu(mtu)
      pair.a.send({ streamId: 0, ppid: 53, data: pattern(100_000, seed) }, pair.now)
      if (mtu === 9000) pair.run(30)
      else expect(pair.runUntil(() => pair.messages(1).length >= seed, 60_000)).toBe(true)
    }
    expect(largest).toBeGreaterThan(8000)
    expect(largest).toBeLessThanOrEqual(9000)
    pair.messages(1).forEach((data, i) => expect(Buffer.compare(data, pattern(100_000, i + 1))).toBe(0))
  })
})

describe('receiving', () => {
  test('an unfragmented message is a view of its datagram, a fragmented one stands alone', () => {
    const pair = new Pair({ delay: 1 }).connect()
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(1000) }, pair.now)
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(5000) }, pair.now)
    pair.run(100)
    const [small, large] = pair.messages(1)
    expect(small!.buffer.byteLength).toBeGreaterThan(1000)
    expect(large!.buffer.byteLength).toBe(5000)
  })

  test('a message above our limit is thrown away, and the ones around it are not', () => {
    for (const interleaving of [false, true]) {
      for (const loss of [0, 0.2]) {
        const pair = new Pair({ delay: 10, loss, seed: 3 }, { interleaving, maxReceiveMessageSize: 10_000 }).connect()
        pair.a.send({ streamId: 0, ppid: 50, data: pattern(10_000, 1) }, pair.now)
        pair.a.send({ streamId: 0, ppid: 51, data: pattern(60_000, 2) }, pair.now)
        pair.a.send({ streamId: 0, ppid: 52, data: pattern(10_001, 3) }, pair.now)
        pair.a.send({ streamId: 0, ppid: 53, data: pattern(10, 4) }, pair.now)
        expect(pair.runUntil(() => pair.messages(1).length === 2, 20_000)).toBe(true)
        pair.run(2000)
        const seen = pair.events[1].flatMap((event) => ('ppid' in event ? [`${event.type} ${event.ppid}`] : []))
        expect(seen).toEqual(['message 50', 'message-discarded 51', 'message-discarded 52', 'message 53'])
        expect(pair.b['core'].receiver!.window.held).toBe(0)
        expect(pair.b['core'].receiver!.window.heldChunks).toBe(0)
      }
    }
    const small = new Pair({ delay: 10 }, { maxReceiveMessageSize: 100 }).connect()
    small.a.send({ streamId: 0, ppid: 50, data: pattern(101) }, small.now)
    small.run(100)
    expect(small.types(1).at(-1)).toBe('message-discarded')
  })
})
