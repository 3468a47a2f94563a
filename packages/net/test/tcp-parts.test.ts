import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Scheduler } from '../src/virtual/scheduler.ts'
import { parseCertificate, rejectionOf, writeIdentity } from '../src/virtual/tcp/certificate.ts'
import { TcpEndpoint } from '../src/virtual/tcp/endpoint.ts'
import { ReceiveBuffer } from '../src/virtual/tcp/receive-buffer.ts'
import {
  APPLICATION_DATA,
  HANDSHAKE,
  readMessage,
  RecordReader,
  sealRecords,
  writeMessage,
} from '../src/virtual/tcp/records.ts'
import { Scoreboard } from '../src/virtual/tcp/scoreboard.ts'
import { ACK, FIN, RST, SYN, UNREACHABLE } from '../src/virtual/tcp/segment.ts'
import type { TcpSegment } from '../src/virtual/tcp/segment.ts'
import { SendBuffer } from '../src/virtual/tcp/send-buffer.ts'

const SEED = { seed: 20_261_126 }

function bytes(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) & 0xff)
}

describe('SendBuffer', () => {
  it('gives any part of what was written, whatever the pieces', () => {
    const property = fc.property(
      fc.array(fc.nat(50), { maxLength: 100 }),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(200), fc.nat(100))),
      (sizes, reads) => {
        const buffer = new SendBuffer(1000)
        let total = 0
        for (const size of sizes) {
          buffer.push(bytes(size, total))
          total += size
        }
        expect(buffer.end).toBe(1000 + total)
        for (const [offset, length, acknowledged] of reads) {
          if (offset <= total) buffer.acknowledge(Math.max(buffer.start, 1000 + Math.min(offset, acknowledged)))
          const from = Math.min(Math.max(buffer.start, 1000 + offset), buffer.end)
          const expected = bytes(Math.min(length, buffer.end - from), from - 1000)
          expect(buffer.read(from, length)).toEqual(expected)
        }
      },
    )
    fc.assert(property, SEED)
  })

  it('can be cut off at the end', () => {
    const buffer = new SendBuffer(0)
    for (let i = 0; i < 10; i++) buffer.push(bytes(10, i * 10))
    buffer.truncate(55)
    buffer.truncate(90)
    buffer.push(Uint8Array.of(7))
    expect([...buffer.read(53, 100)]).toEqual([53, 54, 7])
    buffer.acknowledge(54)
    buffer.truncate(0)
    expect([buffer.start, buffer.end, buffer.read(54, 10).length]).toEqual([54, 54, 0])
  })
})

describe('ReceiveBuffer', () => {
  it('puts any mix of overlapping segments into order, and never holds more than it may', () => {
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(300), fc.nat(60), fc.boolean()), { maxLength: 60 }),
      (segments) => {
        const capacity = 100
        const buffer = new ReceiveBuffer(0, capacity)
        const seen = new Set<number>()
        let read = 0
        for (const [at, length, reads] of segments) {
          const edge = buffer.next + buffer.window
          for (let i = at; i < Math.min(at + length, edge); i++) seen.add(i)
          const before = buffer.next
          expect(buffer.receive(at, bytes(length, at), false)).toBe(buffer.next > before)
          let expected = before
          while (seen.has(expected)) expected++
          expect(buffer.next).toBe(expected)
          for (const { start, end } of buffer.sacks) {
            expect(start).toBeGreaterThan(buffer.next)
            for (let i = start; i < end; i++) expect(seen.has(i)).toBe(true)
          }
          const held = buffer.unread + buffer.sacks.reduce((sum, { start, end }) => sum + end - start, 0)
          expect(held).toBeLessThanOrEqual(capacity)
          if (!reads) continue
          for (let data = buffer.read(); data !== undefined; data = buffer.read()) {
            expect(data).toEqual(bytes(data.length, read))
            read += data.length
          }
        }
      },
    )
    fc.assert(property, SEED)
  })

  it('knows the end only when all before it is there', () => {
    const buffer = new ReceiveBuffer(0, 100)
    buffer.receive(10, bytes(5), true)
    expect(buffer.isFinished).toBe(false)
    buffer.receive(0, bytes(10), false)
    expect([buffer.isFinished, buffer.next, buffer.unread]).toEqual([true, 16, 15])
    const narrow = new ReceiveBuffer(0, 10)
    narrow.receive(0, bytes(11), true) // the end lies beyond the window
    expect([narrow.finAt, narrow.next]).toEqual([undefined, 10])
  })
})

describe('Scoreboard', () => {
  it('agrees with a set of numbers', () => {
    const range = fc.tuple(fc.nat(80), fc.nat(20)).map(([start, length]) => ({ start, end: start + length }))
    const property = fc.property(fc.array(fc.tuple(range, fc.nat(60), range)), (steps) => {
      const board = new Scoreboard()
      const arrived = new Set<number>()
      let acknowledged = 0
      for (const [added, upTo, { start, end }] of steps) {
        board.add([added], acknowledged, 90)
        for (let i = Math.max(added.start, acknowledged); i < Math.min(added.end, 90); i++) arrived.add(i)
        acknowledged = Math.max(acknowledged, upTo - 30)
        board.forget(acknowledged)
        for (const i of arrived) if (i < acknowledged) arrived.delete(i)
        const from = Math.max(start, acknowledged)
        const missing: number[] = []
        for (let i = from; i < end; i++) if (!arrived.has(i)) missing.push(i)
        expect(board.missing(from, end)).toBe(missing.length)
        const hole = board.hole(from, end)
        expect(hole?.start).toBe(missing[0])
        if (hole !== undefined) {
          for (let i = hole.start; i < hole.end; i++) expect(arrived.has(i)).toBe(false)
          expect(hole.end === end || arrived.has(hole.end)).toBe(true)
        }
        expect(board.highest).toBe(arrived.size === 0 ? -1 : Math.max(...arrived) + 1)
      }
    })
    fc.assert(property, SEED)
  })
})

