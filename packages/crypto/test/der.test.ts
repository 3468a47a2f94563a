import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DerReader, readBitString, readUnsigned, Tag } from '../src/der/reader.ts'
import { bitString, element, octetString, sequence, unsignedInteger } from '../src/der/writer.ts'
import { parsePkcs8 } from '../src/keys/pkcs8.ts'
import { bitLength, parseSpki } from '../src/keys/spki.ts'
import { pemToDer } from '../src/pem.ts'
import { readTime, writeTime } from '../src/x509/time.ts'
import { ascii, count, hex, toHex } from './bytes.ts'
import { fixture } from './fixtures.ts'

const bytes = fc.uint8Array({ maxLength: 300 })

describe('the reader', () => {
  it('reads what the writer wrote, at every size of length', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const reader = new DerReader(element(Tag.octetString, count(length)))
      expect(reader.tag).toBe(Tag.octetString)
      expect(reader.read(Tag.sequence)).toBeUndefined()
      expect(reader.read(Tag.octetString)?.length).toBe(length)
      expect([reader.done, reader.tag]).toEqual([true, undefined])
    }
  })

  it.each([
    ['indefinite length', '30800000'],
    ['length in more bytes than needed', '308101ff'],
    ['length with a leading zero', '3082000100'],
    ['length past the end', '3002ff'],
    ['length cut off', '3082'],
    ['length of four bytes', '308400000001ff'],
    ['nothing but a tag', '30'],
  ])('refuses: %s', (_, text) => {
    const reader = new DerReader(hex(text))
    expect(reader.read(0x30)).toBeUndefined()
    expect(reader.done).toBe(false)
  })

  it('refuses tags of more than a byte', () => {
    expect(new DerReader(hex('1f810100')).read(0x1f)).toBeUndefined()
  })

  it('stays inside any bytes', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 255 }), (input, tag) => {
        const reader = new DerReader(input)
        const whole = reader.readWhole(tag)
        if (whole !== undefined) expect(toHex(whole)).toBe(toHex(input.subarray(0, whole.length)))
        const again = new DerReader(input).read(tag)
        expect(again === undefined).toBe(whole === undefined)
        if (again !== undefined) expect(toHex(element(tag, again))).toBe(toHex(whole))
      }),
      { seed: 31 },
    )
  })
})

describe('numbers and strings', () => {
  it('integers come back without leading zeros', () => {
    fc.assert(
      fc.property(bytes, (magnitude) => {
        const read = readUnsigned(new DerReader(unsignedInteger(magnitude)).read(Tag.integer))!
        const digits = toHex(magnitude)!.replace(/^(00)+/, '')
        expect(toHex(read)).toBe(digits === '' ? '00' : digits)
      }),
      { seed: 32 },
    )
  })

  it('integers that are negative or too long are refused', () => {
    for (const content of ['', '80', 'ff00', '0001', '000080'.slice(0, 4)]) {
      expect(readUnsigned(hex(content))).toBeUndefined()
    }
    expect(toHex(readUnsigned(hex('0080')))).toBe('80')
    expect(bitLength(hex('80'))).toBe(8)
    expect(bitLength(hex('01ff'))).toBe(9)
  })

  it('bit strings have no unused bits', () => {
    expect(toHex(readBitString(new DerReader(bitString(count(3, 1))).read(Tag.bitString)))).toBe('010203')
    expect(readBitString(hex('07ff'))).toBeUndefined()
    expect(readBitString(hex(''))).toBeUndefined()
    expect(toHex(octetString(sequence()))).toBe('04023000')
  })
})

describe('times', () => {
  it('are what Date says, on days through four hundred years', () => {
    for (let time = Date.UTC(1950, 0, 1, 1, 2, 3); time < Date.UTC(2360, 0, 1); time += 13 * 86_400_000) {
      if (readTime(new DerReader(writeTime(time))) !== time) throw new Error(new Date(time).toISOString())
    }
  })

  it.each([
    [Tag.utcTime, '491231235959Z', Date.UTC(2049, 11, 31, 23, 59, 59)],
    [Tag.utcTime, '500101000000Z', Date.UTC(1950, 0, 1)],
    [Tag.generalizedTime, '00010101000000Z', -62_135_596_800_000],
    [Tag.generalizedTime, '20240229000000Z', Date.UTC(2024, 1, 29)],
    [Tag.generalizedTime, '20230229000000Z', undefined],
    [Tag.generalizedTime, '21000229000000Z', undefined],
    [Tag.utcTime, '261301000000Z', undefined],
    [Tag.utcTime, '260001000000Z', undefined],
    [Tag.utcTime, '260431000000Z', undefined],
    [Tag.utcTime, '260100000000Z', undefined],
    [Tag.utcTime, '260101240000Z', undefined],
    [Tag.utcTime, '260101006000Z', undefined],
    [Tag.utcTime, '260101000060Z', undefined],
    [Tag.utcTime, '2601010000Z', undefined],
    [Tag.utcTime, '260101000000+0100', undefined],
    [Tag.utcTime, '2601010000000', undefined],
    [Tag.utcTime, '26010100000AZ', undefined],
    [Tag.utcTime, '::0101000000Z', undefined],
    [Tag.generalizedTime, '260101000000Z', undefined],
    [Tag.integer, '260101000000Z', undefined],
  ])('tag %i, %s', (tag, text, expected) => {
    expect(readTime(new DerReader(element(tag, ascii(text))))).toBe(expected)
  })
})

describe('keys', () => {
  const pkcs8 = ['rsa2048', 'p256', 'p384'].map((name) => pemToDer(fixture(`${name}.key.pem`), 'PRIVATE KEY')[0]!)

  it('of any bytes are refused without an exception', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        expect(parsePkcs8(input)).toBeUndefined()
        expect(parseSpki(input)).toBeUndefined()
        parsePkcs8(sequence(input))
        parseSpki(sequence(input))
      }),
      { seed: 33 },
    )
  })

  it('cut short or changed are refused or read, without an exception', () => {
    for (const key of pkcs8) {
      expect(parsePkcs8(key)).toBeDefined()
      for (let length = 0; length < key.length; length++) expect(parsePkcs8(key.subarray(0, length))).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.constantFrom(...pkcs8), fc.nat(), fc.integer({ min: 0, max: 255 }), (key, at, value) => {
        const changed = key.slice()
        changed[at % changed.length] = value
        parsePkcs8(changed)
      }),
      { seed: 34, numRuns: 1000 },
    )
  })
})
