import { expect, test } from 'vitest'
import { FoundationTable } from '../src/index.ts'

test('the same for the same type, base, protocol and server; different otherwise (RFC 8445 §5.1.1.3)', () => {
  const table = new FoundationTable()
  const first = table.get('host', '192.0.2.1', 'udp')
  expect(table.get('host', '192.0.2.1', 'udp')).toBe(first)
  const others = [
    table.get('srflx', '192.0.2.1', 'udp', '198.51.100.1'),
    table.get('srflx', '192.0.2.1', 'udp', '198.51.100.2'),
    table.get('host', '192.0.2.2', 'udp'),
    table.get('host', '192.0.2.1', 'tcp'),
  ]
  expect(new Set([first, ...others]).size).toBe(5)
  expect(others.every((foundation) => /^[A-Za-z0-9+/]{1,32}$/.test(foundation))).toBe(true)
})
