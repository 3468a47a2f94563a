import { defaultProvider, nobleProvider } from '@kaon/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AeadProtection } from '../src/record/aead.ts'
import { CbcProtection } from '../src/record/cbc.ts'
import { MAX_SEQUENCE, readSequence, RECORD_HEADER_LENGTH, writeRecordHeader } from '../src/record/header.ts'
import type { RecordProtection } from '../src/record/protection.ts'
import { ReplayWindow } from '../src/record/replay-window.ts'
import { Ring } from '../src/ring.ts'
import { Slab } from '../src/slab.ts'
import { type CipherSuiteName, defaultSuites, suiteByName } from '../src/suites.ts'
import { Pair } from './pair.ts'

fc.configureGlobal({ seed: 6347 })

const VERSION = 0xfefd

function protectionOf(name: CipherSuiteName, crypto = defaultProvider): RecordProtection {
  const { cipher } = suiteByName(name)!
  const fill = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i + 1)
  if (cipher.kind === 'cbc') return new CbcProtection(crypto, fill(cipher.keyLength), fill(cipher.macKeyLength))
  return new AeadProtection(crypto, cipher, fill(cipher.keyLength), fill(cipher.fixedIvLength))
}

/** The protected fragment of one record. */
function seal(
  protection: RecordProtection,
  type: number,
  epoch: number,
  sequence: number,
  plaintext: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(3 + RECORD_HEADER_LENGTH + plaintext.length + protection.overhead)
  const length = protection.seal(type, VERSION, epoch, sequence, plaintext, out, 3)
  expect(length).toBeLessThanOrEqual(plaintext.length + protection.overhead)
  return out.slice(3 + RECORD_HEADER_LENGTH, 3 + RECORD_HEADER_LENGTH + length)
}

const KINDS: CipherSuiteName[] = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
]

describe('record header', () => {
  it('carries any epoch and any 48-bit sequence number', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.maxSafeNat(), fc.nat(0xffff), (epoch, any, length) => {
        const sequence = any % (MAX_SEQUENCE + 1)
        const out = new Uint8Array(RECORD_HEADER_LENGTH + 2)
        writeRecordHeader(out, 2, 23, VERSION, epoch, sequence, length)
        const view = Buffer.from(out.buffer)
        expect(view.readUInt16BE(5)).toBe(epoch)
        expect(view.readUIntBE(7, 6)).toBe(sequence)
        expect(view.readUInt16BE(13)).toBe(length)
        expect(readSequence(out, 7)).toBe(sequence)
      }),
    )
  })
})

describe.each(KINDS)('protection with %s', (name) => {
  const protection = protectionOf(name)
  const peer = protectionOf(name, nobleProvider)

  it('opens what it seals, on the other backend', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(MAX_SEQUENCE), (plaintext, sequence) => {
        const sealed = seal(protection, 23, 1, sequence, plaintext)
        expect(peer.open(23, VERSION, 1, sequence, sealed)).toEqual(plaintext)
      }),
      { numRuns: 60 },
    )
  })

  it('does not open what was sealed for another record', () => {
    const sealed = seal(protection, 23, 1, 77, Uint8Array.of(1, 2, 3))
    expect(protection.open(22, VERSION, 1, 77, sealed)).toBeUndefined()
    expect(protection.open(23, 0xfeff, 1, 77, sealed)).toBeUndefined()
    // GCM and CCM carry the nonce along, but number and epoch are authenticated too.
    expect(protection.open(23, VERSION, 2, 77, sealed)).toBeUndefined()
    expect(protection.open(23, VERSION, 1, 78, sealed)).toBeUndefined()
    expect(protection.open(23, VERSION, 1, 77, sealed)).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('opens no garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (garbage) => {
        expect(protection.open(23, VERSION, 1, 5, garbage)).toBeUndefined()
      }),
    )
  })

  it('opens nothing that was mutated', () => {
    const sealed = seal(protection, 23, 1, 9, new Uint8Array(40).fill(7))
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const mutated = sealed.slice()
        mutated[at]! ^= change
        expect(protection.open(23, VERSION, 1, 9, mutated)).toBeUndefined()
      }),
    )
  })

  it('says exactly how much fits', () => {
    for (let room = 64; room < 200; room++) {
      const most = protection.maxPlaintext(room)
      expect(seal(protection, 22, 1, room, new Uint8Array(most)).length).toBeLessThanOrEqual(room)
      expect(seal(protection, 22, 1, room, new Uint8Array(most + 1)).length).toBeGreaterThan(room)
    }
  })
})

