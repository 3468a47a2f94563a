import { describe, expect, test } from 'vitest'
import { readUint32, writeUint16, writeUint32 } from '../src/bytes.ts'
import { encodeChunk } from '../src/packet/chunk.ts'
import { encodeData, encodeIData } from '../src/packet/data.ts'
import type { DataChunk } from '../src/packet/data.ts'
import { encodeForwardTsn } from '../src/packet/forward-tsn.ts'
import { encodeSack } from '../src/packet/sack.ts'
import * as types from '../src/packet/types.ts'
import { pattern } from './pair.ts'
import { data, victim } from './victim.ts'
import { chunksOf, packet } from './wire.ts'

const DATA_ONLY = { interleaving: false }

describe('SACKs', () => {
  test('for TSNs that were never sent are ignored', () => {
    const { pair, hit, ownTsn } = victim()
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(5000) }, pair.now)
    pair.flush()
    const inFlight = pair.a.bytesInFlight
    hit(encodeSack((ownTsn + 1000) >>> 0, 1e6))
    hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[2, 60_000]]))
    hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[0, 2]]))
    hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[3, 2]]))
    hit(encodeSack((ownTsn - 5000) >>> 0, 0))
    expect(pair.a.bytesInFlight).toBe(inFlight)
    expect(pair.a.stats.dropped.unexpectedChunk).toBe(5)
  })

  test('with huge, unsorted, overlapping blocks and duplicates are survived', () => {
    const { pair, hit, ownTsn } = victim()
    for (let i = 0; i < 200; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(100) }, pair.now)
    pair.flush()
    const blocks = Array.from({ length: 200 }, (_, i): [number, number] => [
      2 + ((i * 37) % 80),
      2 + ((i * 37) % 80) + (i % 3),
    ])
    hit(
      encodeSack(
        (ownTsn - 1) >>> 0,
        1e6,
        blocks,
        Array.from({ length: 80 }, (_, i) => (i * 7919) >>> 0),
      ),
    )
    expect(pair.a.bytesInFlight).toBeGreaterThanOrEqual(0)
    hit(encodeSack((ownTsn + 50) >>> 0, 1e6))
    hit(encodeChunk(types.SACK, 0, new Uint8Array(12).fill(255)))
    expect(pair.a.state).toBe('established')
    expect(pair.a.stats.dropped.malformedChunk).toBe(1)
  })

  test('that take back what they acknowledged bring it to be sent again', () => {
    const { pair, hit, ownTsn, out } = victim(DATA_ONLY)
    for (let i = 0; i < 4; i++) pair.a.send({ streamId: 0, ppid: 53, data: pattern(1000, i) }, pair.now)
    pair.flush()
    hit(encodeSack((ownTsn - 1) >>> 0, 1e6, [[2, 4]]))
    pair.flush()
    out.length = 0
    // Now the first has arrived, and the others, strangely, not.
    hit(encodeSack(ownTsn, 1e6))
    pair.run(2000)
    const again = out.flatMap((bytes) => chunksOf(bytes)).filter((chunk) => chunk.type === types.DATA)
    expect(new Set(again.map((chunk) => readUint32(chunk.bytes, 4) - ownTsn))).toContain(1)
  })
})

