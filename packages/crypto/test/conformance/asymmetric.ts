import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { element, sequence, unsignedInteger } from '../../src/der/writer.ts'
import { encodeSpki } from '../../src/keys/spki.ts'
import { pemToDer } from '../../src/pem.ts'
import type { CryptoProvider, NamedGroup, PublicKey, SignatureScheme } from '../../src/types.ts'
import { ascii, count, errorCode, hex, noise, toHex } from '../bytes.ts'
import { fixture } from '../fixtures.ts'
import { ECDH_VECTORS, ECDSA_SAMPLE, X25519_SMALL_ORDER } from '../vectors/ecdh.ts'

export const RSA_SCHEMES: readonly SignatureScheme[] = [
  'rsa_pkcs1_sha1',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
]
export const ECDSA_SCHEMES: readonly SignatureScheme[] = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_sha1',
]

const PUBLIC_LENGTH: Readonly<Record<NamedGroup, number>> = { x25519: 32, p256: 65, p384: 97 }
const ORDER_P256 = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'

/** Key agreement and signatures. */
export function describeAsymmetric(title: string, provider: CryptoProvider): void {
  describe(`${title}: key agreement`, () => {
    it.each(ECDH_VECTORS)('$source', (vector) => {
      const pair = provider.generateKeyPair(vector.group, hex(vector.secret))
      if (vector.publicKey !== undefined) expect(toHex(pair.publicKey)).toBe(toHex(hex(vector.publicKey)))
      expect(toHex(pair.deriveSecret(hex(vector.peer)))).toBe(vector.shared)
    })

    it.each(['x25519', 'p256', 'p384'] as const)('%s: both sides agree', (group) => {
      const a = provider.generateKeyPair(group)
      const b = provider.generateKeyPair(group)
      expect([a.group, a.publicKey.length]).toEqual([group, PUBLIC_LENGTH[group]])
      expect(toHex(a.publicKey)).not.toBe(toHex(b.publicKey))
      expect(a.deriveSecret(b.publicKey)).toBeDefined()
      expect(toHex(a.deriveSecret(b.publicKey))).toBe(toHex(b.deriveSecret(a.publicKey)))
    })

    it.each(['p256', 'p384'] as const)('%s: refuses what is no point of the curve', (group) => {
      const pair = provider.generateKeyPair(group)
      const peer = provider.generateKeyPair(group).publicKey
      const size = PUBLIC_LENGTH[group]
      const offCurve = peer.slice()
      offCurve[size - 1]! ^= 1
      const compressed = peer.slice(0, 1 + (size - 1) / 2)
      compressed[0] = 2 + (peer[size - 1]! & 1)
      const hybrid = peer.slice()
      hybrid[0] = 6 + (peer[size - 1]! & 1)
      const outside = new Uint8Array(size).fill(0xff)
      outside[0] = 4
      const zero = new Uint8Array(size)
      zero[0] = 4
      for (const bad of [offCurve, compressed, hybrid, outside, zero, Uint8Array.of(0), peer.subarray(1), count(0)]) {
        expect(pair.deriveSecret(bad)).toBeUndefined()
      }
    })

    it('x25519: refuses points of small order and other lengths', () => {
      const pair = provider.generateKeyPair('x25519')
      for (const point of X25519_SMALL_ORDER) expect(pair.deriveSecret(hex(point))).toBeUndefined()
      for (const length of [0, 31, 33, 65]) expect(pair.deriveSecret(count(length, 9))).toBeUndefined()
    })

    it('never throws on a hostile public key', () => {
      const pairs = (['x25519', 'p256', 'p384'] as const).map((group) => provider.generateKeyPair(group))
      fc.assert(
        fc.property(fc.constantFrom(...pairs), fc.uint8Array({ maxLength: 100 }), (pair, noisy) => {
          pair.deriveSecret(noisy)
          const point = new Uint8Array(PUBLIC_LENGTH[pair.group])
          point.set(noisy.subarray(0, point.length))
          point[0] = 4
          const secret = pair.deriveSecret(point)
          return pair.group === 'x25519' || secret === undefined
        }),
        { seed: 2, numRuns: 40 },
      )
    })

    it('names unusable secrets', () => {
      expect(errorCode(() => provider.generateKeyPair('p256', new Uint8Array(32)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.generateKeyPair('p256', hex(ORDER_P256)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.generateKeyPair('p384', count(32, 1)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.generateKeyPair('x25519', count(31)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.generateKeyPair('p521' as NamedGroup))).toBe('ERR_CRYPTO_UNSUPPORTED')
    })
  })

  describe(`${title}: signatures`, () => {
    it.each(ECDSA_SAMPLE)('verifies RFC 6979 on $curve', ({ curve, scheme, point, r, s }) => {
      const key = provider.importPublicKey(encodeSpki({ kind: 'ec', curve, point: hex(point) }))!
      const signature = sequence(unsignedInteger(hex(r)), unsignedInteger(hex(s)))
      expect(key.verify(scheme, ascii('sample'), signature)).toBe(true)
      expect(key.verify(scheme, ascii('Sample'), signature)).toBe(false)
    })

    it.each(['ecdsa-p256', 'ecdsa-p384'] as const)('%s: signs and verifies with every hash', (type) => {
      const key = provider.generateSigningKey(type)
      expect([key.algorithm, key.publicKey.algorithm]).toEqual([type, type])
      expect(key.publicKey.bits).toBe(type === 'ecdsa-p256' ? 256 : 384)
      const again = provider.importPrivateKey(key.toPkcs8())
      const imported = provider.importPublicKey(key.publicKey.spki)!
      expect(toHex(again.publicKey.spki)).toBe(toHex(key.publicKey.spki))
      for (const scheme of ECDSA_SCHEMES) {
        const signature = key.sign(scheme, ascii('hello'))
        expectGenuine(imported, scheme, signature)
        expectGenuine(key.publicKey, scheme, again.sign(scheme, ascii('hello')))
      }
      expect(errorCode(() => key.sign('rsa_pkcs1_sha256', count(3)))).toBe('ERR_CRYPTO_KEY')
      expect(imported.verify('rsa_pkcs1_sha256', count(3), count(64))).toBe(false)
    })

    it('rsa: signs and verifies with every scheme', () => {
      const key = provider.importPrivateKey(pemToDer(fixture('rsa2048.key.pem'), 'PRIVATE KEY')[0]!)
      expect([key.algorithm, key.publicKey.bits]).toEqual(['rsa', 2048])
      for (const scheme of RSA_SCHEMES) expectGenuine(key.publicKey, scheme, key.sign(scheme, ascii('hello')))
      expect(errorCode(() => key.sign('ecdsa_secp256r1_sha256', count(3)))).toBe('ERR_CRYPTO_KEY')
      expect(toHex(provider.importPrivateKey(key.toPkcs8()).toPkcs8())).toBe(toHex(key.toPkcs8()))
    })

    it('rsa: verifies what the OpenSSL command signed, and only that', () => {
      const key = provider.importPrivateKey(pemToDer(fixture('rsa2048.key.pem'), 'PRIVATE KEY')[0]!).publicKey
      const signature = pemToDer(fixture('rsa2048.pss-sha256.sig.pem'), 'SIGNATURE')[0]!
      expect(key.verify('rsa_pss_rsae_sha256', ascii('kaon'), signature)).toBe(true)
      expect(key.verify('rsa_pss_rsae_sha256', ascii('Kaon'), signature)).toBe(false)
      expect(key.verify('rsa_pss_rsae_sha384', ascii('kaon'), signature)).toBe(false)
      expect(key.verify('rsa_pkcs1_sha256', ascii('kaon'), signature)).toBe(false)
    })

    it('rsa: wants all bytes of a signature, leading zeros too', () => {
      const key = provider.importPrivateKey(pemToDer(fixture('rsa2048.key.pem'), 'PRIVATE KEY')[0]!).publicKey
      const signature = pemToDer(fixture('rsa2048.pss-sha256-zero.sig.pem'), 'SIGNATURE')[0]!
      expect([signature.length, signature[0]]).toEqual([256, 0])
      expect(key.verify('rsa_pss_rsae_sha256', ascii('kaon'), signature)).toBe(true)
      expect(key.verify('rsa_pss_rsae_sha256', ascii('kaon'), signature.subarray(1))).toBe(false)
      const longer = new Uint8Array(257)
      longer.set(signature, 1)
      expect(key.verify('rsa_pss_rsae_sha256', ascii('kaon'), longer)).toBe(false)
    })

    it('never throws on a hostile signature', () => {
      const keys = [
        provider.generateSigningKey('ecdsa-p256').publicKey,
        provider.generateSigningKey('ecdsa-p384').publicKey,
        provider.importPrivateKey(pemToDer(fixture('rsa2048.key.pem'), 'PRIVATE KEY')[0]!).publicKey,
      ]
      const schemes = fc.constantFrom(...RSA_SCHEMES, ...ECDSA_SCHEMES)
      fc.assert(
        fc.property(fc.constantFrom(...keys), schemes, fc.uint8Array({ maxLength: 300 }), (key, scheme, signature) => {
          return !key.verify(scheme, ascii('hello'), signature)
        }),
        { seed: 3, numRuns: 120 },
      )
      for (const scheme of RSA_SCHEMES) {
        for (const fill of [0, 1, 0xff]) {
          expect(keys[2]!.verify(scheme, ascii('hello'), new Uint8Array(256).fill(fill))).toBe(false)
        }
      }
    })

    it('takes a single spelling of an ECDSA signature: DER', () => {
      const { curve, scheme, point, r, s } = ECDSA_SAMPLE[0]
      const key = provider.importPublicKey(encodeSpki({ kind: 'ec', curve, point: hex(point) }))!
      const verify = (signature: Uint8Array): boolean => key.verify(scheme, ascii('sample'), signature)
      const [first, second] = [unsignedInteger(hex(r)), unsignedInteger(hex(s))]
      const good = sequence(first, second)
      expect(verify(good)).toBe(true)
      const bodyOf = (integer: Uint8Array): Uint8Array => integer.subarray(2)
      const padded = element(2, Uint8Array.of(0), bodyOf(first))
      const negative = element(2, hex(r)) // r of this sample has its top bit set
      const longLength = Uint8Array.of(0x30, 0x81, good.length - 2, ...good.subarray(2))
      const indefinite = Uint8Array.of(0x30, 0x80, ...good.subarray(2), 0, 0)
      const others = [
        sequence(padded, second),
        sequence(negative, second),
        longLength,
        indefinite,
        Uint8Array.of(...good, 0),
        sequence(first, second, unsignedInteger(count(1, 1))),
        sequence(first),
        element(0x31, first, second),
        Uint8Array.of(...hex(r), ...hex(s)), // the form of WebCrypto
      ]
      for (const other of others) expect(verify(other)).toBe(false)
    })

    it('refuses degenerate ECDSA signatures', () => {
      const key = provider.generateSigningKey('ecdsa-p256').publicKey
      const numbers = [count(1), hex(ORDER_P256), hex('01')]
      for (const r of numbers) {
        for (const s of numbers) {
          const signature = sequence(unsignedInteger(r), unsignedInteger(s))
          expect(key.verify('ecdsa_secp256r1_sha256', ascii('hello'), signature)).toBe(false)
        }
      }
    })

    it('refuses keys that are none', () => {
      expect(provider.importPublicKey(count(0))).toBeUndefined()
      expect(provider.importPublicKey(sequence())).toBeUndefined()
      const offCurve = hex(ECDSA_SAMPLE[0].point)
      offCurve[64]! ^= 1
      expect(provider.importPublicKey(encodeSpki({ kind: 'ec', curve: 'p256', point: offCurve }))).toBeUndefined()
      const rsa = (bytes: number, exponent: Uint8Array): Uint8Array => {
        const modulus = noise(bytes)
        modulus[0]! |= 0x80
        modulus[bytes - 1]! |= 1
        return encodeSpki({ kind: 'rsa', modulus, exponent })
      }
      expect(provider.importPublicKey(rsa(256, hex('010001')))).toBeDefined()
      for (const bad of [rsa(127, hex('010001')), rsa(1025, hex('010001')), rsa(256, hex('01')), rsa(256, hex('04'))]) {
        expect(provider.importPublicKey(bad)).toBeUndefined()
      }
      expect(errorCode(() => provider.importPrivateKey(count(40)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.importPrivateKey(element(0x30)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.generateSigningKey('dsa' as 'rsa-2048'))).toBe('ERR_CRYPTO_UNSUPPORTED')
    })
  })
}

function expectGenuine(key: PublicKey, scheme: SignatureScheme, signature: Uint8Array): void {
  expect(key.verify(scheme, ascii('hello'), signature)).toBe(true)
  expect(key.verify(scheme, ascii('hellp'), signature)).toBe(false)
  const changed = signature.slice()
  changed[changed.length - 1]! ^= 1
  expect(key.verify(scheme, ascii('hello'), changed)).toBe(false)
  expect(key.verify(scheme, ascii('hello'), signature.subarray(1))).toBe(false)
}