describe('AES-CBC padding', () => {
  const key = new Uint8Array(16).fill(3)
  const macKey = new Uint8Array(20).fill(4)
  const protection = new CbcProtection(defaultProvider, key, macKey)
  const cipher = defaultProvider.createAesCbc(key)
  const iv = new Uint8Array(16).fill(5)

  /** A record with this content, MAC and padding bytes, encrypted. */
  function craft(content: Uint8Array, padding: Uint8Array, spoilMac = false): Uint8Array {
    const header = Buffer.from('000100000000000917fefd' + content.length.toString(16).padStart(4, '0'), 'hex')
    const mac = defaultProvider.hmac('sha1', macKey, Buffer.concat([header, content])).slice()
    if (spoilMac) mac[19]! ^= 1
    const padded = Buffer.concat([content, mac, padding])
    return Buffer.concat([iv, cipher.encrypt(iv, padded)])
  }

  it('may have any length up to 255 (RFC 5246 §6.2.3.2)', () => {
    for (let length = 0; length < 256; length++) {
      const content = new Uint8Array((16 - ((20 + length + 1) % 16)) % 16).fill(9)
      const record = craft(content, new Uint8Array(length + 1).fill(length))
      expect(protection.open(23, VERSION, 1, 9, record)).toEqual(content)
    }
  })

  it('is refused when a byte differs, when it does not fit, and when only the MAC is wrong', () => {
    const content = new Uint8Array(12).fill(9)
    for (let length = 15; length < 256; length += 16) {
      for (const at of new Set([0, length >> 1, length - 1])) {
        const padding = new Uint8Array(length + 1).fill(length)
        padding[at]! ^= 1
        expect(protection.open(23, VERSION, 1, 9, craft(content, padding))).toBeUndefined()
      }
      const good = new Uint8Array(length + 1).fill(length)
      expect(protection.open(23, VERSION, 1, 9, craft(content, good, true))).toBeUndefined()
    }
    for (let claimed = 28; claimed < 256; claimed++) {
      const padded = new Uint8Array(48).fill(claimed)
      const record = Buffer.concat([iv, cipher.encrypt(iv, padded)])
      expect(protection.open(23, VERSION, 1, 9, record)).toBeUndefined()
    }
  })

  it('never uses an IV twice', () => {
    const ivs = new Set<string>()
    for (let i = 0; i < 100; i++) {
      ivs.add(Buffer.from(seal(protection, 23, 1, i, Uint8Array.of(1)).subarray(0, 16)).toString('hex'))
    }
    expect(ivs.size).toBe(100)
  })
})

describe('the AEAD nonce', () => {
  it('is epoch and sequence number, and so never repeats', () => {
    const pair = new Pair({ cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'] }).connect()
    for (let i = 0; i < 20; i++) pair.client.send(new Uint8Array(10))
    pair.run()
    const seen = new Set<string>()
    for (const { datagram } of pair.sent.filter(({ from }) => from === 'client')) {
      for (let at = 0; at < datagram.length;) {
        const record = Buffer.from(datagram.subarray(at))
        if (record.readUInt16BE(3) === 1) {
          const numbered = record.subarray(3, 11).toString('hex')
          expect(record.subarray(13, 21).toString('hex')).toBe(numbered)
          seen.add(numbered)
        }
        at += 13 + record.readUInt16BE(11)
      }
    }
    expect(seen.size).toBe(21)
  })
})

describe('replay window', () => {
  it('agrees with a set of all numbers', () => {
    const steps = fc.array(fc.integer({ min: -80, max: 90 }), { maxLength: 200 })
    const base = fc.constantFrom(0, 0xffff_ffff - 40, 0x8000_0000 - 40, MAX_SEQUENCE - 20_000)
    fc.assert(
      fc.property(steps, base, (list, start) => {
        const window = new ReplayWindow(64)
        const seen = new Set<number>()
        let highest = -1
        let at = start
        for (const step of list) {
          at = Math.max(0, at + step)
          const expected = at > highest || (highest - at < 64 && !seen.has(at))
          expect(window.isFresh(at)).toBe(expected)
          if (!expected) continue
          window.markSeen(at)
          seen.add(at)
          highest = Math.max(highest, at)
        }
      }),
    )
  })

  it('does not move before a record has proved authentic', () => {
    const window = new ReplayWindow(64)
    expect(window.isFresh(MAX_SEQUENCE)).toBe(true)
    expect(window.isFresh(0)).toBe(true)
  })
})

describe('ring and slab', () => {
  it('a ring is a queue', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat()), { maxLength: 300 }), (steps) => {
        const ring = new Ring<number>()
        const model: number[] = []
        for (const step of steps) {
          if (step === null) expect(ring.shift()).toBe(model.shift())
          else {
            ring.push(step)
            model.push(step)
          }
          expect(ring.length).toBe(model.length)
        }
      }),
    )
  })

  it('regions of a slab never overlap', () => {
    const slab = new Slab()
    const cuts: Uint8Array[] = []
    for (let i = 0; i < 500; i++) {
      slab.reserve(1000)
      slab.buffer[slab.at] = i
      cuts.push(slab.cut(1 + (i % 1000)).fill(i & 255))
    }
    cuts.forEach((cut, i) => expect(cut.every((byte) => byte === (i & 255))).toBe(true))
    slab.reserve(1_000_000)
    expect(slab.cut(1_000_000)).toHaveLength(1_000_000)
  })
})

describe('the order of suites', () => {
  it('puts ChaCha20 first and CBC last', () => {
    const names = defaultSuites()
    expect(names[0]).toMatch(/CHACHA20/)
    expect(names.slice(-4).every((name) => name.includes('CBC'))).toBe(true)
    expect(new Set(names).size).toBe(10)
    expect(names.every((name) => suiteByName(name) !== undefined)).toBe(true)
  })
})
