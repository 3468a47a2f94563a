import { describe, expect, test } from 'vitest'
import { cubic, newReno } from '../src/index.ts'
import type { AckSample, CongestionController } from '../src/index.ts'
import { HyStart } from '../src/tx/hystart.ts'
import { Pacer } from '../src/tx/pacer.ts'
import { ProportionalRateReduction } from '../src/tx/prr.ts'
import { RetransmissionTimeout } from '../src/tx/rto.ts'

const LIMITS = { initial: 500, min: 220, max: 10_000 }

describe('retransmission timeout (RFC 9260 §6.3)', () => {
  test('begins with the initial value and follows the measurements', () => {
    const rto = new RetransmissionTimeout(LIMITS)
    expect(rto.value).toBe(500)
    rto.measure(400, 0)
    expect(rto.smoothed).toBe(400)
    expect(rto.variance).toBe(200)
    expect(rto.value).toBe(1200)
    rto.measure(200, 1)
    expect(rto.variance).toBe(0.75 * 200 + 0.25 * 200)
    expect(rto.smoothed).toBe(375)
  })

  test('keeps its limits, and room for a delayed SACK', () => {
    const rto = new RetransmissionTimeout(LIMITS)
    for (let i = 0; i < 100; i++) rto.measure(1, i)
    expect(rto.value).toBe(220)
    for (let i = 0; i < 100; i++) rto.measure(300, 100 + i)
    expect(rto.value).toBeCloseTo(500, 0)
    for (let i = 0; i < 10; i++) rto.backOff()
    expect(rto.value).toBe(10_000)
    rto.measure(300, 300)
    expect(rto.value).toBeCloseTo(500, 0)
  })

  test('stays backed off until a round trip was measured, though no longer than 3 s once the peer is heard of', () => {
    const rto = new RetransmissionTimeout({ initial: 500, min: 220, max: 10_000 })
    rto.measure(20, 0)
    for (let i = 0; i < 2; i++) rto.backOff()
    const { value } = rto
    rto.onProgress()
    expect(rto.value).toBe(value)
    for (let i = 0; i < 5; i++) rto.backOff()
    expect(rto.value).toBe(10_000)
    rto.onProgress()
    expect(rto.value).toBeLessThanOrEqual(3000)
    expect(rto.value).toBeGreaterThan(1500)
    rto.measure(20, 100)
    expect(rto.value).toBeLessThan(300)
  })

  test('forgets a minimum after a while', () => {
    const rto = new RetransmissionTimeout(LIMITS)
    rto.measure(10, 0)
    for (let now = 1000; now <= 14_000; now += 1000) rto.measure(50, now)
    expect(rto.min).toBe(10)
    for (let now = 15_000; now <= 60_000; now += 1000) rto.measure(50, now)
    expect(rto.min).toBe(50)
    rto.reset()
    expect(rto.min).toBe(Infinity)
    expect(rto.value).toBe(500)
  })
})

const MTU = 1191
const SEGMENT = MTU - 12

function ack(ackedBytes: number, options: Partial<AckSample> = {}): AckSample {
  return {
    now: 0,
    ackedBytes,
    priorInFlight: 1e6,
    inFlight: 1e6,
    windowLimited: true,
    roundTripTime: 100,
    smoothedRoundTripTime: 100,
    minRoundTripTime: 100,
    roundStart: false,
    ...options,
  }
}

/** One round trip with one acknowledgement per two packets. */
function round(controller: CongestionController, now: number, roundTripTime = 100): void {
  const window = controller.congestionWindow
  for (let sent = 0; sent < window; sent += 2 * SEGMENT) {
    const at = now + (sent / window) * roundTripTime
    controller.onAck(ack(Math.min(2 * SEGMENT, window - sent), { now: at, roundTripTime, roundStart: sent === 0 }))
  }
}

