import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ring } from '../src/ring.ts'
import { TsnRanges } from '../src/tsn-ranges.ts'
import { distance16, distance32, unwrap16, unwrap32 } from '../src/tsn.ts'

fc.configureGlobal({ seed: 1982, numRuns: 300 })

const uint32 = fc.integer({ min: 0, max: 0xffffffff })

describe('serial numbers (RFC 1982)', () => {
  test('distances around the wrap', () => {
    expect(distance32(0, 0xffffffff)).toBe(1)
    expect(distance32(0xffffffff, 0)).toBe(-1)
    expect(distance32(5, 5)).toBe(0)
    expect(distance32(0x7fffffff, 0)).toBeGreaterThan(0)
    expect(distance32(0x80000001, 0)).toBeLessThan(0)
    expect(distance16(0, 0xffff)).toBe(1)
    expect(distance16(0xffff, 0)).toBe(-1)
    expect(distance16(0x7fff, 0)).toBe(0x7fff)
    expect(distance16(0x8001, 0)).toBe(-0x7fff)
  })

  test('unwrapping finds the number that was meant', () => {
    const reference = fc.integer({ min: 0, max: 2 ** 45 })
    fc.assert(
      fc.property(reference, fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), (at, distance) => {
        const meant = at + distance
        fc.pre(meant >= 0)
        expect(unwrap32(meant % 2 ** 32, at)).toBe(meant)
        const near = at + (distance >> 16)
        fc.pre(near >= 0)
        expect(unwrap16(near % 2 ** 16, at)).toBe(near)
      }),
    )
  })

  test('distances are opposite', () => {
    fc.assert(
      fc.property(uint32, uint32, (a, b) => {
        fc.pre(((a - b) | 0) !== -(2 ** 31))
        expect(distance32(a, b) + distance32(b, a)).toBe(0)
      }),
    )
  })
})

test('TsnRanges is a set', () => {
  const operation = fc.oneof(
    fc.tuple(fc.constant('add'), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 8 })),
    fc.tuple(fc.constant('remove'), fc.integer({ min: 0, max: 60 }), fc.constant(0)),
  )
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const ranges = new TsnRanges()
      const set = new Set<number>()
      for (const [name, at, length] of operations) {
        if (name === 'add') {
          ranges.add(at, at + length)
          for (let i = at; i <= at + length; i++) set.add(i)
        } else {
          ranges.removeThrough(at)
          for (const i of set) if (i <= at) set.delete(i)
        }
        const wrong = Array.from({ length: 70 }, (_, i) => i).filter((i) => ranges.has(i) !== set.has(i))
        expect(wrong).toEqual([])
        expect(ranges.starts.every((start, i) => i === 0 || start > ranges.ends[i - 1]! + 1)).toBe(true)
      }
    }),
  )
})

test('Ring is a queue', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2, max: 100 }), { maxLength: 200 }), (operations) => {
      const ring = new Ring<number>()
      const queue: number[] = []
      for (const value of operations) {
        if (value === -2) expect(ring.shift()).toBe(queue.shift())
        else if (value === -1) {
          ring.unshift(value)
          queue.unshift(value)
        } else {
          ring.push(value)
          queue.push(value)
        }
        expect(ring.length).toBe(queue.length)
        expect(ring.peek()).toBe(queue[0])
        expect(ring.at(queue.length - 1)).toBe(queue.at(-1))
        expect(ring.at(queue.length)).toBeUndefined()
      }
    }),
  )
})
