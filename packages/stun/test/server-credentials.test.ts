import { describe, expect, it } from 'vitest'
import {
  attribute,
  decodeMessage,
  IntegrityKey,
  LongTermAuthenticator,
  LongTermCredentials,
  MessageBuilder,
  type StunMessage,
  StunError,
} from '../src/index.ts'

const from = { address: '192.0.2.7', port: 4321, family: 4 } as const
const builder = new MessageBuilder()
const id = new Uint8Array(12)

function challenged(authenticator: LongTermAuthenticator, code = 401): StunMessage {
  builder.start('error', 3, id).add(attribute.errorCode, { code, reason: '' })
  authenticator.challenge(builder, code, from, 0)
  return decodeMessage(builder.finish())!
}

describe('LongTermAuthenticator', () => {
  it('lets a known client go on whose password is not given out any more', () => {
    let password: string | undefined = 'p'
    const authenticator = new LongTermAuthenticator({ realm: 'r', passwords: () => password })
    const credentials = new LongTermCredentials({ username: 'u', password: 'p' })
    const request = (): StunMessage => {
      builder.start('request', 3, id)
      credentials.authenticate(builder)
      return decodeMessage(builder.finish())!
    }
    credentials.authenticate(builder.start('request', 3, id)).retry(challenged(authenticator))
    const first = authenticator.authenticate(request(), from, 0)
    expect(first).toMatchObject({ ok: true, username: 'u' })
    if (!first.ok) return
    password = undefined
    expect(authenticator.authenticate(request(), from, 0)).toEqual({ ok: false, code: 401 })
    expect(authenticator.authenticate(request(), from, 0, first)).toMatchObject({ ok: true, username: 'u' })
    const other = { username: 'v', key: first.key }
    expect(authenticator.authenticate(request(), from, 0, other)).toEqual({ ok: false, code: 401 })
    const forged = { username: 'u', key: new IntegrityKey(new Uint8Array(16)) }
    expect(authenticator.authenticate(request(), from, 0, forged)).toEqual({ ok: false, code: 401 })
  })

  it('takes access tokens when told how to open them (RFC 7635)', () => {
    const key = new IntegrityKey(new Uint8Array(20).fill(7))
    const tokens = {
      serverName: 'turn.example.org',
      open: (keyId: string, token: Uint8Array) =>
        keyId === 'kid' && token[0] === 1 ? { key, validFor: 1000 } : undefined,
    }
    const authenticator = new LongTermAuthenticator({ realm: 'r', passwords: new Map(), tokens })
    const challenge = challenged(authenticator)
    expect(challenge.get(attribute.thirdPartyAuthorization)).toBe('turn.example.org')
    expect(challenged(authenticator, 438).has(attribute.thirdPartyAuthorization)).toBe(false)
    const nonce = challenge.get(attribute.nonce)!
    const request = (keyId: string | undefined, token: number, signer = key, with256 = false): StunMessage => {
      builder.start('request', 3, id).add(attribute.accessToken, Uint8Array.of(token))
      if (keyId !== undefined) builder.add(attribute.username, keyId)
      builder.add(attribute.realm, 'r').add(attribute.nonce, nonce)
      return decodeMessage((with256 ? builder.integritySha256(signer) : builder.integrity(signer)).finish())!
    }
    const check = (message: StunMessage, now = 0): unknown => authenticator.authenticate(message, from, now)
    expect(check(request('kid', 1))).toEqual({ ok: true, username: 'kid', key, algorithm: 'sha1', validFor: 1000 })
    expect(check(request('kid', 1, key, true))).toMatchObject({ ok: true, algorithm: 'sha256' })
    expect(check(request('kid', 2))).toEqual({ ok: false, code: 401 })
    expect(check(request('other', 1))).toEqual({ ok: false, code: 401 })
    expect(check(request(undefined, 1))).toEqual({ ok: false, code: 400 })
    expect(check(request('kid', 1, new IntegrityKey(new Uint8Array(20))))).toEqual({ ok: false, code: 401 })
    expect(check(request('kid', 1), 700_000)).toEqual({ ok: false, code: 438 })
    const without = new LongTermAuthenticator({ realm: 'r', passwords: new Map() })
    expect(without.authenticate(request('kid', 1), from, 0)).toMatchObject({ ok: false })
    const bad = { ...tokens, serverName: 'x'.repeat(600) }
    expect(() => new LongTermAuthenticator({ realm: 'r', passwords: new Map(), tokens: bad })).toThrow(StunError)
  })
})
