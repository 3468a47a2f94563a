import fc from 'fast-check'
import { isIPv4, isIPv6 } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  formatAddress,
  formatTransportAddress,
  parseAddress,
  parseTransportAddress,
  transportAddress,
} from '../src/index.ts'
import { transportAddress as anyEndpoint } from './arbitraries.ts'

describe('IPv6 text (RFC 5952)', () => {
  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // §4.2.3: the first run wins a tie
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // §4.2.2: one group is not shortened
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:1:2:3:4:5:6:7', '0:1:2:3:4:5:6:7'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'], // §5
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['::ffff:1', '::ffff:1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s', (text, canonical) => {
    expect(formatAddress(parseAddress(text)!)).toBe(canonical)
  })

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    'g::',
    '1:',
    ':1',
    '::1.2.3',
    '::1.2.3.256',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4:5',
    '1.2.3.4::',
    'fe80::1%',
    ' ::1',
    '::1 ',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '1..3.4',
    '0x1.2.3.4',
    '1.2.3.-4',
    '[::1]',
  ])('%s is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  it('agrees with the platform about what is an address', () => {
    const part = fc.constantFrom(':', '::', '.', '0', '1', 'ff', 'a1b2', '255', '256', '%e')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 15 }), (parts) => {
        const text = parts.join('')
        expect(parseAddress(text)?.length).toBe(isIPv4(text) ? 4 : isIPv6(text) ? 16 : undefined)
      }),
      { numRuns: 5000 },
    )
  })

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        const bytes = parseAddress(text)
        if (bytes !== undefined) expect(parseAddress(formatAddress(bytes))).toEqual(bytes)
        parseTransportAddress(text)
      }),
    )
  })
})

describe('transport addresses', () => {
  it('go to text and back', () => {
    fc.assert(
      fc.property(anyEndpoint, (endpoint) => {
        expect(parseTransportAddress(formatTransportAddress(endpoint))).toEqual(endpoint)
      }),
    )
  })

  it('keep the zone and get the canonical form', () => {
    expect(transportAddress('FE80::0001%eth0', 1)).toEqual({ address: 'fe80::1%eth0', port: 1, family: 6 })
    expect(parseTransportAddress('[2001:DB8::1]:80')).toEqual({ address: '2001:db8::1', port: 80, family: 6 })
  })

  it.each(['1.2.3.4', '1.2.3.4:', '1.2.3.4:65536', '::1:80', '[1.2.3.4]:80', 'host:80', '[::1]80', '[::1]:-1'])(
    'does not read %s',
    (text) => expect(parseTransportAddress(text)).toBeUndefined(),
  )

  it('refuses what is no address or port', () => {
    const refused = expect.objectContaining({ code: 'ERR_STUN_ADDRESS' })
    expect(() => transportAddress('example.org', 1)).toThrow(refused)
    expect(() => transportAddress('1.2.3.4', 65536)).toThrow(refused)
    expect(() => formatAddress(new Uint8Array(5))).toThrow(refused)
  })
})
