import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  BindingServer,
  checkFingerprint,
  decodeMessage,
  MessageBuilder,
  type MessageClass,
} from '../src/index.ts'
import { build, sample, transportAddress } from './arbitraries.ts'

const from = { address: '192.0.2.7', port: 4321, family: 4 } as const
const id = new Uint8Array(12).fill(3)
const builder = new MessageBuilder()
const request = (messageClass: MessageClass = 'request', method = 1): MessageBuilder =>
  builder.start(messageClass, method, id)

describe('BindingServer', () => {
  it('tells the source address, with FINGERPRINT when the request had one', () => {
    const server = new BindingServer({ software: 'test' })
    const plain = decodeMessage(server.respond(request().finish(), from, 0)!)!
    expect(plain.messageClass).toBe('success')
    expect(plain.transactionId).toEqual(id)
    expect(plain.get(attribute.xorMappedAddress)).toEqual(from)
    expect(plain.get(attribute.software)).toBe('test')
    expect(plain.fingerprintOffset).toBe(-1)
    expect(checkFingerprint(decodeMessage(server.respond(request().fingerprint().finish(), from, 0)!)!)).toBe(true)
    expect(server.stats).toMatchObject({ requests: 2, successes: 2, errors: 0 })
  })

  it('tells an IPv4 client on an IPv6 socket its IPv4 address', () => {
    const tell = (address: string): unknown =>
      decodeMessage(new BindingServer().respond(request().finish(), { address, port: 9, family: 6 }, 0)!)!.get(
        attribute.xorMappedAddress,
      )
    expect(tell('::ffff:192.0.2.7')).toEqual({ address: '192.0.2.7', port: 9, family: 4 })
    expect(tell('::ffff:7')).toEqual({ address: '::ffff:7', port: 9, family: 6 })
    expect(tell('fe80::1%eth0')).toEqual({ address: 'fe80::1', port: 9, family: 6 })
  })

  it('answers 420 with the list for attributes that it does not understand', () => {
    const server = new BindingServer()
    const bytes = request()
      .add(attribute.changeRequest, { changeIp: true, changePort: false })
      .add(attribute.responsePort, 1)
      .addRaw(0x8fff, id)
      .finish()
    const response = decodeMessage(server.respond(bytes, from, 0)!)!
    expect(response.get(attribute.errorCode)).toEqual({ code: 420, reason: 'Unknown Attribute' })
    expect(response.get(attribute.unknownAttributes)).toEqual([0x0003, 0x0027])
    expect(server.stats).toMatchObject({ requests: 1, errors: 1 })
  })

  it('sends clients elsewhere when told to', () => {
    const alternate = { address: '192.0.2.99', port: 3479, family: 4 } as const
    const server = new BindingServer({ alternateServer: ({ port }) => (port === 4321 ? alternate : undefined) })
    const response = decodeMessage(server.respond(request().finish(), from, 0)!)!
    expect(response.get(attribute.errorCode)?.code).toBe(300)
    expect(response.get(attribute.alternateServer)).toEqual(alternate)
    expect(decodeMessage(server.respond(request().finish(), { ...from, port: 1 }, 0)!)!.messageClass).toBe('success')
  })

  it('stays silent for everything that is no Binding request, and counts it', () => {
    const server = new BindingServer()
    for (const messageClass of ['indication', 'success', 'error'] as const) {
      expect(server.respond(request(messageClass).finish(), from, 0)).toBeUndefined()
    }
    expect(server.respond(request('request', 3).finish(), from, 0)).toBeUndefined()
    expect(server.respond(new Uint8Array(20), from, 0)).toBeUndefined()
    const wrong = request().fingerprint().finish()
    wrong[10]! ^= 1
    expect(server.respond(wrong, from, 0)).toBeUndefined()
    expect(server.stats).toEqual({
      requests: 0,
      successes: 0,
      errors: 0,
      droppedMalformed: 1,
      droppedFingerprint: 1,
      droppedOther: 4,
    })
  })

  it('survives any message from anywhere, with a response that is not much longer', () => {
    const server = new BindingServer()
    fc.assert(
      fc.property(sample, transportAddress, (message, source) => {
        const bytes = build({ ...message, messageClass: 'request', method: 1 })
        const response = server.respond(bytes, source, 0)!
        expect(decodeMessage(response)!.transactionId).toEqual(message.transactionId)
        expect(response.length).toBeLessThanOrEqual(bytes.length + 52)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), transportAddress, (bytes, source) => {
        server.respond(new Uint8Array(bytes), source, 0)
      }),
    )
  })

  it('refuses a SOFTWARE that does not fit', () => {
    expect(() => new BindingServer({ software: 'x'.repeat(600) })).toThrow(
      expect.objectContaining({ code: 'ERR_STUN_ATTRIBUTE' }),
    )
  })
})
