import { expect, test } from 'vitest'
import { Pair, pattern } from './pair.ts'

test('connects and delivers messages both ways', () => {
  const pair = new Pair({ delay: 20 }).connect()
  expect(pair.types(0)).toEqual(['connected'])
  expect(pair.types(1)).toEqual(['connected'])
  for (let i = 0; i < 20; i++) {
    pair.a.send({ streamId: i % 3, ppid: 53, data: pattern(1 + i * 997, i) }, pair.now)
    pair.b.send({ streamId: i % 2, ppid: 51, data: pattern(1 + i * 31, i) }, pair.now)
  }
  pair.run(2000)
  expect(pair.messages(0).length).toBe(20)
  expect(pair.messages(1).length).toBe(20)
  expect(pair.a.bytesInFlight).toBe(0)
})
