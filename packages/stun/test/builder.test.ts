import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Attribute,
  attribute,
  createTransactionId,
  decodeMessage,
  MessageBuilder,
  StunError,
} from '../src/index.ts'
import { build, key, sample } from './arbitraries.ts'

const id = new Uint8Array(12)
const code = (expected: string): unknown => expect.objectContaining({ name: 'StunError', code: expected })

describe('MessageBuilder', () => {
  it('writes the same with one builder for all messages as with one for each', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 8 }), fc.integer({ min: 32, max: 600 }), (samples, slabSize) => {
        const shared = new MessageBuilder({ slabSize })
        const messages = samples.map((from) => build(from, shared))
        messages.forEach((bytes, index) => expect(bytes).toEqual(build(samples[index]!)))
      }),
      { numRuns: 100 },
    )
  })

  it('pads with zeros even where the slab was written before', () => {
    const builder = new MessageBuilder({ slabSize: 256 })
    builder.start('request', 1, id).addRaw(0x8022, new Uint8Array(50).fill(0xff))
    const bytes = builder.start('request', 1, id).addRaw(0x8022, new Uint8Array(1).fill(0xee)).finish()
    expect([...bytes.subarray(20)]).toEqual([0x80, 0x22, 0, 1, 0xee, 0, 0, 0])
  })

  it('keeps the order of RFC 8489 §14: integrity, SHA-256, fingerprint, and nothing after', () => {
    const refused = code('ERR_STUN_ORDER')
    const builder = new MessageBuilder()
    expect(() => builder.add(attribute.priority, 1)).toThrow(refused)
    expect(() => builder.finish()).toThrow(refused)
    builder.start('request', 1, id).integrity(key)
    expect(() => builder.add(attribute.priority, 1)).toThrow(refused)
    expect(() => builder.addRaw(1, id)).toThrow(refused)
    expect(() => builder.integrity(key)).toThrow(refused)
    builder.integritySha256(key)
    expect(() => builder.integritySha256(key)).toThrow(refused)
    builder.fingerprint()
    expect(() => builder.fingerprint()).toThrow(refused)
    expect(decodeMessage(builder.finish())).toBeDefined()
    expect(() => builder.finish()).toThrow(refused)
  })

  it('refuses values that an attribute cannot carry, and can go on afterwards', () => {
    const builder = new MessageBuilder().start('request', 1, id).add(attribute.priority, 7)
    const bad: [Attribute<never>, unknown][] = [
      [attribute.username as Attribute<never>, 'x'.repeat(509)],
      [attribute.realm as Attribute<never>, 'ü'.repeat(255)],
      [attribute.priority as Attribute<never>, -1],
      [attribute.priority as Attribute<never>, 1.5],
      [attribute.priority as Attribute<never>, 2 ** 32],
      [attribute.iceControlled as Attribute<never>, -1n],
      [attribute.iceControlling as Attribute<never>, 2n ** 64n],
      [attribute.userhash as Attribute<never>, new Uint8Array(31)],
      [attribute.errorCode as Attribute<never>, { code: 200, reason: '' }],
      [attribute.errorCode as Attribute<never>, { code: 400, reason: 'x'.repeat(510) }],
      [attribute.unknownAttributes as Attribute<never>, [0x10000]],
      [attribute.requestedTransport as Attribute<never>, 256],
      [attribute.icmp as Attribute<never>, { type: 1, code: 1, data: new Uint8Array(3) }],
      [attribute.googNetworkInfo as Attribute<never>, { id: -1, cost: 0 }],
      [attribute.passwordAlgorithm as Attribute<never>, { algorithm: -1, parameters: id }],
      [attribute.mappedAddress as Attribute<never>, { address: '192.0.2.1', port: 65536, family: 4 }],
    ]
    for (const [codec, value] of bad) {
      expect(() => builder.add(codec, value as never), codec.name).toThrow(code('ERR_STUN_ATTRIBUTE'))
    }
    expect(() => builder.add(attribute.mappedAddress, { address: 'localhost', port: 1, family: 4 })).toThrow(
      code('ERR_STUN_ADDRESS'),
    )
    const message = decodeMessage(builder.finish())!
    expect(message.attributes()).toHaveLength(1)
    expect(message.get(attribute.priority)).toBe(7)
  })

  it('refuses bad headers and tag lengths', () => {
    const builder = new MessageBuilder()
    expect(() => builder.start('request', 1, new Uint8Array(16))).toThrow(code('ERR_STUN_OPTION'))
    expect(() => builder.start('request', 0x1000, id)).toThrow(code('ERR_STUN_OPTION'))
    builder.start('request', 1, id)
    for (const length of [12, 17, 36]) {
      expect(() => builder.integritySha256(key, length)).toThrow(code('ERR_STUN_OPTION'))
    }
  })

  it('takes a message up to its limit and not a byte beyond', () => {
    const builder = new MessageBuilder().start('request', 1, id).add(attribute.data, new Uint8Array(0xfff8))
    expect(() => builder.addRaw(0x8022, new Uint8Array(0))).toThrow(code('ERR_STUN_TOO_LARGE'))
    const bytes = builder.finish()
    expect(bytes).toHaveLength(20 + 0xfffc)
    expect(decodeMessage(bytes)!.get(attribute.data)).toHaveLength(0xfff8)
    expect(() => builder.start('request', 1, id).add(attribute.data, new Uint8Array(300_000))).toThrow(StunError)
  })
})

describe('createTransactionId', () => {
  it('makes 96 bits that differ, or uses the given source', () => {
    expect(createTransactionId()).toHaveLength(12)
    expect(createTransactionId()).not.toEqual(createTransactionId())
    expect(createTransactionId((length) => new Uint8Array(length).fill(9))).toEqual(new Uint8Array(12).fill(9))
  })
})
