import { describe, expect, it } from 'vitest'
import { peerPolicy, type PeerPolicyOptions } from '../src/index.ts'

const permits = (address: string, options?: PeerPolicyOptions, port = 9): boolean =>
  peerPolicy(options)({ address, port, family: address.includes(':') ? 6 : 4 })

describe('peerPolicy', () => {
  it.each(['8.8.8.8', '1.0.0.1', '172.32.0.1', '172.15.255.255', '192.169.0.1', '100.128.0.1', '223.255.255.255'])(
    'lets %s pass',
    (address) => expect(permits(address)).toBe(true),
  )

  it.each(['2606:4700::1111', '2a00::1', '2400:cb00::1'])('lets %s pass', (address) =>
    expect(permits(address)).toBe(true),
  )

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::8.8.8.8',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '2001::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '100::1',
    '',
    'example.org',
    '1.2.3',
    '1.2.3.4.5',
  ])('keeps %j out', (address) => expect(permits(address)).toBe(false))

  it('hears what else is allowed and what never is', () => {
    const options = { allow: ['10.1.0.0/16', '127.0.0.1', 'fd00::/8'], deny: ['10.1.2.0/24', '8.8.8.8'] }
    expect(permits('10.1.3.4', options)).toBe(true)
    expect(permits('10.1.2.4', options)).toBe(false)
    expect(permits('10.2.3.4', options)).toBe(false)
    expect(permits('127.0.0.1', options)).toBe(true)
    expect(permits('127.0.0.2', options)).toBe(false)
    expect(permits('fd99::1', options)).toBe(true)
    expect(permits('8.8.8.8', options)).toBe(false)
    expect(permits('9.9.9.9', options)).toBe(true)
    expect(permits('9.9.9.9', options, 0)).toBe(false)
    expect(permits('10.0.0.1', { allow: ['0.0.0.0/0'] })).toBe(true)
    expect(permits('10.0.0.1', { allow: ['10.0.0.0/31'] })).toBe(true)
    expect(permits('10.0.0.2', { allow: ['10.0.0.0/31'] })).toBe(false)
  })

  it.each(['x', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/8/9', '::/129', '10.0.0/8', '10.0.0.0/-1'])(
    'refuses %j',
    (text) => {
      expect(() => peerPolicy({ allow: [text] })).toThrow(expect.objectContaining({ code: 'ERR_TURN_OPTION' }))
    },
  )
})
