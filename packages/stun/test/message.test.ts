import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  attribute,
  checkFingerprint,
  checkIntegrity,
  decodeMessage,
  iceAttributes,
  isStunMessage,
  MessageBuilder,
  methods,
  stunAttributes,
  transactionKey,
} from '../src/index.ts'
import { build, key, sample } from './arbitraries.ts'
import { hex, sampleIpv6Response, sampleLongTermRequest, sampleRequest, sampleSha256Request } from './vectors.ts'

const id = hex('000102030405060708090a0b')
const start = (): MessageBuilder => new MessageBuilder().start('request', methods.binding, id)

describe('decodeMessage', () => {
  it('reads back what the builder wrote, whatever the attributes', () => {
    fc.assert(
      fc.property(sample, (from) => {
        const bytes = build(from)
        expect(isStunMessage(bytes)).toBe(true)
        const message = decodeMessage(bytes)!
        expect(message.messageClass).toBe(from.messageClass)
        expect(message.method).toBe(from.method)
        expect(message.transactionId).toEqual(from.transactionId)
        expect(message.transactionKey).toBe(transactionKey(from.transactionId))
        expect(message.attributes().map(({ type }) => type)).toEqual(
          from.entries.map(({ name }) => attribute[name].type),
        )
        for (const { name, value } of from.entries) {
          const codec = attribute[name] as Attribute<unknown>
          expect(message.get(codec)).toEqual(value)
          expect(message.getAll(codec)).toEqual([value])
        }
        expect(checkFingerprint(message)).toBe(from.fingerprint)
        expect(checkIntegrity(message, key, 'sha1')).toBe(from.integrity)
        expect(checkIntegrity(message, key, 'sha256', 16)).toBe(from.sha256 > 0)
        expect(checkIntegrity(message, key, 'sha256')).toBe(from.sha256 === 32)
      }),
    )
  })

  it('survives any bytes, and so does everything that can be asked of the result', () => {
    const header = fc.constantFrom(hex('00010000 2112a442'), hex('01110000 2112a442'))
    const any = fc.tuple(header, fc.uint8Array({ minLength: 12, maxLength: 200 })).map(([head, tail]) => {
      const bytes = new Uint8Array(8 + (tail.length & ~3))
      bytes.set(head)
      bytes.set(tail.subarray(0, tail.length & ~3), 8)
      bytes[2] = (bytes.length - 20) >>> 8
      bytes[3] = (bytes.length - 20) & 0xff
      return bytes
    })
    fc.assert(fc.property(any, askEverything), { numRuns: 2000 })
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), askEverything))
  })

  it('survives valid messages with bytes changed, cut off or added', () => {
    const originals = [sampleRequest, sampleIpv6Response, sampleLongTermRequest, sampleSha256Request]
    const mutation = fc.tuple(
      fc.oneof(
        fc.constantFrom(...originals),
        sample.map((from) => build(from)),
      ),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: -30, max: 8 }),
    )
    fc.assert(
      fc.property(mutation, ([original, changes, size]) => {
        const bytes = new Uint8Array(Math.max(0, original.length + size))
        bytes.set(original.subarray(0, bytes.length))
        for (const [where, value] of changes) bytes[where % Math.max(1, bytes.length)] = value
        askEverything(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['the top bits', 0, 0x80],
    ['the cookie', 4, 0x20],
    ['a length that is no multiple of four', 3, 0x59],
    ['a length that does not fit', 3, 0x5c],
  ])('refuses a message with %s wrong', (_what, offset, value) => {
    const bytes = sampleRequest.slice()
    bytes[offset] = value
    expect(decodeMessage(bytes)).toBeUndefined()
  })

  it('refuses an attribute that reaches beyond the end', () => {
    const bytes = start().addRaw(0x8022, new Uint8Array(4)).finish()
    bytes[23] = 5
    expect(decodeMessage(bytes)).toBeUndefined()
  })

  it('refuses anything behind FINGERPRINT', () => {
    const tail = start().addRaw(0x8022, new Uint8Array(4)).finish().subarray(20)
    const front = start().fingerprint().finish()
    const bytes = new Uint8Array([...front, ...tail])
    bytes[3] = bytes.length - 20
    expect(decodeMessage(bytes)).toBeUndefined()
  })

  it('ignores what stands behind an integrity attribute, FINGERPRINT excepted', () => {
    const front = start().add(attribute.priority, 1).integrity(key).finish()
    const forged = start().add(attribute.useCandidate, true).addRaw(0x7777, new Uint8Array(4)).finish().subarray(20)
    const bytes = new Uint8Array([...front, ...forged])
    bytes[3] = bytes.length - 20
    const message = decodeMessage(bytes)!
    expect(checkIntegrity(message, key)).toBe(true)
    expect(message.get(attribute.priority)).toBe(1)
    expect(message.has(attribute.useCandidate)).toBe(false)
    expect(message.unknownRequired(stunAttributes)).toEqual([0x0024])
  })

  it('tells a malformed value from an absent one', () => {
    const message = decodeMessage(start().addRaw(0x0024, new Uint8Array(3)).finish())!
    expect(message.get(attribute.priority)).toBeUndefined()
    expect(message.has(attribute.priority)).toBe(true)
    expect(message.getRaw(0x0024)).toEqual(new Uint8Array(3))
    expect(message.getRaw(0x0025)).toBeUndefined()
  })

  it('takes the first of several, and gives all when asked', () => {
    const one = { address: '192.0.2.1', port: 1, family: 4 } as const
    const two = { address: '2001:db8::2', port: 2, family: 6 } as const
    const bytes = start().add(attribute.xorPeerAddress, one).add(attribute.xorPeerAddress, two).finish()
    expect(decodeMessage(bytes)!.get(attribute.xorPeerAddress)).toEqual(one)
    expect(decodeMessage(bytes)!.getAll(attribute.xorPeerAddress)).toEqual([one, two])
  })

  it('lists unknown comprehension-required attributes once, and at most 64 of them', () => {
    const builder = start().add(attribute.priority, 1)
    for (const type of [0x7001, 0x7002, 0x7001, 0x8123, 0x7fff]) builder.addRaw(type, new Uint8Array(1))
    const message = decodeMessage(builder.finish())!
    expect(message.unknownRequired(iceAttributes)).toEqual([0x7001, 0x7002, 0x7fff])
    const many = start()
    for (let type = 0x4000; type < 0x4000 + 1000; type++) many.addRaw(type, new Uint8Array(0))
    expect(decodeMessage(many.finish())!.unknownRequired(iceAttributes)).toHaveLength(64)
    expect(decodeMessage(start().finish())!.unknownRequired(stunAttributes)).toEqual([])
  })
})

function askEverything(bytes: Uint8Array): void {
  const message = decodeMessage(bytes)
  if (message === undefined) return
  for (const codec of Object.values(attribute) as Attribute<unknown>[]) message.getAll(codec)
  message.attributes()
  message.unknownRequired(stunAttributes)
  const before = bytes.slice()
  checkFingerprint(message)
  checkIntegrity(message, key)
  expect(bytes).toEqual(before)
}
