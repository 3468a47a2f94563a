import { createDecipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Aead, AeadName } from '../../src/types.ts'
import { ascii, count, errorCode, hex, noise, toHex } from '../bytes.ts'
import { AEAD_VECTORS } from '../vectors/aead.ts'

export const AEAD_NAMES: readonly AeadName[] = [
  'aes-128-gcm',
  'aes-256-gcm',
  'chacha20-poly1305',
  'aes-128-ccm',
  'aes-256-ccm',
  'aes-128-ccm-8',
  'aes-256-ccm-8',
]

export function keyLengthOf(name: AeadName): number {
  return name.includes('128') ? 16 : 32
}

/** What every implementation of an AEAD must do. `names` says which ciphers this one has. */
export function describeAead(
  title: string,
  create: (name: AeadName, key: Uint8Array) => Aead,
  names: readonly AeadName[] = AEAD_NAMES,
): void {
  describe(`${title}: vectors`, () => {
    it.each(AEAD_VECTORS.filter((vector) => names.includes(vector.name)))('$source', (vector) => {
      const aead = create(vector.name, hex(vector.key))
      const nonce = hex(vector.nonce)
      const plaintext = hex(vector.plaintext)
      const out = new Uint8Array(plaintext.length + aead.tagLength)
      expect(aead.seal(nonce, hex(vector.aad), plaintext, out, 0)).toBe(out.length)
      expect(toHex(out)).toBe(toHex(hex(vector.sealed)))
      expect(toHex(aead.open(nonce, hex(vector.aad), out))).toBe(toHex(plaintext))
    })
  })

  describe.each(names)(`${title}: %s`, (name) => {
    const key = noise(keyLengthOf(name), 7)
    const nonce = noise(12, 8)

    it('is what OpenSSL says at every length', () => {
      const aead = create(name, key)
      const lengths = [...Array.from({ length: 71 }, (_, i) => i), 127, 128, 129, 255, 256, 1199, 1200, 1201, 16_384]
      for (const length of lengths) {
        const aad = noise(length % 40, length + 3)
        const own = noise(12, length + 1000)
        const plaintext = noise(length, length + 1)
        const sealed = new Uint8Array(length + aead.tagLength)
        expect(aead.seal(own, aad, plaintext, sealed, 0)).toBe(sealed.length)
        expect(toHex(openWithNode(name, key, own, aad, sealed))).toBe(toHex(plaintext))
        expect(toHex(aead.open(own, aad, sealed))).toBe(toHex(plaintext))
      }
    })

    it('writes at the offset and nowhere else', () => {
      const aead = create(name, key)
      for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 300, 1200]) {
        for (const offset of [0, 1, 3, 13]) {
          const plaintext = noise(length, length + 2)
          const expected = new Uint8Array(length + aead.tagLength)
          aead.seal(nonce, count(13), plaintext, expected, 0)
          const out = new Uint8Array(offset + expected.length + 9).fill(0xa5)
          aead.seal(nonce, count(13), plaintext, out, offset)
          expect(out.subarray(0, offset).every((byte) => byte === 0xa5)).toBe(true)
          expect(toHex(out.subarray(offset, offset + expected.length))).toBe(toHex(expected))
          expect(out.subarray(offset + expected.length).every((byte) => byte === 0xa5)).toBe(true)

          const opened = new Uint8Array(offset + length + 9).fill(0x5a)
          const view = aead.open(nonce, count(13), expected, opened, offset)
          expect(toHex(view)).toBe(toHex(plaintext))
          expect(view!.buffer).toBe(opened.buffer)
          expect(view!.byteOffset - opened.byteOffset).toBe(offset)
          expect(opened.subarray(0, offset).every((byte) => byte === 0x5a)).toBe(true)
          expect(opened.subarray(offset + length).every((byte) => byte === 0x5a)).toBe(true)
        }
      }
    })

    it('works in place, at any alignment', () => {
      const aead = create(name, key)
      for (const length of [0, 1, 31, 70, 1200]) {
        for (const offset of [0, 1, 2, 7, 21]) {
          const plaintext = noise(length, length + 5)
          const memory = new Uint8Array(offset + length + aead.tagLength + 3)
          memory.set(plaintext, offset)
          const aad = memory.slice(0, offset)
          const written = aead.seal(nonce, aad, memory.subarray(offset, offset + length), memory, offset)
          const record = memory.subarray(offset, offset + written)
          expect(toHex(openWithNode(name, key, nonce, aad, record))).toBe(toHex(plaintext))
          const view = aead.open(nonce, aad, record, memory, offset)
          expect(toHex(view)).toBe(toHex(plaintext))
          expect(toHex(memory.subarray(offset, offset + length))).toBe(toHex(plaintext))
        }
      }
    })

    it('refuses every changed bit, and leaves the output alone', () => {
      const aead = create(name, key)
      const plaintext = noise(37)
      const sealed = new Uint8Array(plaintext.length + aead.tagLength)
      aead.seal(nonce, ascii('header'), plaintext, sealed, 0)
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        const changed = sealed.slice()
        changed[bit >> 3]! ^= 1 << (bit & 7)
        const before = changed.slice()
        expect(aead.open(nonce, ascii('header'), changed, changed, 0)).toBeUndefined()
        expect(toHex(changed)).toBe(toHex(before))
      }
      expect(aead.open(nonce, ascii('Header'), sealed)).toBeUndefined()
      expect(aead.open(nonce, ascii(''), sealed)).toBeUndefined()
      expect(aead.open(noise(12, 9), ascii('header'), sealed)).toBeUndefined()
      expect(create(name, noise(key.length, 99)).open(nonce, ascii('header'), sealed)).toBeUndefined()
      expect(toHex(aead.open(nonce, ascii('header'), sealed))).toBe(toHex(plaintext))
    })

    it('refuses every truncation', () => {
      const aead = create(name, key)
      const sealed = new Uint8Array(20 + aead.tagLength)
      aead.seal(nonce, count(5), noise(20), sealed, 0)
      for (let length = 0; length < sealed.length; length++) {
        expect(aead.open(nonce, count(5), sealed.subarray(0, length))).toBeUndefined()
      }
    })

    it('changes neither its inputs nor earlier results', () => {
      const aead = create(name, key)
      const inputs = [nonce.slice(), count(13), noise(200)] as const
      const out = new Uint8Array(200 + aead.tagLength)
      aead.seal(...inputs, out, 0)
      const first = aead.open(inputs[0], inputs[1], out)!
      expect(toHex(inputs[0])).toBe(toHex(nonce))
      expect(toHex(inputs[1])).toBe(toHex(count(13)))
      expect(toHex(inputs[2])).toBe(toHex(noise(200)))
      const second = new Uint8Array(200 + aead.tagLength)
      aead.seal(noise(12, 77), inputs[1], noise(200, 4), second, 0)
      const opened = aead.open(noise(12, 77), inputs[1], second)
      expect(toHex(first)).toBe(toHex(noise(200)))
      expect(toHex(opened)).toBe(toHex(noise(200, 4)))
    })

    it('does not look at the key again after it has been made', () => {
      const mutable = key.slice()
      const aead = create(name, mutable)
      mutable.fill(0)
      const out = new Uint8Array(10 + aead.tagLength)
      aead.seal(nonce, count(0), noise(10), out, 0)
      expect(toHex(openWithNode(name, key, nonce, count(0), out))).toBe(toHex(noise(10)))
    })

    it('keeps up with sequences of nonces: counters, counters under XOR, gaps, repeats and noise', () => {
      const sender = create(name, key)
      const receiver = create(name, key)
      const mask = noise(12, 55)
      const sequence: number[] = []
      for (let i = 0; i < 120; i++) sequence.push(i)
      sequence.push(0, 3, 3, 250, 249, 251, 255, 256, 257, 65_535, 65_536, 1, 0xffffffff)
      for (let i = 0; i < 60; i++) sequence.push(1000 + ((i * 7) % 60))
      for (const masked of [false, true]) {
        for (const [i, number] of sequence.entries()) {
          const own = new Uint8Array(12)
          new DataView(own.buffer).setUint32(8, number)
          if (masked) for (let k = 0; k < 12; k++) own[k]! ^= mask[k]!
          const length = i % 5 === 0 ? 1300 : i % 3 === 0 ? 40 : 1200
          const plaintext = noise(length, number + 1)
          const sealed = new Uint8Array(length + sender.tagLength)
          sender.seal(own, count(13), plaintext, sealed, 0)
          if (toHex(openWithNode(name, key, own, count(13), sealed)) !== toHex(plaintext)) {
            throw new Error(`wrong at nonce ${number}`)
          }
          if (i % 11 === 10) expect(receiver.open(own, count(12), sealed)).toBeUndefined()
          if (toHex(receiver.open(own, count(13), sealed)) !== toHex(plaintext)) {
            throw new Error(`not opened at nonce ${number}`)
          }
        }
      }
    })

    it('opens what it seals, whatever the sizes, and never throws on hostile bytes', () => {
      const aead = create(name, key)
      const bytes = fc.uint8Array({ maxLength: 500 })
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), bytes, bytes, (own, aad, plaintext) => {
          const out = new Uint8Array(plaintext.length + aead.tagLength)
          aead.seal(own, aad, plaintext, out, 0)
          expect(toHex(aead.open(own, aad, out))).toBe(toHex(plaintext))
          expect(aead.open(own, aad, plaintext)).toBeUndefined()
        }),
        { seed: 1, numRuns: 60 },
      )
    })

    it('says its sizes, and names misuse', () => {
      const aead = create(name, key)
      expect([aead.name, aead.nonceLength, aead.tagLength]).toEqual([name, 12, name.endsWith('-8') ? 8 : 16])
      const out = new Uint8Array(10 + aead.tagLength)
      expect(errorCode(() => aead.seal(noise(6), count(0), count(10), out, 0))).toBe('ERR_CRYPTO_NONCE_LENGTH')
      expect(errorCode(() => aead.open(noise(14), count(0), out))).toBe('ERR_CRYPTO_NONCE_LENGTH')
      expect(errorCode(() => aead.seal(nonce, count(0), count(10), out, 1))).toBe('ERR_CRYPTO_OUTPUT_SIZE')
      expect(errorCode(() => aead.seal(nonce, count(0), count(10), out, -1))).toBe('ERR_CRYPTO_OUTPUT_SIZE')
      expect(errorCode(() => aead.open(nonce, count(0), out, new Uint8Array(9), 0))).toBe('ERR_CRYPTO_OUTPUT_SIZE')
      expect(errorCode(() => create(name, key.subarray(1)))).toBe('ERR_CRYPTO_KEY')
    })
  })
}

/** The judge: OpenSSL, called the plain way. */
function openWithNode(
  name: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  const authTagLength = name.endsWith('-8') ? 8 : 16
  const cipher = name.replace(/-8$/, '') as 'aes-128-ccm'
  const plaintextLength = sealed.length - authTagLength
  const decipher = createDecipheriv(cipher, key, nonce, { authTagLength })
  decipher.setAuthTag(sealed.subarray(plaintextLength))
  decipher.setAAD(aad, { plaintextLength })
  const plaintext = decipher.update(sealed.subarray(0, plaintextLength))
  decipher.final()
  return plaintext
}
