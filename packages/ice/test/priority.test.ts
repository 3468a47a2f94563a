import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { candidatePriority, localPreferences, pairPriority } from '../src/index.ts'
import { peerReflexivePriority } from '../src/priority.ts'

describe('candidate priority', () => {
  test('RFC 8445 §5.1.2.1', () => {
    expect(candidatePriority('host', 65535)).toBe(2130706431)
    expect(candidatePriority('srflx', 65535)).toBe(1694498815)
    expect(candidatePriority('prflx', 65535)).toBe(1862270975)
    expect(candidatePriority('relay', 65535)).toBe(16777215)
    expect(candidatePriority('host', 65535, 2)).toBe(2130706430)
    expect(candidatePriority('host', 0)).toBe(2113929471)
  })

  test('a check announces what its base would be as a peer-reflexive candidate', () => {
    expect(peerReflexivePriority(candidatePriority('host', 12345))).toBe(candidatePriority('prflx', 12345))
  })
})

describe('pair priority', () => {
  test('RFC 8445 §6.1.2.3', () => {
    expect(pairPriority(2130706431, 2130706431)).toBe(9151314442783293438n)
    expect(pairPriority(2, 1)).toBe((1n << 32n) + 4n + 1n)
    expect(pairPriority(1, 2)).toBe((1n << 32n) + 4n)
    expect(pairPriority(2 ** 31 - 1, 2 ** 31 - 1) < 1n << 63n).toBe(true)
  })

  test('both sides order their pairs alike', () => {
    const priority = fc.integer({ min: 0, max: 0xffffffff })
    fc.assert(
      fc.property(priority, priority, priority, priority, (g1, d1, g2, d2) => {
        // The smaller of the two counts first, whichever side it is on.
        const first = Math.min(g1, d1)
        const second = Math.min(g2, d2)
        if (first === second) return
        expect(pairPriority(g1, d1) > pairPriority(g2, d2)).toBe(first > second)
      }),
      { seed: 8445 },
    )
  })
})

describe('local preferences (RFC 8421)', () => {
  test('IPv6 first, interleaved', () => {
    expect(localPreferences([4, 6])).toEqual([65534, 65535])
    expect(order([4, 4, 4, 6, 6, 6])).toEqual([3, 0, 4, 1, 5, 2])
    expect(order([6, 6, 6, 6, 4])).toEqual([0, 4, 1, 2, 3])
    expect(localPreferences([4])).toEqual([65535])
    expect(localPreferences([])).toEqual([])
  })

  test('all different, and each family in its own order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(4 as const, 6 as const), { maxLength: 40 }), (families) => {
        const preferences = localPreferences(families)
        expect(new Set(preferences).size).toBe(families.length)
        for (const family of [4, 6]) {
          const own = preferences.filter((_, index) => families[index] === family)
          expect(own).toEqual(own.toSorted((a, b) => b - a))
        }
      }),
      { seed: 8421 },
    )
  })

  function order(families: (4 | 6)[]): number[] {
    const preferences = localPreferences(families)
    return families.map((_, index) => index).sort((a, b) => preferences[b]! - preferences[a]!)
  }
})
