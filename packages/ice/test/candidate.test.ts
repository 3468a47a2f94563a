import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Candidate, formatCandidate, parseCandidate } from '../src/index.ts'

// As browsers print them; addresses changed to those of RFC 5737 and RFC 3849.
const REAL = [
  'candidate:3885250869 1 udp 2122260223 192.0.2.17 51234 typ host generation 0 ufrag fY3K network-id 1 network-cost 10',
  'candidate:842163049 1 udp 1677729535 203.0.113.5 51234 typ srflx raddr 192.0.2.17 rport 51234 generation 0 ufrag fY3K network-id 1',
  'candidate:1 1 udp 2122260223 c4bc4a5e-1f9c-4b2b-8d0f-2f8a8f0c7f11.local 61000 typ host generation 0 ufrag Qx9z network-cost 999',
  'candidate:0 1 UDP 2122252543 2001:db8::17 40000 typ host',
  'candidate:2 1 TCP 2105524479 192.0.2.17 9 typ host tcptype active',
  'candidate:4 2 udp 41885439 198.51.100.9 3479 typ relay raddr 203.0.113.5 rport 51234',
]

describe('parseCandidate', () => {
  test('reads what browsers write', () => {
    const [host, reflexive, name, six, tcp, relay] = REAL.map((line) => parseCandidate(line))
    expect(host).toEqual({
      foundation: '3885250869',
      component: 1,
      protocol: 'udp',
      priority: 2122260223,
      address: '192.0.2.17',
      port: 51234,
      type: 'host',
      usernameFragment: 'fY3K',
      extensions: [
        ['generation', '0'],
        ['network-id', '1'],
        ['network-cost', '10'],
      ],
    })
    expect(reflexive).toMatchObject({ type: 'srflx', relatedAddress: '192.0.2.17', relatedPort: 51234 })
    expect(name?.address).toBe('c4bc4a5e-1f9c-4b2b-8d0f-2f8a8f0c7f11.local')
    expect(six).toMatchObject({ address: '2001:db8::17', protocol: 'udp' })
    expect(tcp).toMatchObject({ protocol: 'tcp', tcpType: 'active', port: 9 })
    expect(relay).toMatchObject({ type: 'relay', component: 2 })
  })

  test('with a=, bare, and with line ends', () => {
    const expected = parseCandidate(REAL[0]!)
    expect(parseCandidate(`a=${REAL[0]}\r\n`)).toEqual(expected)
    expect(parseCandidate(REAL[0]!.slice('candidate:'.length))).toEqual(expected)
  })

  test('what RFC 8839 §5.1 does not allow', () => {
    const base = REAL[3]!
    const bad = [
      '',
      'candidate:',
      base.replace('candidate:0', 'candidate:'),
      base.replace('candidate:0', `candidate:${'1'.repeat(33)}`),
      base.replace('candidate:0', 'candidate:a-b'),
      base.replace(' 1 ', ' 0 '),
      base.replace(' 1 ', ' 257 '),
      base.replace(' 1 ', ' x '),
      base.replace('UDP', 'SCTP'),
      base.replace('2122252543', '4294967296'),
      base.replace('2122252543', '-1'),
      base.replace('2122252543', '1e9'),
      base.replace('40000', '65536'),
      base.replace('40000', ''),
      base.replace('typ host', 'typ carrier'),
      base.replace('typ host', 'type host'),
      base.replace('typ host', 'typ'),
      base.replace('2001:db8::17', 'exa mple'),
      base.replace('2001:db8::17', '<script>'),
      `${base} raddr`,
      `${base} rport 99999`,
      `${base} tcptype sideways`,
      `${base} ufrag x `.padEnd(3000, 'y '),
      // Printed again, each of these would be a line of its own in somebody's description.
      `${base} ufrag x\r\na=ice-lite`,
      `${base} generation 0\na=ice-lite`,
      `${base} generation 0\0`,
    ]
    for (const line of bad) expect(parseCandidate(line), line).toBeUndefined()
  })

  test('never throws, and what it reads prints and reads the same', () => {
    const words = fc.constantFrom(
      'candidate:1',
      '1',
      'udp',
      'UDP',
      'tcp',
      '99',
      '192.0.2.1',
      '::1',
      'typ',
      'host',
      'raddr',
      'rport',
      'ufrag',
      'a',
      ' ',
      '\0',
      '65536',
      'relay',
    )
    const lines = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 20 }).map((list) => list.join(' ')),
      fc
        .tuple(fc.constantFrom(...REAL), fc.nat(120), fc.string({ maxLength: 3 }))
        .map(([line, at, text]) => line.slice(0, at) + text + line.slice(at + 1)),
    )
    fc.assert(
      fc.property(lines, (line) => {
        const candidate = parseCandidate(line)
        if (candidate !== undefined) expect(parseCandidate(formatCandidate(candidate))).toEqual(candidate)
      }),
      { seed: 8839, numRuns: 2000 },
    )
  })
})

test('formatCandidate and parseCandidate are inverse', () => {
  const iceChars = fc.stringMatching(/^[A-Za-z0-9+/]{1,32}$/)
  const candidates = fc.record(
    {
      foundation: iceChars,
      component: fc.integer({ min: 1, max: 256 }),
      protocol: fc.constantFrom('udp' as const, 'tcp' as const),
      priority: fc.integer({ min: 0, max: 0xffffffff }),
      address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('name.local')),
      port: fc.integer({ min: 0, max: 65535 }),
      type: fc.constantFrom('host' as const, 'srflx' as const, 'prflx' as const, 'relay' as const),
      relatedAddress: fc.ipV4(),
      relatedPort: fc.integer({ min: 0, max: 65535 }),
      tcpType: fc.constantFrom('active' as const, 'passive' as const, 'so' as const),
      usernameFragment: iceChars,
      extensions: fc.array(fc.tuple(fc.constantFrom('generation', 'network-id'), iceChars), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { requiredKeys: ['foundation', 'component', 'protocol', 'priority', 'address', 'port', 'type'] },
  )
  fc.assert(
    fc.property(candidates, (candidate) => {
      expect(parseCandidate(formatCandidate(candidate as Candidate))).toEqual(candidate)
    }),
    { seed: 1 },
  )
})