describe('NewReno (RFC 9260 §7.2)', () => {
  test('begins with min(4 PMDCS, max(2 PMDCS, 4404))', () => {
    expect(newReno(1191).congestionWindow).toBe(4404)
    expect(newReno(600).congestionWindow).toBe(4 * 588)
    expect(newReno(9000).congestionWindow).toBe(2 * 8988)
  })

  test('doubles in slow start, then adds one packet a round trip', () => {
    const controller = newReno(MTU)
    round(controller, 0)
    expect(controller.congestionWindow).toBe(8808)
    for (let i = 1; i < 5; i++) round(controller, i * 100)
    const before = controller.congestionWindow
    expect(controller.onCongestion({ now: 0, inFlight: 0, lostBytes: 1 })).toBe(true)
    expect(controller.congestionWindow).toBe(before / 2)
    round(controller, 600)
    expect(controller.congestionWindow).toBe(before / 2)
    controller.onRecovered(0)
    // At the threshold it is still slow start, by one acknowledgement.
    controller.onAck(ack(1))
    const start = controller.congestionWindow
    round(controller, 700)
    expect(controller.congestionWindow - start).toBe(SEGMENT)
  })

  test('does not grow while the user is what limits', () => {
    const controller = newReno(MTU)
    controller.onAck(ack(100_000, { windowLimited: false }))
    expect(controller.congestionWindow).toBe(4404)
  })

  test('falls to one packet after a timeout, and no threshold is below four', () => {
    const controller = newReno(MTU)
    controller.onTimeout(0, 0)
    expect(controller.congestionWindow).toBe(SEGMENT)
    expect(controller.slowStartThreshold).toBe(4 * SEGMENT)
  })

  test('halves for every RTO of idleness', () => {
    const controller = newReno(MTU)
    for (let i = 0; i < 6; i++) round(controller, i)
    const before = controller.congestionWindow
    controller.onIdle(250, 100)
    expect(controller.congestionWindow).toBe(before / 4)
    controller.onIdle(1e9, 100)
    expect(controller.congestionWindow).toBe(4404)
  })
})

describe('CUBIC (RFC 9438)', () => {
  function grown(lossTolerance: number): CongestionController {
    const controller = cubic({ lossTolerance })(MTU)
    for (let i = 0; i < 6; i++) round(controller, i * 100)
    return controller
  }

  test('begins with ten packets, doubles, falls to 70 %', () => {
    const controller = cubic({ lossTolerance: 0 })(MTU)
    expect(controller.congestionWindow).toBe(10 * SEGMENT)
    round(controller, 0)
    expect(controller.congestionWindow).toBe(20 * SEGMENT)
    expect(controller.onCongestion({ now: 0, inFlight: 0, lostBytes: 1 })).toBe(true)
    expect(controller.congestionWindow).toBeCloseTo(14 * SEGMENT)
    controller.onSpurious()
    expect(controller.congestionWindow).toBe(20 * SEGMENT)
  })

  test('is back where it was after K = cbrt(W_max · 0.3 / 0.4) seconds, flat there, then convex', () => {
    const controller = grown(0)
    const windowMax = controller.congestionWindow
    controller.onCongestion({ now: 600, inFlight: 0, lostBytes: 1 })
    controller.onRecovered(600)
    const k = Math.cbrt(((windowMax / SEGMENT) * 0.3) / 0.4) * 1000
    let now = 700
    const at = (time: number): number => {
      for (; now < time; now += 100) round(controller, now)
      return controller.congestionWindow
    }
    expect(at(700 + k / 2) / windowMax).toBeGreaterThan(0.9)
    expect(at(700 + k) / windowMax).toBeCloseTo(1, 1)
    const later = at(700 + 2 * k)
    expect(later / windowMax).toBeGreaterThan(1.15)
    expect(later / windowMax).toBeLessThan(1.5)
  })

  test('forgives a little loss without a queue, and nothing with one', () => {
    const loss = { now: 600, inFlight: 0, lostBytes: SEGMENT }
    const controller = grown(0.02)
    expect(controller.onCongestion(loss)).toBe(false)
    // 40 of some 1500 packets are more than 2 %.
    let kept = 0
    while (kept < 1000 && !controller.onCongestion(loss)) kept++
    expect(kept).toBeGreaterThan(10)
    expect(kept).toBeLessThan(60)

    const queued = grown(0.02)
    round(queued, 700, 130)
    expect(queued.onCongestion(loss)).toBe(true)
  })

  test('takes a few ms for a queue where the round trip is shorter than that', () => {
    const loss = { now: 600, inFlight: 0, lostBytes: SEGMENT }
    const after = (roundTripTime: number): boolean => {
      const controller = cubic({ lossTolerance: 0.02 })(MTU)
      const sample = { minRoundTripTime: 0.5, roundTripTime, smoothedRoundTripTime: roundTripTime }
      for (let i = 0; i < 1000; i++) controller.onAck(ack(SEGMENT, { ...sample, now: i, roundStart: i % 50 === 0 }))
      return controller.onCongestion(loss)
    }
    expect(after(1.5)).toBe(false)
    expect(after(2.5)).toBe(true)
  })

  test('looks for more when the path stays empty', () => {
    const controller = grown(0.02)
    const before = controller.congestionWindow
    while (!controller.onCongestion({ now: 600, inFlight: 0, lostBytes: SEGMENT }));
    controller.onRecovered(600)
    for (let i = 0; i < 20; i++) round(controller, 700 + i * 100)
    expect(controller.congestionWindow).toBeGreaterThan(2 * before)
  })

  test('keeps its threshold when timeouts follow each other without an answer', () => {
    const controller = grown(0)
    controller.onTimeout(1000, 0)
    const threshold = controller.slowStartThreshold
    expect(threshold).toBeGreaterThan(8 * SEGMENT)
    for (let i = 0; i < 5; i++) controller.onTimeout(2000 + i, 0)
    expect(controller.slowStartThreshold).toBe(threshold)
    expect(controller.congestionWindow).toBe(SEGMENT)
  })

  test('starts anew on another path', () => {
    const controller = grown(0.02)
    controller.onPathChange(9000)
    expect(controller.congestionWindow).toBe(10 * 8988)
    expect(controller.slowStartThreshold).toBe(Infinity)
  })
})

