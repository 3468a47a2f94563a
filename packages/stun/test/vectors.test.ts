import { describe, expect, it } from 'vitest'
import {
  attribute,
  checkFingerprint,
  checkIntegrity,
  decodeMessage,
  longTermKey,
  MessageBuilder,
  passwordAlgorithms,
  shortTermKey,
  type StunMessage,
  userhash,
} from '../src/index.ts'
import {
  icePassword,
  matrixUsername,
  sampleIpv4Response,
  sampleIpv6Response,
  sampleLongTermRequest,
  sampleRequest,
  sampleSha256Request,
} from './vectors.ts'

const decode = (bytes: Uint8Array): StunMessage => decodeMessage(bytes.slice())!
const key = shortTermKey(icePassword)

describe('RFC 5769', () => {
  it('§2.1: reads and checks the request', () => {
    const message = decode(sampleRequest)
    expect(message.messageClass).toBe('request')
    expect(message.method).toBe(1)
    expect(message.get(attribute.software)).toBe('STUN test client')
    expect(message.get(attribute.priority)).toBe(0x6e0001ff)
    expect(message.get(attribute.iceControlled)).toBe(0x932ff9b151263b36n)
    expect(message.get(attribute.username)).toBe('evtj:h6vY')
    expect(checkIntegrity(message, key)).toBe(true)
    expect(checkFingerprint(message)).toBe(true)
    expect(checkIntegrity(message, shortTermKey('VOkJxbRl1RmTxUk/WvJxBT'))).toBe(false)
    expect(message.bytes).toEqual(sampleRequest) // checking left no trace
  })

  it.each([
    ['§2.2', sampleIpv4Response, { address: '192.0.2.1', port: 32853, family: 4 }],
    ['§2.3', sampleIpv6Response, { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853, family: 6 }],
  ] as const)('%s: reads and checks the response', (_section, bytes, mapped) => {
    const message = decode(bytes)
    expect(message.messageClass).toBe('success')
    expect(message.get(attribute.software)).toBe('test vector')
    expect(message.get(attribute.xorMappedAddress)).toEqual(mapped)
    expect(checkIntegrity(message, key)).toBe(true)
    expect(checkFingerprint(message)).toBe(true)
  })

  it('§2.4: reads and checks the request with a long-term credential', () => {
    const message = decode(sampleLongTermRequest)
    expect(message.get(attribute.username)).toBe(matrixUsername)
    expect(message.get(attribute.realm)).toBe('example.org')
    expect(message.get(attribute.nonce)).toBe('f//499k954d6OL34oL9FSTvy64sA')
    const credential = { username: matrixUsername, realm: 'example.org', password: 'TheMatrIX' }
    expect(checkIntegrity(message, longTermKey(credential))).toBe(true)
    expect(checkFingerprint(message)).toBe(false)
    // The password as the RFC gives it, before SASLprep.
    const raw = { ...credential, password: 'The\u00adM\u00aatr\u2168' }
    expect(checkIntegrity(message, longTermKey(raw, { preparation: 'saslprep' }))).toBe(true)
  })

  it('§2.4: writes the same bytes', () => {
    const message = decode(sampleLongTermRequest)
    const credential = { username: matrixUsername, realm: 'example.org', password: 'TheMatrIX' }
    const bytes = new MessageBuilder()
      .start('request', 1, message.transactionId)
      .add(attribute.username, matrixUsername)
      .add(attribute.nonce, 'f//499k954d6OL34oL9FSTvy64sA')
      .add(attribute.realm, 'example.org')
      .integrity(longTermKey(credential))
      .finish()
    expect(bytes).toEqual(sampleLongTermRequest)
  })
})

describe('RFC 8489 appendix B.1', () => {
  const credential = {
    username: matrixUsername,
    realm: 'example.org',
    password: 'TheMatrIX',
    algorithm: passwordAlgorithms.sha256,
  }

  it('reads and checks the request', () => {
    const message = decode(sampleSha256Request)
    expect(message.get(attribute.userhash)).toEqual(userhash(matrixUsername, 'example.org'))
    expect(message.get(attribute.passwordAlgorithm)).toEqual({ algorithm: 2, parameters: new Uint8Array(0) })
    expect(checkIntegrity(message, longTermKey(credential))).toBe(true)
    expect(checkIntegrity(message, longTermKey(credential), 'sha1')).toBe(false)
    expect(checkIntegrity(message, longTermKey({ ...credential, algorithm: passwordAlgorithms.md5 }))).toBe(false)
  })

  it('writes the same bytes', () => {
    const bytes = new MessageBuilder()
      .start('request', 1, decode(sampleSha256Request).transactionId)
      .add(attribute.userhash, userhash(matrixUsername, 'example.org'))
      .add(attribute.nonce, 'obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA')
      .add(attribute.realm, 'example.org')
      .add(attribute.passwordAlgorithm, { algorithm: 2, parameters: new Uint8Array(0) })
      .integritySha256(longTermKey(credential))
      .finish()
    expect(bytes).toEqual(sampleSha256Request)
  })
})
