import { expect, test } from 'vitest'
import { sequenceDistance, SequenceUnwrapper, timestampDistance, TimestampUnwrapper } from '../../src/index.ts'

test('distances on the circle', () => {
  expect(sequenceDistance(1, 65535)).toBe(2)
  expect(sequenceDistance(65535, 1)).toBe(-2)
  expect(sequenceDistance(32767, 0)).toBe(32767)
  expect(sequenceDistance(32768, 0)).toBe(-32768)
  expect(timestampDistance(1, 0xffffffff)).toBe(2)
  expect(timestampDistance(0xffffffff, 1)).toBe(-2)
})

test('unwrapped sequence numbers', () => {
  const unwrapper = new SequenceUnwrapper()
  expect(unwrapper.highest).toBeUndefined()
  expect(unwrapper.peek(9)).toBe(9)
  expect([65534, 65535, 0, 65533, 1].map((number) => unwrapper.unwrap(number))).toEqual([
    65534, 65535, 65536, 65533, 65537,
  ])
  expect(unwrapper.highest).toBe(65537)
  expect(unwrapper.peek(2)).toBe(65538)
  expect(unwrapper.highest).toBe(65537)
  // Many rounds, in steps that are just short of half of one.
  let expected = 65537
  for (let i = 0; i < 100; i++) expect(unwrapper.unwrap((expected += 32767) & 0xffff)).toBe(expected)
})

test('from before the first they are negative', () => {
  const unwrapper = new SequenceUnwrapper()
  expect([0, 65535, 1].map((number) => unwrapper.unwrap(number))).toEqual([0, -1, 1])
})

test('unwrapped timestamps', () => {
  const unwrapper = new TimestampUnwrapper()
  expect(unwrapper.highest).toBeUndefined()
  expect([0xffffff00, 0x100, 0xffffff80].map((number) => unwrapper.unwrap(number))).toEqual([
    0xffffff00, 0x100000100, 0xffffff80,
  ])
  expect(unwrapper.highest).toBe(0x100000100)
  expect(unwrapper.peek(0x80000000)).toBe(0x180000000)
})
