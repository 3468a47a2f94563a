import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IceError } from '../../src/index.ts'
import { parseServerUrl } from '../../src/driver/index.ts'

test('RFC 7064 and RFC 7065', () => {
  expect(parseServerUrl('stun:example.org')).toEqual({
    scheme: 'stun',
    host: 'example.org',
    port: 3478,
    transport: 'udp',
  })
  expect(parseServerUrl('stun:192.0.2.1:19302')).toMatchObject({ host: '192.0.2.1', port: 19302 })
  expect(parseServerUrl('STUN:[2001:db8::1]:53')).toMatchObject({ scheme: 'stun', host: '2001:db8::1', port: 53 })
  expect(parseServerUrl('stuns:example.org')).toMatchObject({ port: 5349, transport: 'tcp' })
  expect(parseServerUrl('turn:example.org?transport=tcp')).toMatchObject({
    scheme: 'turn',
    port: 3478,
    transport: 'tcp',
  })
  expect(parseServerUrl('turns:example.org:443')).toMatchObject({ scheme: 'turns', port: 443, transport: 'tcp' })
  expect(parseServerUrl('stun:example.org?transport=udp')).toMatchObject({ transport: 'udp' })
})

test('anything else is refused', () => {
  const bad = [
    '',
    'stun:',
    'stun://example.org',
    'http://example.org',
    'stun:a:0',
    'stun:a:65536',
    'stun:a:b',
    'stun:2001:db8::1',
    'turn:a?x=y',
    'turn:a?transport=sctp',
    'stun:user@host',
  ]
  for (const url of bad) expect(() => parseServerUrl(url), url).toThrow(IceError)
  fc.assert(
    fc.property(fc.string(), (url) => {
      try {
        parseServerUrl(url)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_ICE_SERVER_URL' })
      }
    }),
    { seed: 7064 },
  )
})
