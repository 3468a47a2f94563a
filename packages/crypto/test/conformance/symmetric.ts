import { describe, expect, it } from 'vitest'
import { hkdfExpand, hkdfExtract } from '../../src/hkdf.ts'
import { tls12Prf } from '../../src/tls12-prf.ts'
import type { CryptoProvider, HashName } from '../../src/types.ts'
import { ascii, count, errorCode, hex, noise, toHex } from '../bytes.ts'
import { CBC, CTR, PLAINTEXT } from '../vectors/block.ts'
import { HKDF_VECTORS, TLS12_PRF_VECTORS } from '../vectors/kdf.ts'
import { HASH_ABC, HMAC_VECTORS } from '../vectors/mac.ts'

/** Hashes, HMAC, key derivation, AES-CTR and AES-CBC. */
export function describeSymmetric(title: string, provider: CryptoProvider): void {
  describe(`${title}: hash`, () => {
    it.each(Object.entries(HASH_ABC) as [HashName, string][])('%s', (name, expected) => {
      expect(toHex(provider.hash(name, ascii('abc')))).toBe(toHex(hex(expected)))
      const hash = provider.createHash(name)
      const empty = hash.digest()
      expect(toHex(empty)).toBe(toHex(provider.hash(name, ascii(''))))
      hash.update(ascii('a'))
      expect(toHex(hash.digest())).toBe(toHex(provider.hash(name, ascii('a'))))
      hash.update(ascii('bc'))
      expect(toHex(hash.digest())).toBe(toHex(hex(expected)))
      expect(toHex(hash.digest())).toBe(toHex(hex(expected)))
    })
  })

  describe(`${title}: HMAC`, () => {
    it.each(HMAC_VECTORS)('$source', (vector) => {
      for (const [name, expected] of Object.entries(vector.tags) as [HashName, string][]) {
        const hmac = provider.createHmac(name, hex(vector.key))
        expect(toHex(hmac.sign(hex(vector.data)))).toBe(toHex(hex(expected)))
        expect(toHex(provider.hmac(name, hex(vector.key), hex(vector.data)))).toBe(toHex(hex(expected)))
        expect(hmac.length).toBe(hex(expected).length)
      }
    })

    it('is used again and again, and takes a suffix', () => {
      const key = noise(20)
      const hmac = provider.createHmac('sha1', key)
      for (let length = 0; length < 200; length += 7) {
        const data = noise(length, length + 1)
        const whole = provider.hmac('sha1', key, data)
        expect(toHex(hmac.sign(data))).toBe(toHex(whole))
        const at = Math.floor(length / 3)
        expect(toHex(hmac.sign(data.subarray(0, at), data.subarray(at)))).toBe(toHex(whole))
      }
    })

    it('takes an empty key', () => {
      expect(toHex(provider.hmac('sha256', new Uint8Array(0), new Uint8Array(0)))).toBe(
        'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad',
      )
    })
  })

  describe(`${title}: key derivation`, () => {
    it.each(HKDF_VECTORS)('HKDF, $source', (vector) => {
      const prk = hkdfExtract(provider, vector.hash, hex(vector.salt), hex(vector.ikm))
      expect(toHex(prk)).toBe(vector.prk)
      const okm = hex(vector.okm)
      expect(toHex(hkdfExpand(provider, vector.hash, prk, hex(vector.info), okm.length))).toBe(toHex(okm))
    })

    it('HKDF makes nothing, and at most 255 blocks', () => {
      expect(hkdfExpand(provider, 'sha256', count(32), count(1), 0)).toEqual(new Uint8Array(0))
      expect(hkdfExpand(provider, 'sha256', count(32), count(1), 255 * 32).length).toBe(255 * 32)
      expect(errorCode(() => hkdfExpand(provider, 'sha256', count(32), count(1), 255 * 32 + 1))).toBe(
        'ERR_CRYPTO_ARGUMENT',
      )
    })

    it.each(TLS12_PRF_VECTORS)('TLS 1.2 PRF, $hash', ({ hash, secret, seed, output }) => {
      const expected = hex(output)
      for (const length of [expected.length, 0, 1, 12, 48]) {
        const made = tls12Prf(provider, hash, hex(secret), 'test label', hex(seed), length)
        expect(toHex(made)).toBe(toHex(expected.subarray(0, length)))
      }
    })
  })

  describe(`${title}: AES modes`, () => {
    it.each(CTR)('CTR, SP 800-38A $source', ({ key, output }) => {
      const ctr = provider.createAesCtr(hex(key))
      const counter = count(16, 0xf0)
      const plaintext = hex(PLAINTEXT)
      expect(toHex(ctr.process(counter, plaintext))).toBe(toHex(hex(output)))
      expect(toHex(counter)).toBe(toHex(count(16, 0xf0)))
      for (const length of [0, 1, 15, 16, 17, 33]) {
        const part = ctr.process(counter, plaintext.subarray(0, length))
        expect(toHex(part)).toBe(toHex(hex(output).subarray(0, length)))
      }
      const memory = new Uint8Array(70).fill(7)
      memory.set(plaintext, 3)
      const view = ctr.process(counter, memory.subarray(3, 67), memory, 3)
      expect(toHex(view)).toBe(toHex(hex(output)))
      expect(view.buffer).toBe(memory.buffer)
      expect([...memory.subarray(0, 3), ...memory.subarray(67)]).toEqual([7, 7, 7, 7, 7, 7])
    })

    it('CTR carries through all 128 bits of the counter', () => {
      const ctr = provider.createAesCtr(noise(16))
      const zeros = new Uint8Array(16)
      const wrapped = ctr.process(new Uint8Array(16).fill(0xff), new Uint8Array(32))
      expect(toHex(wrapped.subarray(16))).toBe(toHex(ctr.process(zeros, zeros)))
      const half = hex('0000000000000000ffffffffffffffff')
      const next = hex('00000000000000010000000000000000')
      expect(toHex(ctr.process(half, new Uint8Array(32)).subarray(16))).toBe(toHex(ctr.process(next, zeros)))
    })

    it.each(CBC)('CBC, SP 800-38A $source', ({ key, output }) => {
      const cbc = provider.createAesCbc(hex(key))
      const iv = count(16)
      expect(toHex(cbc.encrypt(iv, hex(PLAINTEXT)))).toBe(toHex(hex(output)))
      expect(toHex(cbc.decrypt(iv, hex(output)))).toBe(toHex(hex(PLAINTEXT)))
      expect(cbc.encrypt(iv, new Uint8Array(0)).length).toBe(0)
      expect(cbc.decrypt(iv, new Uint8Array(0)).length).toBe(0)
    })

    it('name misuse', () => {
      expect(errorCode(() => provider.createAesCtr(count(15)))).toBe('ERR_CRYPTO_KEY')
      expect(errorCode(() => provider.createAesCbc(count(0)))).toBe('ERR_CRYPTO_KEY')
      const ctr = provider.createAesCtr(count(16))
      expect(errorCode(() => ctr.process(count(12), count(16)))).toBe('ERR_CRYPTO_NONCE_LENGTH')
      expect(errorCode(() => ctr.process(count(16), count(16), count(16), 1))).toBe('ERR_CRYPTO_OUTPUT_SIZE')
      const cbc = provider.createAesCbc(count(16))
      expect(errorCode(() => cbc.encrypt(count(16), count(17)))).toBe('ERR_CRYPTO_DATA_LENGTH')
      expect(errorCode(() => cbc.decrypt(count(15), count(16)))).toBe('ERR_CRYPTO_NONCE_LENGTH')
    })
  })

  describe(`${title}: random`, () => {
    it('makes what is asked for, different every time', () => {
      expect(provider.random(0).length).toBe(0)
      expect(provider.random(200_000).length).toBe(200_000)
      expect(toHex(provider.random(32))).not.toBe(toHex(provider.random(32)))
      expect(
        provider
          .random(200_000)
          .subarray(199_900)
          .some((byte) => byte !== 0),
      ).toBe(true)
      expect(errorCode(() => provider.random(-1))).toBe('ERR_CRYPTO_ARGUMENT')
    })
  })
}
