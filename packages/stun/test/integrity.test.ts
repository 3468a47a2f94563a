import fc from 'fast-check'
import { nobleProvider } from '@kaon/crypto'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  checkFingerprint,
  checkIntegrity,
  decodeMessage,
  longTermKey,
  MessageBuilder,
  shortTermKey,
  userhash,
} from '../src/index.ts'
import { crc32 } from '../src/crc32.ts'
import { longTermKeyBytes } from '../src/keys.ts'
import { build, key, sample } from './arbitraries.ts'
import { hex, matrixUsername } from './vectors.ts'

const signed = sample.map((from) => ({ ...from, integrity: true, fingerprint: true }))

describe('checkIntegrity', () => {
  it('fails for a message in which any covered bit was changed', () => {
    fc.assert(
      fc.property(
        signed,
        fc.constantFrom('sha1' as const, 'sha256' as const),
        fc.nat(),
        fc.nat(7),
        (from, algorithm, at, bit) => {
          const bytes = build({ ...from, sha256: 32 })
          const end = bytes.length - 8 - (algorithm === 'sha1' ? 36 : 0)
          bytes[at % end]! ^= 1 << bit
          const message = decodeMessage(bytes)
          if (message !== undefined)
            expect(checkIntegrity(message, key, algorithm)).toBe(at % end === 2 || at % end === 3)
        },
      ),
    )
  })

  it('fails under another key, and without an integrity attribute', () => {
    const bare = new MessageBuilder().start('success', 1, new Uint8Array(12)).finish()
    expect(checkIntegrity(decodeMessage(bare)!, key)).toBe(false)
    fc.assert(
      fc.property(signed, (from) => {
        expect(checkIntegrity(decodeMessage(build(from))!, shortTermKey('another'), undefined, 16)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  it('prefers SHA-256 and takes it truncated only when told to', () => {
    const message = decodeMessage(
      new MessageBuilder().start('request', 1, new Uint8Array(12)).integrity(key).integritySha256(key, 16).finish(),
    )!
    expect(checkIntegrity(message, key)).toBe(false)
    expect(checkIntegrity(message, key, undefined, 16)).toBe(true)
    expect(checkIntegrity(message, key, undefined, 20)).toBe(false)
    expect(checkIntegrity(message, key, 'sha1')).toBe(true)
  })

  it('is the same with either crypto backend', () => {
    const noble = shortTermKey('a password of the tests', { crypto: nobleProvider })
    fc.assert(
      fc.property(signed, (from) => {
        const message = decodeMessage(build({ ...from, sha256: 32 }))!
        expect(checkIntegrity(message, noble, 'sha1')).toBe(true)
        expect(checkIntegrity(message, noble, 'sha256')).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})

describe('checkFingerprint', () => {
  it('fails when any bit of the message was changed', () => {
    fc.assert(
      fc.property(signed, fc.nat(), fc.nat(7), (from, at, bit) => {
        const bytes = build(from)
        bytes[at % bytes.length]! ^= 1 << bit
        const message = decodeMessage(bytes)
        if (message !== undefined) expect(checkFingerprint(message)).toBe(false)
      }),
    )
  })

  it('uses the CRC-32 of ITU V.42', () => {
    const text = new TextEncoder().encode('123456789')
    expect(crc32(text)).toBe(0xcbf43926)
    expect(crc32(text, 3, 3)).toBe(0)
    expect(crc32(new TextEncoder().encode('--123456789--'), 2, 11)).toBe(0xcbf43926)
  })
})

describe('keys', () => {
  it('hashes the long-term key as in RFC 8489 §9.2.2', () => {
    const credential = { username: 'user', realm: 'realm', password: 'pass' }
    const expected = hex('8493fbc53ba582fb4c044c456bdc40eb')
    expect(longTermKeyBytes(credential, nobleProvider)).toEqual(expected)
    const decorated = { username: '"user"', realm: '"realm"\0', password: 'pass\0\0' }
    expect(longTermKeyBytes(decorated, nobleProvider)).toEqual(expected)
    expect(longTermKeyBytes({ ...credential, algorithm: 2 }, nobleProvider)).toEqual(
      nobleProvider.hash('sha256', new TextEncoder().encode('user:realm:pass')),
    )
  })

  it('refuses unknown algorithms and forbidden characters', () => {
    const credential = { username: 'user', realm: 'realm', password: 'pass' }
    expect(() => longTermKey({ ...credential, algorithm: 3 })).toThrow(
      expect.objectContaining({ code: 'ERR_STUN_OPTION' }),
    )
    const bad = { ...credential, password: 'a\u0007b' }
    expect(() => longTermKey(bad)).toThrow(expect.objectContaining({ code: 'ERR_STUN_CREDENTIALS' }))
    expect(() => longTermKey(bad, { preparation: 'none' })).not.toThrow()
  })

  it('hashes USERHASH as in RFC 8489 appendix B.1', () => {
    const expected = hex('4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704')
    expect(userhash(matrixUsername, 'example.org')).toEqual(expected)
  })

  it('can carry an empty password', () => {
    const bytes = new MessageBuilder()
      .start('request', 1, new Uint8Array(12))
      .add(attribute.username, 'u')
      .integrity(longTermKey({ username: 'u', realm: '', password: '' }))
      .finish()
    expect(checkIntegrity(decodeMessage(bytes)!, longTermKey({ username: 'u', realm: '', password: '' }))).toBe(true)
  })
})
