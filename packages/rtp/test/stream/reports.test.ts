import { expect, test } from 'vitest'
import { compactNtp, ntpTimestamp } from '../../src/index.ts'
import type { RtcpPacket } from '../../src/index.ts'
import {
  ReceptionStatistics,
  ReportSchedule,
  RoundTripTime,
  SenderReportGenerator,
  WallClock,
} from '../../src/stream/index.ts'
import { ReferenceTimes } from '../../src/stream/reference-times.ts'

type SenderReport = Extract<RtcpPacket, { type: 'SR' }>

test('counts what is expected and lost, across a wrap (RFC 3550 A.3)', () => {
  const statistics = new ReceptionStatistics(7, 8000)
  expect(statistics.report(0)).toBeUndefined()
  for (let i = 0; i < 100; i++) {
    if (i % 10 === 5) continue
    expect(statistics.receive((65_500 + i) & 0xffff, i * 160, i * 20)).toBe('accepted')
  }
  const report = statistics.report(2000)!
  expect(report).toEqual({
    ssrc: 7,
    fractionLost: Math.floor((10 / 100) * 256),
    packetsLost: 10,
    extendedHighestSequenceNumber: 65_599,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  })
  // Nothing new: no fraction, and the total stays.
  expect(statistics.report(3000)).toMatchObject({ fractionLost: 0, packetsLost: 10 })
})

test('duplicates and late packets make losses good, down to negative numbers', () => {
  const statistics = new ReceptionStatistics(7, 8000)
  for (const sequenceNumber of [10, 11, 13, 12, 13, 13]) statistics.receive(sequenceNumber, 0, 0)
  expect(statistics.packetsLost).toBe(-2)
  expect(statistics.report(0)).toMatchObject({ packetsLost: -2, fractionLost: 0 })
})

test('the 24 bits of the cumulative loss saturate', () => {
  const statistics = new ReceptionStatistics(7, 8000)
  let sequenceNumber = 0
  for (let i = 0; i < 3000; i++) {
    statistics.receive(sequenceNumber, 0, 0)
    sequenceNumber = (sequenceNumber + 2999) & 0xffff
  }
  expect(statistics.report(0)).toMatchObject({ packetsLost: 0x7f_ffff, fractionLost: 255 })
})

test('jitter is the smoothed difference of transit times (RFC 3550 A.8)', () => {
  const statistics = new ReceptionStatistics(7, 8000)
  // Sent every 20 ms; every second packet takes 10 ms longer: each difference is 80 units.
  for (let i = 0; i < 400; i++) statistics.receive(i, i * 160, i * 20 + (i % 2) * 10)
  expect(statistics.jitter).toBeCloseTo(0.01, 4)
  expect(statistics.report(0)!.jitter).toBeGreaterThanOrEqual(79)
  // A source that sets its clock anew is no jitter.
  statistics.receive(400, 4_000_000_000, 8000)
  expect(statistics.jitter).toBeLessThan(0.011)
  statistics.setClockRate(48_000)
  expect(statistics.jitter).toBe(0)
})

test('a jump is believed when the next packet confirms it (RFC 3550 A.1)', () => {
  const statistics = new ReceptionStatistics(7, 8000)
  for (let i = 0; i < 10; i++) statistics.receive(1000 + 2 * i, 0, 0)
  expect(statistics.packetsLost).toBe(9)
  expect(statistics.receive(30_000, 0, 0)).toBe('suspect')
  expect(statistics.receive(1020, 0, 0)).toBe('accepted')
  expect(statistics.receive(30_001, 0, 0)).toBe('suspect')
  expect(statistics.receive(30_002, 0, 0)).toBe('restarted')
  expect(statistics.restarts).toBe(1)
  expect(statistics.packetsLost).toBe(10)
  expect(statistics.report(0)).toMatchObject({ extendedHighestSequenceNumber: 30_002, packetsLost: 10 })
  // Backward, and just within what may be out of order.
  expect(statistics.receive(29_902, 0, 0)).toBe('accepted')
  expect(statistics.receive(29_901, 0, 0)).toBe('suspect')
})

