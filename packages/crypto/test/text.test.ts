import { derToPem, pemToDer, timingSafeEqual } from '@kaon/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { count, errorCode, toHex } from './bytes.ts'
import { fixture } from './fixtures.ts'

describe('PEM', () => {
  it('writes what OpenSSL writes', () => {
    const text = fixture('p256.pem')
    expect(derToPem(pemToDer(text, 'CERTIFICATE')[0]!, 'CERTIFICATE')).toBe(text)
  })

  it('brings back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (der) => {
        expect(toHex(pemToDer(derToPem(der, 'X Y'), 'X Y')[0])).toBe(toHex(der))
        expect(derToPem(der, 'X')).toBe(
          `-----BEGIN X-----\n${Buffer.from(der)
            .toString('base64')
            .replace(/.{1,64}/g, '$&\n')}-----END X-----\n`,
        )
      }),
      { seed: 21 },
    )
  })

  it('finds all blocks of a label between other things, with any line ends', () => {
    const chain = `subject=x\n${derToPem(count(3), 'CERTIFICATE')}key\n${derToPem(count(4), 'PRIVATE KEY')}${derToPem(count(99), 'CERTIFICATE')}`
    for (const text of [chain, chain.replaceAll('\n', '\r\n')]) {
      expect(pemToDer(text, 'CERTIFICATE')).toEqual([count(3), count(99)])
      expect(pemToDer(text, 'PRIVATE KEY')).toEqual([count(4)])
      expect(pemToDer(text, 'KEY')).toEqual([])
    }
  })

  it('leaves out what is no base64 and never throws', () => {
    const block = (body: string): string => `-----BEGIN A-----\n${body}\n-----END A-----`
    for (const body of ['A', 'AA', 'AAA', 'A===', 'AA=A', 'AAA*', '====', 'AA==AAAA']) {
      expect(pemToDer(block(body), 'A')).toEqual([])
    }
    expect(pemToDer(block(''), 'A')).toEqual([new Uint8Array(0)])
    expect(pemToDer('-----BEGIN A-----AAAA', 'A')).toEqual([])
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        pemToDer(a + block(b), 'A')
      }),
      { seed: 22 },
    )
  })

  it('names a label that is none', () => {
    for (const label of ['', 'a', 'A-B', 'A\nB']) {
      expect(errorCode(() => derToPem(count(1), label))).toBe('ERR_CRYPTO_ARGUMENT')
    }
  })
})

describe('timingSafeEqual', () => {
  it('compares', () => {
    expect(timingSafeEqual(count(0), count(0))).toBe(true)
    expect(timingSafeEqual(count(20), count(20))).toBe(true)
    expect(timingSafeEqual(count(20), count(19))).toBe(false)
    for (let bit = 0; bit < 160; bit++) {
      const changed = count(20)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(timingSafeEqual(count(20), changed)).toBe(false)
    }
  })
})
