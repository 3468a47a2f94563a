import { describe, expect, test } from 'vitest'
import { encodeData, encodeIData } from '../src/packet/data.ts'
import { encodeForwardTsn, encodeIForwardTsn } from '../src/packet/forward-tsn.ts'
import { encodeReConfig } from '../src/packet/re-config.ts'
import { encodeSack } from '../src/packet/sack.ts'
import { encodeOutgoingResetRequest } from '../src/parameter/reconfiguration.ts'
import { Ring } from '../src/ring.ts'
import { pattern, seeded } from './pair.ts'
import { data, victim } from './victim.ts'

const DATA_ONLY = { interleaving: false }

describe('messages above the limit', () => {
  for (const interleaving of [false, true]) {
    const encode = interleaving ? encodeIData : encodeData

    test(`that never end are remembered for their extent, and that counts, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const { pair, hit, tsn } = victim({ interleaving, maxReceiveMessageSize: 100, initialReceiveBuffer: 10_000 })
      const { window } = pair.a['core'].receiver!
      for (let i = 0; i < 20_000; i++) {
        hit(encode(data(tsn + i, { messageId: i, streamId: i % 7, end: false, payload: pattern(101) })))
      }
      expect(window.held).toBe(0)
      expect(window.heldChunks).toBeLessThanOrEqual(window.maxChunks * 1.25 + 1)
      pair.flush()
      expect(pair.events[0].at(-1)).toMatchObject({ type: 'aborted', error: { code: 'ERR_SCTP_RESOURCES' } })
    })

    test(`count until their turn and until the news is taken, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      const { pair, hit, tsn } = victim({ interleaving, maxReceiveMessageSize: 100, initialReceiveBuffer: 10_000 })
      const { window } = pair.a['core'].receiver!
      for (let i = 1; i < 100; i++) hit(encode(data(tsn + i, { messageId: i, payload: pattern(101) })))
      expect([window.held, window.heldChunks]).toEqual([0, 99])
      pair.polls[0] = false
      hit(encode(data(tsn, { payload: pattern(101) })))
      expect(window.heldChunks).toBe(100)
      pair.polls[0] = true
      pair.flush()
      expect(pair.types(0).filter((type) => type === 'message-discarded')).toHaveLength(100)
      expect([window.held, window.heldChunks]).toEqual([0, 0])
    })

    test(`in pieces of any order give back all that they held, ${interleaving ? 'I-DATA' : 'DATA'}`, () => {
      for (let seed = 0; seed < 40; seed++) {
        const random = seeded(seed)
        const { pair, hit, tsn } = victim({ interleaving, maxReceiveMessageSize: 400 })
        const chunks = Array.from({ length: 60 }, (_, i) => {
          const fragment = i % 6
          const payload = pattern(i % 12 < 6 ? 60 : 90, i)
          const place = { messageId: Math.floor(i / 6), fragment, beginning: fragment === 0, end: fragment === 5 }
          return encode(data(tsn + i, { ...place, payload }))
        })
        for (let i = chunks.length - 1; i > 0; i--) {
          const j = Math.floor(random() * (i + 1))
          ;[chunks[i], chunks[j]] = [chunks[j]!, chunks[i]!]
        }
        for (const chunk of chunks) hit(chunk)
        pair.flush()
        const expected = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'message' : 'message-discarded'))
        expect(pair.types(0).slice(1)).toEqual(expected)
        pair.messages(0).forEach((message, k) => {
          const whole = Array.from({ length: 6 }, (_, i) => [...pattern(60, 12 * k + i)]).flat()
          expect([...message]).toEqual(whole)
        })
        const { window } = pair.a['core'].receiver!
        expect([window.held, window.heldChunks]).toEqual([0, 0])
      }
    })
  }
})

test('a first chunk larger than the whole window is taken, and the window grows as far as it takes', () => {
  const { pair, hit, tsn } = victim({ ...DATA_ONLY, initialReceiveBuffer: 1500, maxReceiveBuffer: 100_000 })
  hit(encodeData(data(tsn, { payload: pattern(20_000) })))
  pair.flush()
  for (let i = 1; i < 9; i++) {
    hit(encodeData(data(tsn + i, { beginning: i === 1, end: i === 8, messageId: 1, payload: pattern(5000, i) })))
  }
  pair.flush()
  expect(pair.messages(0).map((message) => message.length)).toEqual([20_000, 40_000])
})

test('a packet beyond what is left of the window is no reason to give its sender up while the window may grow', () => {
  const { pair, hit, tsn } = victim({ ...DATA_ONLY, initialReceiveBuffer: 10_000, maxReceiveBuffer: 100_000 })
  for (let i = 0; i < 4; i++) {
    hit(encodeData(data(tsn + i, { beginning: i === 0, end: i === 3, payload: pattern(i === 0 ? 4900 : 9000, i) })))
  }
  pair.flush()
  expect(pair.messages(0).map((message) => message.length)).toEqual([31_900])
})