describe('DATA', () => {
  test('far ahead is not taken, a million holes make no million ranges', () => {
    const { pair, hit, tsn } = victim(DATA_ONLY)
    hit(encodeData(data(tsn + 65_600)))
    expect(pair.a.stats.dropped.limit).toBe(1)
    for (let i = 1; i < 20_000; i++) hit(encodeData(data(tsn + 2 * i, { unordered: true })))
    const { tracker } = pair.a['core'].receiver!
    expect(tracker['ranges'].length).toBeLessThanOrEqual(2048)
    pair.flush()
    hit(encodeData(data(tsn)))
    expect(pair.a.stats.messagesReceived).toBeGreaterThan(2000)
  })

  test('fragments without end fill no more than the window; then the peer is given up', () => {
    for (const interleaving of [false, true]) {
      const { pair, hit, tsn } = victim({ interleaving, initialReceiveBuffer: 100_000, maxReceiveBuffer: 200_000 })
      const encode = interleaving ? encodeIData : encodeData
      let peak = 0
      for (let i = 0; i < 5000 && pair.a.state === 'established'; i++) {
        const message = interleaving ? { streamId: i % 50, messageId: 0, fragment: 1 + Math.floor(i / 50) } : {}
        hit(encode(data(tsn + i, { ...message, beginning: false, end: false, payload: pattern(1000) })))
        peak = Math.max(peak, pair.a['core'].receiver!.window.held)
      }
      expect(peak).toBeLessThanOrEqual(250_000)
      const last = ((): unknown => {
        pair.flush()
        return pair.events[0].at(-1)
      })()
      expect(last).toMatchObject({
        type: 'aborted',
        error: { code: interleaving ? 'ERR_SCTP_RESOURCES' : expect.anything() },
      })
    }
  })

  test('I-DATA fragments at absurd places, twice, and behind the end', () => {
    const { pair, hit, tsn } = victim()
    let i = 0
    const send = (options: Partial<DataChunk>): void => hit(encodeIData(data(tsn + i++, options)))
    send({ beginning: false, end: false, fragment: 0xffffffff })
    send({ beginning: false, end: false, fragment: 5 })
    send({ beginning: false, end: false, fragment: 5 })
    send({ beginning: true, end: false })
    send({ beginning: true, end: false })
    send({ beginning: false, end: true, fragment: 2 })
    send({ beginning: false, end: false, fragment: 3 })
    send({ beginning: false, end: false, fragment: 1 })
    pair.flush()
    expect(pair.a.state).toBe('established')
    send({ streamId: 1 })
    send({ streamId: 1 })
    send({ streamId: 1, messageId: 0x80000000 })
    pair.flush()
    expect(pair.messages(0)).toHaveLength(1)
  })

  test('without payload is reported, and never acknowledged', () => {
    const { pair, hit, tsn, out } = victim(DATA_ONLY)
    hit(encodeData(data(tsn, { payload: new Uint8Array(0) })))
    pair.flush()
    const chunks = out.flatMap((bytes) => chunksOf(bytes))
    expect(chunks.map((chunk) => chunk.type)).toEqual([types.ERROR])
    expect(pair.a.state).toBe('established')
    expect(pair.a.stats.dropped.emptyData).toBe(1)
  })

  test('for a stream that there is not is acknowledged, reported and dropped', () => {
    const { pair, hit, tsn, out } = victim({ ...DATA_ONLY, inboundStreams: 5 })
    hit(encodeData(data(tsn, { streamId: 5 })))
    pair.flush()
    const chunks = out.flatMap((bytes) => chunksOf(bytes))
    expect(chunks.map((chunk) => chunk.type).toSorted((x, y) => x - y)).toEqual([types.SACK, types.ERROR])
    expect(pair.messages(0)).toEqual([])
    expect(pair.a.stats.dropped.streamId).toBe(1)
  })

  test('of the kind that was not negotiated ends the association', () => {
    const { pair, hit, tsn } = victim(DATA_ONLY)
    hit(encodeIData(data(tsn)))
    pair.flush()
    expect(pair.events[0].at(-1)).toMatchObject({ type: 'aborted', error: { code: 'ERR_SCTP_PROTOCOL_VIOLATION' } })
  })

  test('twenty thousand duplicates are reported as a few', () => {
    const { pair, hit, tsn, out } = victim(DATA_ONLY)
    hit(encodeData(data(tsn)))
    for (let i = 0; i < 20_000; i++) hit(encodeData(data(tsn)))
    pair.flush()
    const sacks = out.flatMap((bytes) => chunksOf(bytes)).filter((chunk) => chunk.type === types.SACK)
    expect(sacks).toHaveLength(1)
    expect(sacks[0]!.bytes.length).toBeLessThan(100)
  })

  test('a small piece that waits does not keep its datagram', () => {
    const { pair, hit, tsn } = victim(DATA_ONLY)
    hit(encodeData(data(tsn + 2, { messageId: 2, payload: pattern(1) })), encodeChunk(132, 0, new Uint8Array(1000)))
    hit(encodeData(data(tsn, { messageId: 0 })), encodeData(data(tsn + 1, { messageId: 1 })))
    pair.flush()
    expect(pair.messages(0).map((message) => message.length)).toEqual([10, 10, 1])
    expect(pair.messages(0)[2]!.buffer.byteLength).toBe(1)
  })
})

