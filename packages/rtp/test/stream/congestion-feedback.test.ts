import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRtcp, writeRtcp } from '../../src/index.ts'
import type { RtcpPacket } from '../../src/index.ts'
import { CcfbRecorder, TwccRecorder, WallClock } from '../../src/stream/index.ts'

fc.configureGlobal({ seed: 8888, numRuns: 200 })

/** What the sender makes of it: arrival in ms (within a wrap of the reference time) by sequence number. */
function read(recorder: TwccRecorder, now: number, arrivals: Map<number, number | undefined>): number {
  let count = 0
  for (let feedback = recorder.poll(now); feedback !== undefined; feedback = recorder.poll(now)) {
    const bytes = writeRtcp([feedback])
    expect(bytes.length).toBeLessThan(1150)
    const [parsed] = parseRtcp(bytes)! as [Extract<RtcpPacket, { type: 'TWCC' }>]
    expect(parsed).toEqual(feedback)
    let time = parsed.referenceTime * 64
    parsed.deltas.forEach((delta, i) => {
      const sequence = (parsed.baseSequenceNumber + i) & 0xffff
      if (delta === undefined) {
        if (!arrivals.has(sequence)) arrivals.set(sequence, undefined)
      } else {
        time += delta / 4
        arrivals.set(sequence, time)
      }
    })
    count++
  }
  expect(recorder.deadline === Infinity || recorder.deadline > now).toBe(true)
  return count
}

test('arrivals come back in ms, with what was lost between them, over the wrap', () => {
  const recorder = new TwccRecorder({ localSsrc: 1 })
  expect(recorder.deadline).toBe(Infinity)
  for (let i = 0; i < 20; i++) if (i % 5 !== 3) recorder.receive((65_530 + i) & 0xffff, 2, 1000 + i * 2.25)
  expect(recorder.deadline).toBe(1050)
  expect(recorder.poll(1049)).toBeUndefined()
  const arrivals = new Map<number, number | undefined>()
  expect(read(recorder, 1050, arrivals)).toBe(1)
  expect(arrivals.size).toBe(20)
  for (let i = 0; i < 20; i++) {
    expect(arrivals.get((65_530 + i) & 0xffff)).toBe(i % 5 === 3 ? undefined : 1000 + i * 2.25)
  }
})

test('a report begins where the last one ended, and late packets are told of after all', () => {
  const recorder = new TwccRecorder({ localSsrc: 1 })
  recorder.receive(10, 2, 0)
  recorder.receive(12, 2, 1)
  const arrivals = new Map<number, number | undefined>()
  read(recorder, 50, arrivals)
  recorder.receive(15, 2, 60)
  read(recorder, 110, arrivals)
  expect([...arrivals]).toEqual([
    [10, 0],
    [11, undefined],
    [12, 1],
    [13, undefined],
    [14, undefined],
    [15, 60],
  ])
  recorder.receive(13, 2, 120)
  read(recorder, 170, arrivals)
  expect(arrivals.get(13)).toBe(120)
  expect(arrivals.get(15)).toBe(60)
  // A duplicate owes nothing.
  recorder.receive(13, 2, 180)
  expect(recorder.deadline).toBe(Infinity)
})

test('reports are numbered, come at once after many packets, and split where a delta does not fit', () => {
  const recorder = new TwccRecorder({ localSsrc: 1, maxArrivals: 10 })
  for (let i = 0; i < 10; i++) recorder.receive(i, 2, 5)
  expect(recorder.deadline).toBe(5)
  expect(recorder.poll(5)).toMatchObject({ feedbackPacketCount: 0, baseSequenceNumber: 0 })
  recorder.poll(5)
  recorder.receive(20, 2, 100)
  recorder.receive(21, 2, 20_000)
  recorder.receive(22, 2, 110)
  const arrivals = new Map<number, number | undefined>()
  expect(read(recorder, 20_000, arrivals)).toBe(3)
  expect([20, 21, 22].map((sequence) => arrivals.get(sequence))).toEqual([100, 20_000, 110])
})

