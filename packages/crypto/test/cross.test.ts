import { defaultProvider as node, nobleProvider as noble, pemToDer, type HashName } from '@kaon/crypto'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ascii, noise, toHex } from './bytes.ts'
import { AEAD_NAMES, keyLengthOf } from './conformance/aead.ts'
import { ECDSA_SCHEMES, RSA_SCHEMES } from './conformance/asymmetric.ts'
import { fixture } from './fixtures.ts'

vi.setConfig({ testTimeout: 30_000 }) // RSA keys take as long as it takes to meet two primes

const bytes = fc.uint8Array({ maxLength: 300 })
const HASHES: readonly HashName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512']

describe('both backends agree', () => {
  it.each(HASHES)('on %s and its HMAC', (name) => {
    fc.assert(
      fc.property(bytes, bytes, (key, data) => {
        expect(toHex(noble.hash(name, data))).toBe(toHex(node.hash(name, data)))
        expect(toHex(noble.hmac(name, key, data))).toBe(toHex(node.hmac(name, key, data)))
      }),
      { seed: 11, numRuns: 50 },
    )
  })

  it.each(AEAD_NAMES)('on %s', (name) => {
    fc.assert(
      fc.property(bytes, bytes, fc.integer({ min: 1, max: 1e6 }), (aad, plaintext, seed) => {
        const key = noise(keyLengthOf(name), seed)
        const nonce = noise(12, seed + 1)
        const a = node.createAead(name, key)
        const b = noble.createAead(name, key)
        const sealed = [a, b].map((aead) => {
          const out = new Uint8Array(plaintext.length + aead.tagLength)
          aead.seal(nonce, aad, plaintext, out, 0)
          return out
        })
        expect(toHex(sealed[0])).toBe(toHex(sealed[1]))
        expect(toHex(a.open(nonce, aad, sealed[1]!))).toBe(toHex(plaintext))
        expect(toHex(b.open(nonce, aad, sealed[0]!))).toBe(toHex(plaintext))
      }),
      { seed: 12, numRuns: 50 },
    )
  })

  it.each(AEAD_NAMES.filter((name) => name.includes('ccm')))('on %s with other nonces and long AAD', (name) => {
    const key = noise(keyLengthOf(name))
    for (const nonceLength of [7, 8, 9, 10, 11, 12, 13]) {
      for (const aadLength of [0, 1, 14, 15, 0xfeff, 0xff00, 0x10001]) {
        const [nonce, aad] = [noise(nonceLength, 3), noise(aadLength, 4)]
        const sealed = node.createAead(name, key)
        const out = new Uint8Array(50 + sealed.tagLength)
        sealed.seal(nonce, aad, noise(50), out, 0)
        expect(toHex(noble.createAead(name, key).open(nonce, aad, out))).toBe(toHex(noise(50)))
      }
    }
  })

  it('on messages too long for CCM with a long nonce', () => {
    for (const provider of [node, noble]) {
      const aead = provider.createAead('aes-128-ccm', noise(16))
      const [nonce, long] = [noise(13), new Uint8Array(65_536)]
      expect(() => aead.seal(nonce, noise(1), long, new Uint8Array(65_552), 0)).toThrow('too long')
      expect(aead.open(nonce, noise(1), new Uint8Array(65_552))).toBeUndefined()
      expect(aead.seal(nonce, noise(1), long.subarray(1), new Uint8Array(65_551), 0)).toBe(65_551)
    }
  })

  it('on AES-CTR and AES-CBC', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(16, 32), (data, seed, keyLength) => {
        const key = noise(keyLength, seed)
        const iv = noise(16, seed + 1)
        expect(toHex(noble.createAesCtr(key).process(iv, data))).toBe(toHex(node.createAesCtr(key).process(iv, data)))
        const blocks = data.subarray(0, data.length & ~15)
        const [a, b] = [node.createAesCbc(key), noble.createAesCbc(key)]
        expect(toHex(b.encrypt(iv, blocks))).toBe(toHex(a.encrypt(iv, blocks)))
        expect(toHex(b.decrypt(iv, blocks))).toBe(toHex(a.decrypt(iv, blocks)))
      }),
      { seed: 13, numRuns: 50 },
    )
  })

  it.each(['x25519', 'p256', 'p384'] as const)('on %s', (group) => {
    const a = node.generateKeyPair(group)
    const b = noble.generateKeyPair(group)
    expect(a.deriveSecret(b.publicKey)).toBeDefined()
    expect(toHex(a.deriveSecret(b.publicKey))).toBe(toHex(b.deriveSecret(a.publicKey)))
  })

  it('on the signatures of each other, with keys carried over', () => {
    const rsa = pemToDer(fixture('rsa2048.key.pem'), 'PRIVATE KEY')[0]!
    const p256 = pemToDer(fixture('p256.key.pem'), 'PRIVATE KEY')[0]!
    const p384 = pemToDer(fixture('p384.key.pem'), 'PRIVATE KEY')[0]!
    for (const [signer, verifier] of [[node, noble] as const, [noble, node] as const]) {
      for (const pkcs8 of [rsa, p256, p384]) {
        const key = signer.importPrivateKey(verifier.importPrivateKey(pkcs8).toPkcs8())
        const publicKey = verifier.importPublicKey(key.publicKey.spki)!
        for (const scheme of key.algorithm === 'rsa' ? RSA_SCHEMES : ECDSA_SCHEMES) {
          expect(publicKey.verify(scheme, ascii('crossed'), key.sign(scheme, ascii('crossed')))).toBe(true)
        }
      }
    }
  })

  it('on an RSA key that noble made', () => {
    const key = noble.generateSigningKey('rsa-2048')
    expect(key.publicKey.bits).toBe(2048)
    const carried = node.importPrivateKey(key.toPkcs8())
    expect(
      key.publicKey.verify('rsa_pss_rsae_sha256', ascii('x'), carried.sign('rsa_pss_rsae_sha256', ascii('x'))),
    ).toBe(true)
  })

  it('on an RSA key that node made', () => {
    const key = node.generateSigningKey('rsa-2048')
    expect(key.publicKey.bits).toBe(2048)
    expect(toHex(noble.importPrivateKey(key.toPkcs8()).toPkcs8())).toBe(toHex(key.toPkcs8()))
  })

  it('on PSS with a modulus of 8k+1 bits, whose encoding is a byte shorter', async () => {
    const { generateKeyPairSync } = await import('node:crypto')
    for (const modulusLength of [1025, 1026, 1031, 1032]) {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength })
      const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
      const [a, b] = [node.importPrivateKey(pkcs8), noble.importPrivateKey(pkcs8)]
      for (const scheme of ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pkcs1_sha256'] as const) {
        expect(a.publicKey.verify(scheme, ascii('odd'), b.sign(scheme, ascii('odd')))).toBe(true)
        expect(b.publicKey.verify(scheme, ascii('odd'), a.sign(scheme, ascii('odd')))).toBe(true)
      }
    }
  })
})

describe('secrets', () => {
  it('do not show in errors, JSON or inspection', async () => {
    const { inspect } = await import('node:util')
    for (const provider of [node, noble]) {
      const key = provider.importPrivateKey(pemToDer(fixture('p256.key.pem'), 'PRIVATE KEY')[0]!)
      const secret = toHex(key.toPkcs8())!.slice(72, 136)
      const seen = JSON.stringify(key) + inspect(key, { depth: 5, showHidden: true })
      const numbers = secret.match(/../g)!.map((pair) => parseInt(pair, 16))
      expect(seen.includes(secret)).toBe(false)
      expect(seen.replace(/\s+/g, '').includes(numbers.slice(0, 8).join(','))).toBe(false)
      const aead = provider.createAead('aes-128-gcm', Uint8Array.from([201, 202, 203, 204, ...noise(12)]))
      expect((JSON.stringify(aead) + inspect(aead, { depth: 5 })).replace(/\s+/g, '')).not.toContain('201,202,203,204')
    }
  })
})