describe('HyStart++ (RFC 9406)', () => {
  test('leaves slow start when the round trip grows, and comes back when that was jitter', () => {
    const samples = (hyStart: HyStart, roundTripTime: number): number => {
      let last = 0
      for (let i = 0; i < 10; i++) last = hyStart.onAck(100, roundTripTime, i === 0)
      return last
    }
    const hyStart = new HyStart()
    expect(samples(hyStart, 100)).toBe(100)
    expect(samples(hyStart, 105)).toBe(100)
    expect(samples(hyStart, 120)).toBe(25)
    expect(samples(hyStart, 104)).toBe(100)
    expect(samples(hyStart, 120)).toBe(25)
    for (let i = 0; i < 4; i++) expect(samples(hyStart, 121)).toBe(25)
    expect(hyStart.onAck(100, 121, true)).toBe(-1)
  })
})

describe('proportional rate reduction (RFC 6937)', () => {
  test('sends seven packets for ten acknowledged on the way to 70 %', () => {
    const prr = new ProportionalRateReduction()
    prr.begin(100_000, 1000)
    expect(prr.maySend).toBe(true)
    let inFlight = 100_000
    let sent = 0
    for (let i = 0; i < 80; i++) {
      inFlight -= 1000
      prr.onAck(1000, inFlight, 70_000, 1000)
      while (prr.maySend && inFlight < 100_000) {
        prr.onSent(1000)
        inFlight += 1000
        sent++
      }
    }
    expect(inFlight).toBeGreaterThanOrEqual(69_000)
    expect(inFlight).toBeLessThanOrEqual(80_000)
    expect(sent).toBeGreaterThan(50)
    expect(sent).toBeLessThan(64)
  })

  test('grows back to the threshold when much was lost', () => {
    const prr = new ProportionalRateReduction()
    prr.begin(100_000, 1000)
    let inFlight = 30_000
    for (let i = 0; i < 100; i++) {
      inFlight -= Math.min(1000, inFlight)
      prr.onAck(1000, inFlight, 70_000, 1000)
      while (prr.maySend) {
        prr.onSent(1000)
        inFlight += 1000
      }
    }
    expect(inFlight).toBeGreaterThan(60_000)
    expect(inFlight).toBeLessThanOrEqual(71_000)
  })
})

describe('Pacer', () => {
  test('spreads packets at the rate, in bursts of some ms', () => {
    const pacer = new Pacer()
    let sent = 0
    let now = 1000
    while (now < 2000) {
      while (pacer.maySend(now, 1000, 1200)) {
        pacer.onSent(1200)
        sent += 1200
      }
      expect(pacer.deadline).toBeGreaterThan(now)
      now = Math.max(now + 1, pacer.deadline)
    }
    expect(sent).toBeGreaterThan(980_000)
    expect(sent).toBeLessThan(1_020_000)
  })

  test('what went out unpaced is not owed later', () => {
    const pacer = new Pacer()
    for (let i = 0; i < 1000; i++) {
      expect(pacer.maySend(10, 0, 1200)).toBe(true)
      pacer.onSent(1200)
    }
    expect(pacer.maySend(11, 1000, 1200)).toBe(true)
  })

  test('does not hold up short paths', () => {
    expect(Pacer.rate(100_000, 1, true)).toBe(0)
    expect(Pacer.rate(100_000, undefined, true)).toBe(0)
    expect(Pacer.rate(100_000, 100, true)).toBe(2000)
    expect(Pacer.rate(100_000, 100, false)).toBe(1250)
    expect(new Pacer().maySend(0, 0, 1200)).toBe(true)
  })
})