test('the reference time is 24 bits and wraps', () => {
  const recorder = new TwccRecorder({ localSsrc: 1 })
  const now = 64 * 0x80_0000 + 10
  recorder.receive(1, 2, now)
  const feedback = recorder.poll(now + 50)!
  expect(feedback.referenceTime).toBe(-0x80_0000)
  expect(parseRtcp(writeRtcp([feedback]))).toEqual([feedback])
})

test('any arrivals: reports can be written, read and drained', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffff }), fc.double({ min: 0, max: 3e4, noNaN: true })), {
        maxLength: 60,
      }),
      (arrivals) => {
        const twcc = new TwccRecorder({ localSsrc: 1 })
        const ccfb = new CcfbRecorder({ localSsrc: 1, clock: new WallClock(0, 0), maxArrivals: 1 })
        let now = 0
        for (const [sequence, pause] of arrivals) {
          now += pause
          twcc.receive(sequence, 2, now)
          ccfb.receive(sequence & 3, sequence, now)
          if (sequence % 7 !== 0) continue
          expect(read(twcc, now, new Map())).toBeLessThan(60)
          for (let feedback = ccfb.poll(now); feedback !== undefined; feedback = ccfb.poll(now)) {
            expect(writeRtcp([feedback]).length).toBeLessThan(1150)
          }
        }
        expect(read(twcc, now + 50, new Map())).toBeLessThan(60)
        expect(twcc.deadline).toBe(Infinity)
      },
    ),
  )
})

test('CCFB: arrivals relative to the report, per source (RFC 8888 §3.1)', () => {
  const clock = new WallClock(0, 1_700_000_000_000)
  const recorder = new CcfbRecorder({ localSsrc: 1, clock })
  recorder.receive(7, 0xffff, 0, 1)
  recorder.receive(7, 1, 25)
  recorder.receive(8, 100, 50)
  expect(recorder.deadline).toBe(50)
  const feedback = recorder.poll(50)!
  expect(feedback).toEqual({
    type: 'CCFB',
    senderSsrc: 1,
    reportTimestamp: clock.compact(50),
    streams: [
      {
        ssrc: 7,
        beginSequenceNumber: 0xffff,
        reports: [
          { received: true, ecn: 1, arrivalTimeOffset: 51 },
          { received: false, ecn: 0, arrivalTimeOffset: 0 },
          { received: true, ecn: 0, arrivalTimeOffset: 26 },
        ],
      },
      { ssrc: 8, beginSequenceNumber: 100, reports: [{ received: true, ecn: 0, arrivalTimeOffset: 0 }] },
    ],
  })
  expect(parseRtcp(writeRtcp([feedback]))).toEqual([feedback])
  expect(recorder.poll(50)).toBeUndefined()
  expect(recorder.deadline).toBe(Infinity)
  // What was long ago cannot be said.
  recorder.receive(7, 2, 60)
  expect(recorder.poll(60_000)!.streams[0]!.reports[0]).toEqual({ received: true, ecn: 0, arrivalTimeOffset: 0x1ffe })
  recorder.receive(7, 3, 70_000)
  expect(recorder.poll(70_050)!.streams[0]!.reports).toHaveLength(1)
})

test('CCFB: sources beyond the limit are not recorded, long reports are split', () => {
  const recorder = new CcfbRecorder({ localSsrc: 1, clock: new WallClock(0, 0), maxStreams: 2 })
  for (let ssrc = 0; ssrc < 100; ssrc++) recorder.receive(ssrc, 1, 0)
  expect(recorder.poll(50)!.streams.map(({ ssrc }) => ssrc)).toEqual([0, 1])
  recorder.remove(0)
  recorder.receive(5, 0, 60)
  recorder.receive(5, 1000, 61)
  let reports = 0
  let packets = 0
  for (let feedback = recorder.poll(120); feedback !== undefined; feedback = recorder.poll(120)) {
    packets++
    for (const stream of feedback.streams) reports += stream.reports.length
  }
  expect(reports).toBe(1001)
  expect(packets).toBe(3)
})
