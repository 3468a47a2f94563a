import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyIp, formatIp, normalizeAddress, parseIp } from '@kaon/net'

const SEED = { seed: 20_260_101 }
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
// Zero groups are what the compression is about, so make them frequent.
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])))

describe('formatIp', () => {
  // RFC 5952 §4 and §5, and the errata's corner: two runs of one length.
  it.each([
    ['2001:0db8:0000:0000:0000:0000:0002:0001', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:0:1:2:3:4:5:6', '::1:2:3:4:5:6'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['0:1:2:3:4:5:6:7', '0:1:2:3:4:5:6:7'],
    ['::ffff:c000:0201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
  ])('writes %s as %s', (text, expected) => {
    expect(formatIp(parseIp(text)!)).toBe(expected)
  })

  it('is undone by parseIp, for all addresses', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (bytes) => {
        const family = bytes.length === 4 ? 4 : 6
        const text = formatIp({ family, bytes })
        expect(parseIp(text)).toEqual({ family, bytes: Uint8Array.from(bytes) })
        expect(family === 4 ? isIPv4(text) : isIPv6(text)).toBe(true)
      }),
      SEED,
    )
  })

  it('writes IPv6 as the URL standard does, which follows RFC 5952', () => {
    fc.assert(
      fc.property(ipv6, (bytes) => {
        const text = formatIp({ family: 6, bytes })
        fc.pre(!text.includes('.'))
        expect(`[${text}]`).toBe(new URL(`http://[${text}]`).hostname)
      }),
      SEED,
    )
  })
})

describe('parseIp', () => {
  it('accepts what Node accepts, and nothing else', () => {
    const piece = fc.constantFrom(
      ':',
      '::',
      '.',
      '0',
      '1',
      'f',
      'FF',
      '255',
      '256',
      '1.2.3.4',
      'abcd',
      '12345',
      'g',
      '%',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        fc.pre(!text.includes('%'))
        expect(parseIp(text)?.family).toBe(isIPv4(text) ? 4 : isIPv6(text) ? 6 : undefined)
      }),
      { ...SEED, numRuns: 2000 },
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        normalizeAddress(text)
      }),
      SEED,
    )
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '0x7f.1',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '1:',
    ':1',
    '::1.2.3',
    '1.2.3.4::',
    '[::1]',
    'fe80::1%',
    'fe80::1%a%b',
    'fe80::1%a b',
    `fe80::1%${'x'.repeat(65)}`,
    '12345::',
  ])('refuses %j', (text) => {
    expect(parseIp(text)).toBeUndefined()
    expect(normalizeAddress(text)).toBeUndefined()
  })
})

describe('normalizeAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8::1%eth0', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['FE80:0::1', 'fe80::1'],
  ])('makes %s %s', (text, expected) => {
    expect(normalizeAddress(text)).toBe(expected)
  })

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (bytes) => {
        const once = normalizeAddress(formatIp({ family: bytes.length === 4 ? 4 : 6, bytes }))!
        expect(normalizeAddress(once)).toBe(once)
      }),
      SEED,
    )
  })
})

describe('classifyIp', () => {
  it.each([
    ['0.0.0.0', 'unspecified'],
    ['127.255.0.1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.15.255.255', 'global'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'global'],
    ['192.168.1.1', 'private'],
    ['192.169.1.1', 'global'],
    ['169.254.1.1', 'link-local'],
    ['100.64.0.1', 'shared'],
    ['100.127.255.255', 'shared'],
    ['100.128.0.0', 'global'],
    ['224.0.0.251', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['8.8.8.8', 'global'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', 'global'],
    ['fe80::1%1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'global'],
    ['fc00::1', 'unique-local'],
    ['fdff::1', 'unique-local'],
    ['ff02::fb', 'multicast'],
    ['::ffff:10.0.0.1', 'ipv4-mapped'],
    ['2001:db8::1', 'global'],
  ])('calls %s %s', (text, expected) => {
    expect(classifyIp(parseIp(text)!)).toBe(expected)
  })
})