test('sender reports are echoed with the time since', () => {
  const statistics = new ReceptionStatistics(7, 8000)
  statistics.receive(1, 0, 0)
  const report: SenderReport = {
    type: 'SR',
    ssrc: 7,
    ntpTimestamp: 0x1234_5678_9abc_def0n,
    rtpTimestamp: 0,
    packetCount: 0,
    octetCount: 0,
    reports: [],
  }
  statistics.onSenderReport(report, 1000)
  expect(statistics.report(1500)).toMatchObject({ lastSenderReport: 0x5678_9abc, delaySinceLastSenderReport: 32_768 })
  // The field is full after 18 hours.
  expect(statistics.report(1e9)).toMatchObject({ delaySinceLastSenderReport: 0xffff_ffff })
})

test('the round trip of RFC 3550 figure 2', () => {
  const roundTrip = new RoundTripTime()
  expect(roundTrip.measure(0xb710_8000, 0xb705_2000, 0x0005_4000)).toBeCloseTo(6125, 0)
  expect(roundTrip.latest).toBe(roundTrip.smoothed)
  expect(roundTrip.measure(0xb710_8000, 0, 0)).toBeUndefined()
  // Over the wrap of 18 hours, and a little below zero by rounding.
  expect(roundTrip.measure(0x0000_0100, 0xffff_ff00, 0x100)).toBeCloseTo(3.9, 1)
  expect(roundTrip.measure(1000, 1000, 60)).toBe(0)
  expect(roundTrip.measure(1000, 1000, 100_000)).toBeUndefined()
  expect(roundTrip.measure(100_000_000, 1000, 0)).toBeUndefined()
  expect(roundTrip.measurements).toBe(3)
})

test('the sender report carries the present, also between frames and with B-frames', () => {
  const clock = new WallClock(1000, 1_700_000_000_000)
  const generator = new SenderReportGenerator(9, 90_000, clock)
  expect(generator.report(1000)).toBeUndefined()
  generator.onPacket(5000, 100, 1000)
  generator.onPacket(5000 + 9000, 200, 1100)
  generator.onPacket(5000 + 3000, 50, 1110)
  expect(generator.report(1200)).toEqual({
    type: 'SR',
    ssrc: 9,
    ntpTimestamp: ntpTimestamp(1_700_000_000_200),
    rtpTimestamp: 5000 + 18_000,
    packetCount: 3,
    octetCount: 350,
    reports: [],
  })
  // Another axis is followed.
  generator.onPacket(4_000_000_000, 1, 1300)
  expect(generator.timestampAt(1400)).toBe(4_000_009_000)
})

test('a wall clock goes on with the monotonic time', () => {
  const clock = new WallClock(500, 1_700_000_000_000)
  expect(clock.at(750)).toBe(1_700_000_000_250)
  expect(clock.compact(750)).toBe(compactNtp(clock.ntp(750)))
})

test('reports come at random around their interval, and only while something happens', () => {
  let value = 0
  const schedule = new ReportSchedule(1000, () => value)
  expect(schedule.take(1e9)).toBe(false)
  schedule.wake(0)
  expect(schedule.deadline).toBe(250)
  expect(schedule.take(249)).toBe(false)
  value = 1
  expect(schedule.take(250)).toBe(true)
  expect(schedule.deadline).toBe(1750)
  schedule.wake(300)
  expect(schedule.take(1750)).toBe(true)
  // Nothing happened since: one report more, then silence.
  expect(schedule.deadline).toBe(3250)
  expect(schedule.take(3250)).toBe(true)
  expect(schedule.deadline).toBe(Infinity)
})

test('reference times are answered once, and those of so many receivers only', () => {
  const times = new ReferenceTimes()
  expect(times.take(0)).toBeUndefined()
  for (let ssrc = 0; ssrc < 100; ssrc++) times.receive(ssrc, 0x0001_0002_0003_0004n, 1000)
  times.receive(5, 0x0001_0009_0003_0004n, 1200)
  const answers = times.take(2000)!
  expect(answers).toHaveLength(32)
  expect(answers[0]).toEqual({ ssrc: 0, lastReceiverReport: 0x0002_0003, delaySinceLastReceiverReport: 65_536 })
  expect(answers[5]).toEqual({ ssrc: 5, lastReceiverReport: 0x0009_0003, delaySinceLastReceiverReport: 52_429 })
  expect(times.take(2000)).toBeUndefined()
})
