import type { NetworkInterface } from '@kaon/net'
import { expect, test } from 'vitest'
import { selectAddresses } from '../../src/driver/addresses.ts'

function interfaces(...list: string[]): NetworkInterface[] {
  return list.map((text) => {
    const [name, address] = text.split(' ') as [string, string]
    const family = address.includes(':') ? 6 : 4
    return { name, address, family, internal: name === 'lo', prefixLength: family === 6 ? 64 : 24 }
  })
}

function chosen(list: NetworkInterface[], options: Parameters<typeof selectAddresses>[1] = {}): string[] {
  const addresses = selectAddresses(list, options)
  expect(new Set(addresses.map(({ preference }) => preference)).size).toBe(addresses.length)
  return addresses.sort((a, b) => b.preference - a.preference).map(({ address }) => address)
}

test('the families are interleaved, IPv6 first; link-local and loopback only when asked for, and last', () => {
  const list = interfaces('lo 127.0.0.1', 'lo ::1', 'e0 192.0.2.1', 'e0 2001:db8::1', 'e0 fe80::1%e0', 'e1 192.0.2.2')
  expect(chosen(list)).toEqual(['2001:db8::1', '192.0.2.1', '192.0.2.2'])
  expect(chosen(list, { includeLoopback: true, includeLinkLocal: true })).toEqual([
    '2001:db8::1',
    '192.0.2.1',
    '192.0.2.2',
    '::1',
    '127.0.0.1',
    'fe80::1%e0',
  ])
})

test('what RFC 8445 §5.1.1.1 rules out', () => {
  const list = interfaces('e0 fec0::1', 'e0 feff::1', 'e0 ::192.0.2.1', 'e0 ::ffff:192.0.2.1', 'e0 ff02::1', 'e0 ::')
  expect(chosen(list)).toEqual([])
})

test('an address made of the hardware address yields to one that cannot be traced, of its own interface and prefix', () => {
  const traceable = '2001:db8:1:2:211:22ff:fe33:4455'
  const random = '2001:db8:1:2:a1b2:c3d4:e5f6:708'
  expect(chosen(interfaces(`e0 ${traceable}`, `e0 ${random}`))).toEqual([random])
  expect(chosen(interfaces(`e0 ${traceable}`))).toEqual([traceable])
  expect(chosen(interfaces(`e0 ${traceable}`, `e1 ${random}`))).toHaveLength(2)
  expect(chosen(interfaces(`e0 ${traceable}`, 'e0 2001:db8:1:3:a1b2:c3d4:e5f6:708'))).toHaveLength(2)
  expect(chosen(interfaces(`e0 ${traceable}`, 'e0 2001:db8:1:2::5'))).toHaveLength(2) // given by hand, as servers have it
})
