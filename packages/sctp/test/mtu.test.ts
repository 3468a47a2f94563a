import { describe, expect, test } from 'vitest'
import { cubic, newReno, SctpError } from '../src/index.ts'
import { Association } from '../src/index.ts'
import { Pair, pattern } from './pair.ts'

describe('another MTU', () => {
  for (const [name, make] of [
    ['cubic', cubic({ lossTolerance: 0 })],
    ['newreno', newReno],
  ] as const) {
    test(`${name}: the window stays, its unit changes`, () => {
      const controller = make(1191)
      const window = controller.congestionWindow
      controller.onMtuChange(9000)
      expect(controller.congestionWindow).toBe(Math.max(window, 8988))
      controller.onTimeout(0, 0)
      expect(controller.congestionWindow).toBe(8988)
      expect(controller.slowStartThreshold).toBe(4 * 8988)
      controller.onMtuChange(1191)
      expect(controller.congestionWindow).toBe(8988)
      controller.onTimeout(0, 0)
      expect(controller.congestionWindow).toBe(1179)
    })
  }

  test('reaches the controller of an association, and growth goes on in its unit', () => {
    const pair = new Pair({ delay: 20 }, { congestionController: newReno }).connect()
    pair.a.setMtu(9000)
    pair.a.setMtu(9000)
    const window = pair.a.congestionWindow
    expect(window).toBe(8988)
    let largest = 0
    pair.filter = (bytes, from) => {
      if (from === 0) largest = Math.max(largest, bytes.length)
      return true
    }
    pair.a.send({ streamId: 0, ppid: 53, data: pattern(200_000) }, pair.now)
    expect(pair.runUntil(() => pair.messages(1).length === 1, 5000)).toBe(true)
    expect(largest).toBeLessThanOrEqual(9000)
    expect(largest).toBeGreaterThan(8990)
    expect(pair.a.congestionWindow).toBeGreaterThan(2 * window)
  })
})

test('options out of their range are refused', () => {
  for (const options of [
    { maxReceiveMessageSize: 0 },
    { maxReceiveMessageSize: NaN },
    { maxBufferedAmount: -1 },
    { maxRetransmissions: NaN },
    { maxInitRetransmissions: -1 },
    { heartbeatInterval: NaN },
    { rtoInitial: 0 },
    { rtoMin: -1 },
    { rtoMin: 500, rtoMax: 400 },
    { cookieLifetime: NaN },
    { sackDelay: 501 },
  ]) {
    expect(() => new Association({ now: 0, ...options })).toThrow(SctpError)
  }
  expect(new Association({ now: 0, heartbeatInterval: 0, maxRetransmissions: Infinity }).state).toBe('closed')
})