describe('FORWARD-TSN', () => {
  test('far ahead costs nothing and loses only what the peer gave up', () => {
    const { pair, hit, tsn } = victim(DATA_ONLY)
    hit(encodeData(data(tsn + 3, { beginning: true, end: false, payload: pattern(100) })))
    hit(
      encodeForwardTsn({
        newCumulativeTsn: (tsn + 0x7ffffff0) >>> 0,
        skipped: Array.from({ length: 200 }, (_, i) => ({ streamId: i, unordered: false, messageId: 30_000 })),
      }),
    )
    expect(pair.a['core'].receiver!.window.held).toBe(0)
    hit(encodeData(data(tsn + 0x7ffffff1, { streamId: 1, messageId: 30_001 })))
    pair.flush()
    expect(pair.messages(0)).toHaveLength(1)
  })

  test('that is old, malformed, or for streams that there are not', () => {
    const { pair, hit, tsn } = victim({ ...DATA_ONLY, inboundStreams: 3 })
    hit(encodeForwardTsn({ newCumulativeTsn: (tsn - 10) >>> 0, skipped: [] }))
    hit(encodeChunk(types.FORWARD_TSN, 0, new Uint8Array(6)))
    hit(encodeForwardTsn({ newCumulativeTsn: tsn, skipped: [{ streamId: 9, unordered: false, messageId: 4 }] }))
    expect(pair.a.state).toBe('established')
    expect(pair.a.stats.dropped.malformedChunk).toBe(1)
    expect(pair.a['core'].receiver!.tracker.cumulative).toBe(0)
  })
})

describe('unknown and malformed chunks', () => {
  test('are skipped or stop, and are reported or not, by their highest bits (RFC 9260 §3.2)', () => {
    for (const [type, reads, reports] of [
      [0x3f, false, false],
      [0x7f, false, true],
      [0xbf, true, false],
      [0xff, true, true],
    ] as const) {
      const { pair, hit, out } = victim()
      hit(encodeChunk(type, 0, pattern(5)), encodeChunk(types.HEARTBEAT, 0, Uint8Array.of(0, 1, 0, 8, 1, 2, 3, 4)))
      pair.flush()
      const answered = out.flatMap((bytes) => chunksOf(bytes)).map((chunk) => chunk.type)
      expect(answered.includes(types.HEARTBEAT_ACK)).toBe(reads)
      expect(answered.includes(types.ERROR)).toBe(reports)
      expect(pair.a.stats.dropped.unknownChunk).toBe(1)
      expect(pair.a.state).toBe('established')
    }
  })

  test('a chunk of impossible length ends its packet, nothing else', () => {
    const { pair, hit } = victim()
    for (const length of [0, 3, 5000]) {
      const chunk = encodeChunk(types.HEARTBEAT, 0, pattern(8))
      writeUint16(chunk, 2, length)
      hit(chunk)
    }
    expect(pair.a.stats.dropped.malformedChunk).toBe(3)
    expect(pair.a.state).toBe('established')
  })

  test('every known chunk too short for its fields', () => {
    const { pair, hit } = victim()
    for (let type = 0; type < 256; type++) {
      if (type === types.ABORT) continue
      hit(encodeChunk(type, 0, new Uint8Array(0)))
      hit(encodeChunk(type, 0, new Uint8Array(3).fill(255)))
    }
    pair.flush()
    expect(pair.a.state).toBe('established')
  })

  test('a flood of HEARTBEATs is answered a little', () => {
    const { pair, hit, out } = victim()
    for (let i = 0; i < 5000; i++) hit(encodeChunk(types.HEARTBEAT, 0, new Uint8Array(1100)))
    pair.flush()
    expect(out.length).toBeLessThanOrEqual(64)
    hit(encodeChunk(types.HEARTBEAT, 0, new Uint8Array(60_000)))
    pair.flush()
    expect(pair.a.state).toBe('established')
  })

  test('a HEARTBEAT ACK that answers nothing is worth nothing', () => {
    const { pair, hit } = victim()
    const value = new Uint8Array(12)
    writeUint32(value, 0, (1 << 16) | 12)
    hit(encodeChunk(types.HEARTBEAT_ACK, 0, value))
    expect(pair.a.stats.heartbeatAcksReceived).toBe(0)
  })
})

test('other ports, other tags, other checksums, and scraps', () => {
  const { pair, hit } = victim()
  const good = packet(pair.a['core'].localTag, encodeChunk(types.HEARTBEAT, 0, new Uint8Array(8)))
  const changed = (offset: number): Uint8Array => {
    const copy = good.slice()
    copy[offset]! ^= 1
    return copy
  }
  pair.a.receive(changed(1), pair.now)
  pair.a.receive(changed(3), pair.now)
  pair.a.receive(changed(20), pair.now)
  pair.a.receive(packet(pair.a['core'].localTag ^ 1, encodeChunk(types.HEARTBEAT, 0, new Uint8Array(8))), pair.now)
  for (let length = 0; length < 16; length++) pair.a.receive(good.slice(0, length), pair.now)
  expect(pair.a.stats.dropped).toMatchObject({ ports: 2, checksum: 1, verificationTag: 1, shortPacket: 16 })
  hit()
  expect(pair.a.state).toBe('established')
})
