import { expect, test } from 'vitest'
import { compactNtp, ntpTimestamp, ntpToWallClock } from '../../src/index.ts'

test('NTP timestamps', () => {
  expect(ntpTimestamp(0)).toBe(2_208_988_800n << 32n)
  expect(ntpTimestamp(500)).toBe((2_208_988_800n << 32n) | 0x80000000n)
  // The example of RFC 3550 §6.4.1: 10 Nov 1995 11:33:25.125 UTC.
  const example = ntpTimestamp(Date.UTC(1995, 10, 10, 11, 33, 25, 125))
  expect(example).toBe(0xb44db705_20000000n)
  expect(compactNtp(example)).toBe(0xb7052000)
})

test('and back, in the era that ends in 2036 and in the one after', () => {
  for (const wallClock of [Date.UTC(1995, 10, 10), Date.UTC(2026, 5, 1, 1, 2, 3, 4) + 0.25, Date.UTC(2040, 1, 2)]) {
    expect(ntpToWallClock(ntpTimestamp(wallClock))).toBeCloseTo(wallClock, 3)
  }
})
