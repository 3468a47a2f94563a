import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatStunUri, parseStunUri, StunError } from '../src/index.ts'
import { opaqueString, saslPrep } from '../src/precis.ts'
import { parseHostPort } from '../src/uri.ts'
import './arbitraries.ts'

describe('parseStunUri (RFC 7064)', () => {
  it.each([
    ['stun:example.org', { scheme: 'stun', host: 'example.org', port: 3478 }],
    ['stuns:example.org', { scheme: 'stuns', host: 'example.org', port: 5349 }],
    ['stun:example.org:8000', { scheme: 'stun', host: 'example.org', port: 8000 }],
    ['STUN:Example.org', { scheme: 'stun', host: 'Example.org', port: 3478 }],
    ['stun:192.0.2.1:3479', { scheme: 'stun', host: '192.0.2.1', port: 3479 }],
    ['stun:[2001:db8::1]', { scheme: 'stun', host: '2001:db8::1', port: 3478 }],
    ['stuns:[2001:db8::1]:443', { scheme: 'stuns', host: '2001:db8::1', port: 443 }],
    ['stun:[fe80::1%25eth0]:443', { scheme: 'stun', host: 'fe80::1%eth0', port: 443 }],
    ['stun:example.org:', { scheme: 'stun', host: 'example.org', port: 3478 }],
  ])('reads %s', (text, uri) => {
    expect(parseStunUri(text)).toEqual(uri)
    expect(parseStunUri(formatStunUri(parseStunUri(text)!))).toEqual(uri)
  })

  it.each([
    'stun:',
    'stun',
    'turn:example.org',
    'stun://example.org',
    'stun:example.org?transport=udp',
    'stun:example.org:0',
    'stun:example.org:65536',
    'stun:2001:db8::1',
    'stun:[192.0.2.1]',
    'stun:[::1',
    'stun:user@example.org',
    'stun:example.org/path',
    'stun: example.org',
    'stun:a b',
  ])('refuses %s', (text) => expect(parseStunUri(text)).toBeUndefined())

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseStunUri('stun:' + text)
        parseHostPort(text)
      }),
    )
  })
})

describe('opaqueString (RFC 8265 §4.2)', () => {
  it.each([
    ['correct horse', 'correct horse'],
    ['Case STAYS', 'Case STAYS'],
    ['p\u00e4ss', 'p\u00e4ss'],
    ['pa\u0308ss', 'p\u00e4ss'], // NFC
    ['a\u00a0b\u3000c', 'a b c'],
    ['\u2168', '\u2168'], // no compatibility mapping
    ['\u{1f511}', '\u{1f511}'],
    ['\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'],
  ])('prepares %j', (text, prepared) => expect(opaqueString(text)).toBe(prepared))

  it.each([
    '',
    'a\nb',
    'a\u0000',
    '\u00ad',
    '\u200b',
    '\ufeff',
    '\ue000',
    '\uffff',
    '\ud800',
    '\u2028',
    '\u1100',
    '\u{e0001}',
  ])('refuses %j', (text) => expect(() => opaqueString(text)).toThrow(StunError))

  it('changes nothing that it has prepared', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        const prepared = opaqueString(text)
        expect(opaqueString(prepared)).toBe(prepared)
      }),
    )
  })
})

describe('saslPrep (RFC 4013 §3)', () => {
  it.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['The\u00adM\u00aatr\u2168', 'TheMatrIX'],
    ['a\u00a0b', 'a b'],
    ['', ''],
  ])('prepares %j', (text, prepared) => expect(saslPrep(text)).toBe(prepared))

  it.each(['\u0007', '\ue000', '\ufffd', '\u200e', '\u2028', '\u{e0020}'])('refuses %j', (text) =>
    expect(() => saslPrep(text)).toThrow(StunError),
  )
})