describe('FORWARD-TSN', () => {
  test('that names a stream often means the last; a second one in the packet is not looked at', () => {
    const { pair, hit, tsn } = victim(DATA_ONLY)
    for (let i = 0; i < 50; i++) hit(encodeData(data(tsn + 100 + i, { messageId: i + 5, payload: pattern(i + 1) })))
    const skip = (messageId: number): { streamId: number; unordered: boolean; messageId: number } => ({
      streamId: 0,
      unordered: false,
      messageId,
    })
    const skipped = [skip(3), skip(30), skip(65_535), skip(7)]
    const before = pair.a.stats.dropped.limit
    hit(
      encodeForwardTsn({ newCumulativeTsn: tsn, skipped }),
      encodeForwardTsn({ newCumulativeTsn: tsn + 99, skipped: [skip(60)] }),
    )
    expect(pair.a.stats.dropped.limit - before).toBe(1)
    expect(pair.a['core'].receiver!.tracker.cumulative).toBe(0)
    pair.flush()
    // Up to 30 is skipped, and what is here of it goes out; the rest follows as it is complete.
    expect(pair.messages(0).map((message) => message.length)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    const { window } = pair.a['core'].receiver!
    expect([window.held, window.heldChunks]).toEqual([0, 0])
  })

  test('I-FORWARD-TSN keeps ordered and unordered apart', () => {
    const { pair, hit, tsn } = victim()
    const part = { beginning: true, end: false, payload: pattern(50) }
    hit(encodeIData(data(tsn + 1, { ...part, messageId: 4 })))
    hit(encodeIData(data(tsn + 2, { ...part, messageId: 4, unordered: true })))
    const skip = (messageId: number, unordered: boolean): Parameters<typeof encodeIForwardTsn>[0]['skipped'][0] => ({
      streamId: 0,
      unordered,
      messageId,
    })
    hit(encodeIForwardTsn({ newCumulativeTsn: tsn, skipped: [skip(3, true), skip(4, false), skip(2, true)] }))
    const { window } = pair.a['core'].receiver!
    expect([window.held, window.heldChunks]).toEqual([50, 1])
    hit(encodeIForwardTsn({ newCumulativeTsn: tsn + 3, skipped: [skip(4, true)] }))
    expect([window.held, window.heldChunks]).toEqual([0, 0])
  })
})

test('resets that nobody takes note of are not performed without end', () => {
  const { pair, hit, tsn } = victim()
  pair.polls[0] = false
  for (let i = 0; i < 1000; i++) {
    const request = {
      requestNumber: (tsn + i) >>> 0,
      responseNumber: 0,
      lastAssignedTsn: (tsn - 1) >>> 0,
      streamIds: [1],
    }
    hit(encodeReConfig([encodeOutgoingResetRequest(request)]))
    pair.flush()
  }
  expect(pair.a['core'].events.length).toBeLessThanOrEqual(256)
  pair.polls[0] = true
  pair.flush()
  expect(pair.types(0).filter((type) => type === 'incoming-reset')).toHaveLength(256)
  const request = {
    requestNumber: (tsn + 256) >>> 0,
    responseNumber: 0,
    lastAssignedTsn: (tsn - 1) >>> 0,
    streamIds: [1],
  }
  hit(encodeReConfig([encodeOutgoingResetRequest(request)]))
  pair.flush()
  expect(pair.types(0).filter((type) => type === 'incoming-reset')).toHaveLength(257)
})

describe('SACKs that give and take back', () => {
  test('are remembered once a chunk', () => {
    const { pair, hit, ownTsn } = victim({ ...DATA_ONLY, initialReceiveBuffer: 1_000_000 })
    for (let i = 0; i < 400; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(20) }, pair.now)
    pair.flush()
    const { data: sent } = pair.a['core'].sender!
    const count = sent.next
    expect(count).toBeGreaterThan(300)
    for (let i = 0; i < 200; i++) {
      const cumulative = (ownTsn + i) >>> 0
      hit(encodeSack(cumulative, 1e6, [[3, count - i - 2]]))
      hit(encodeSack((cumulative + 2) >>> 0, 1e6, [[3, count - i - 4]]), encodeSack((cumulative + 1) >>> 0, 1e6))
    }
    expect((sent['lost'] as Ring<number>).length).toBeLessThanOrEqual(2 * count)
    expect(pair.a.bytesInFlight).toBeGreaterThanOrEqual(0)
  })

  test('and that claim the TSN behind the cumulative one by a block make no sense', () => {
    const { pair, hit, ownTsn } = victim(DATA_ONLY)
    for (let i = 0; i < 40; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(100) }, pair.now)
    pair.flush()
    const inFlight = pair.a.bytesInFlight
    const window = pair.a.congestionWindow
    for (let i = 0; i < 100; i++) hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[1, 40]]))
    expect(pair.a.bytesInFlight).toBe(inFlight)
    expect(pair.a.congestionWindow).toBe(window)
    expect(pair.a.stats.dropped.unexpectedChunk).toBe(100)
  })
})
