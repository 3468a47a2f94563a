import { expect, test } from 'vitest'
import { KeyFrameLimiter, KeyFrameRequester } from '../../src/stream/index.ts'

const sources = { ssrc: 5, localSsrc: 6 }

test('PLI until a key frame comes, ever more slowly', () => {
  const requester = new KeyFrameRequester({ ...sources, pli: true, fir: true })
  expect(requester.poll(1e9)).toBeUndefined()
  requester.request(100)
  const times: number[] = []
  while (requester.deadline !== Infinity) {
    const now = requester.deadline
    requester.heard(now)
    expect(requester.poll(now)).toEqual({ type: 'PLI', senderSsrc: 6, mediaSsrc: 5 })
    expect(requester.poll(now)).toBeUndefined()
    times.push(now)
  }
  expect(times).toEqual([100, 300, 700, 1500, 3100, 6100, 9100, 12_100, 15_100, 18_100])
  // Who still wants one gets a request now and then.
  requester.request(18_200)
  expect(requester.deadline).toBe(21_100)
  requester.onKeyFrame()
  expect(requester.deadline).toBe(Infinity)
})

test('a source that sends nothing is asked three times, and on when something comes', () => {
  const requester = new KeyFrameRequester({ ...sources, pli: true, fir: true })
  const drain = (): number[] => {
    const times: number[] = []
    while (requester.deadline !== Infinity) {
      times.push(requester.deadline)
      expect(requester.poll(requester.deadline)).toBeDefined()
    }
    return times
  }
  requester.heard(0)
  requester.request(0)
  expect(drain()).toEqual([0, 200, 600])
  // It may be that what comes is the key frame.
  requester.heard(5000)
  expect(requester.deadline).toBe(5200)
  requester.heard(5010)
  expect(requester.deadline).toBe(5200)
  expect(drain()).toEqual([5200, 6800, 9800])
  requester.request(10_000)
  expect(drain()).toEqual([12_800])
  requester.heard(20_000)
  requester.onKeyFrame()
  expect(requester.deadline).toBe(Infinity)
  requester.heard(20_010)
  expect(requester.deadline).toBe(Infinity)
})

test('requests keep their distance', () => {
  const requester = new KeyFrameRequester({ ...sources, pli: true, fir: false })
  requester.request(0)
  requester.poll(0)
  requester.onKeyFrame()
  requester.request(10)
  expect(requester.deadline).toBe(200)
  requester.request(20)
  expect(requester.deadline).toBe(200)
})

test('a repeated FIR has the number of the first (RFC 5104 §4.3.1.1)', () => {
  const requester = new KeyFrameRequester({ ...sources, pli: false, fir: true })
  const next = (): number => {
    const request = requester.poll(requester.deadline)
    if (request?.type !== 'FIR') throw new Error('no FIR')
    expect(request.entries[0]!.ssrc).toBe(5)
    return request.entries[0]!.sequenceNumber
  }
  requester.request(0)
  const first = next()
  expect(next()).toBe(first)
  requester.onKeyFrame()
  requester.request(5000)
  expect(next()).toBe(first + 1)
  expect(requester.firCount).toBe(3)
})

test('without negotiated feedback nothing is asked', () => {
  const requester = new KeyFrameRequester({ ...sources, pli: false, fir: false })
  requester.request(0)
  expect(requester.poll(0)).toBeUndefined()
  expect(requester.deadline).toBe(Infinity)
})

test('the encoder hears of a FIR once, and of nothing too often', () => {
  const limiter = new KeyFrameLimiter()
  expect(limiter.take(0)).toBe(false)
  limiter.onFullIntraRequest(1, 7, 0)
  expect(limiter.take(0)).toBe(true)
  limiter.onFullIntraRequest(1, 7, 10)
  expect(limiter.deadline).toBe(Infinity)
  limiter.onFullIntraRequest(1, 8, 20)
  limiter.onPictureLoss(30)
  expect(limiter.take(299)).toBe(false)
  expect(limiter.deadline).toBe(300)
  expect(limiter.take(300)).toBe(true)
  expect(limiter.deadline).toBe(Infinity)
})

test('a key frame answers who waits, and who asked before seeing it', () => {
  const limiter = new KeyFrameLimiter()
  limiter.onPictureLoss(0)
  limiter.take(0)
  limiter.onPictureLoss(100)
  limiter.onKeyFrame(150)
  expect(limiter.deadline).toBe(Infinity)
  // How long the key frame takes is not known: the request waits for what that may be.
  limiter.onPictureLoss(160)
  expect(limiter.deadline).toBe(300)
  limiter.take(300)
  // It is: the request crossed the key frame on the way.
  limiter.onKeyFrame(1000)
  limiter.roundTripTime = 200
  limiter.onPictureLoss(1160)
  limiter.onFullIntraRequest(1, 5, 1170)
  expect(limiter.deadline).toBe(Infinity)
  limiter.onFullIntraRequest(1, 5, 1200)
  expect(limiter.deadline).toBe(1200)
})

test('FIRs of so many senders are remembered', () => {
  const limiter = new KeyFrameLimiter(0)
  for (let ssrc = 0; ssrc < 1000; ssrc++) limiter.onFullIntraRequest(ssrc, 1, ssrc)
  limiter.take(1000)
  limiter.onFullIntraRequest(999, 1, 1000)
  expect(limiter.deadline).toBe(Infinity)
  limiter.onFullIntraRequest(1, 1, 1000)
  expect(limiter.deadline).toBe(1000)
})