describe('an endpoint', () => {
  const local = { address: '192.0.2.1', port: 1, family: 4 } as const
  const remote = { address: '192.0.2.2', port: 2, family: 4 } as const

  it('takes any segments in any state without throwing or sending without end', () => {
    // Numbers near those that are in use, so that many segments fit.
    const number = fc.oneof(fc.integer({ min: 995, max: 1020 }), fc.integer({ min: -5, max: 20 }), fc.nat(2 ** 32))
    const segment = fc.record({
      flags: fc.oneof(fc.constantFrom(SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, UNREACHABLE, 0), fc.nat(0x1ff)),
      sequence: number,
      acknowledgement: number,
      window: fc.nat(100_000),
      sacks: fc.array(fc.record({ start: number, end: number }), { maxLength: 3 }),
      maxSegment: fc.integer({ min: 1, max: 2000 }),
    })
    const step = fc.record({
      segment,
      length: fc.nat(20),
      action: fc.constantFrom('none', 'write', 'finish', 'abandon', 'read', 'wait'),
    })
    const property = fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 30 }), async (isPassive, steps) => {
      const scheduler = new Scheduler(0)
      let sent = 0
      const host = { scheduler, transmit: () => sent++ >= 0, forget: () => {} }
      const user = { established: () => {}, failed: () => {}, arrived: () => {}, progressed: () => {} }
      const endpoint = new TcpEndpoint(host, local, remote, { initial: 1000, maxSegment: 1000, isPassive })
      const first: TcpSegment = { flags: SYN, sequence: 0, acknowledgement: 0, window: 9, sacks: [], maxSegment: 500 }
      if (isPassive) endpoint.accept(first, user)
      else endpoint.connect(user)
      for (const { segment: next, length, action } of steps) {
        endpoint.receive({ ...next }, bytes(length))
        if (action === 'write') endpoint.write(bytes(length))
        if (action === 'finish') endpoint.finish()
        if (action === 'abandon') endpoint.abandon()
        if (action === 'read') while (endpoint.read() !== undefined) endpoint.announceWindow()
        if (action === 'wait') await scheduler.run(scheduler.now + 500, undefined, false)
      }
      endpoint.abandon()
      await scheduler.run(scheduler.now + 10_000_000, undefined, true)
      expect(scheduler.pending).toBe(0)
      expect(sent).toBeLessThan(3000)
    })
    return fc.assert(property, { ...SEED, numRuns: 300 })
  })
})

describe('records', () => {
  it('come out as they went in, however the stream is cut', () => {
    const property = fc.property(
      fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }),
      (sizes, cuts) => {
        const stream = Buffer.concat(sizes.map((size, i) => sealRecords(new Uint8Array(size).fill(i + 1))))
        const reader = new RecordReader()
        const out: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length]!
          reader.push(Uint8Array.from(stream.subarray(at, at + size)))
          at += size
          for (let record = reader.read(); record !== undefined; record = reader.read()) {
            expect(record.type).toBe(APPLICATION_DATA)
            out.push(record.payload)
          }
        }
        expect(reader.isMalformed).toBe(false)
        const expected = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i + 1)))
        expect(Buffer.compare(Buffer.concat(out), expected)).toBe(0)
      },
    )
    fc.assert(property, { ...SEED, numRuns: 40 })
  })

  it('of arbitrary bytes are refused without throwing', () => {
    const message = writeMessage(HANDSHAKE, { serverName: 'x' }, 30)
    const mutated = fc
      .tuple(fc.nat(message.length - 1), fc.nat(255), fc.nat(message.length))
      .map(([at, value, end]) => {
        const copy = message.slice(0, end)
        if (at < end) copy[at] = value
        return copy
      })
    const property = fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated)), (chunks) => {
      const reader = new RecordReader()
      for (const chunk of chunks) {
        reader.push(chunk)
        for (let record = reader.read(); record !== undefined; record = reader.read()) readMessage(record)
      }
    })
    fc.assert(property, SEED)
    const reader = new RecordReader()
    reader.push(message)
    expect(readMessage(reader.read()!)).toEqual({ serverName: 'x' })
  })

  it('never wait for more than the longest record', () => {
    const reader = new RecordReader()
    reader.push(Uint8Array.of(APPLICATION_DATA, 3, 3, 0x41, 0x01)) // 2^14 + 257
    expect([reader.read(), reader.isMalformed]).toEqual([undefined, true])
    reader.push(new Uint8Array(20_000))
    expect(reader.read()).toBeUndefined()
  })
})

describe('certificates', () => {
  it('are read back, and arbitrary text is none', () => {
    const certificate = { serial: 5, issuer: 0, names: ['a.test', '192.0.2.1'], notAfter: null }
    const { certificate: text } = writeIdentity(certificate)
    expect(parseCertificate(text)).toEqual(certificate)
    const around = (body: string): string => text.replace(/\{.*\}/, () => body)
    const property = fc.property(fc.oneof(fc.string(), fc.json().map(around), fc.string().map(around)), (any) => {
      const parsed = parseCertificate(any)
      rejectionOf(parsed, 'a.test', {}, text, 0)
    })
    fc.assert(property, SEED)
    expect(parseCertificate(around('null'))).toBeUndefined()
    expect(parseCertificate(around('{"serial":1,"issuer":1,"names":[1]}'))).toBeUndefined()
  })
})
