import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attribute,
  checkIntegrity,
  decodeMessage,
  LongTermAuthenticator,
  LongTermCredentials,
  longTermKey,
  MessageBuilder,
  passwordAlgorithms,
  shortTermKey,
  ShortTermAuthenticator,
  ShortTermCredentials,
  type StunMessage,
} from '../src/index.ts'
import { BindingServer } from '../src/binding-server.ts'
import type { AuthenticatedRequest, ClientCredentials } from '../src/client-credentials.ts'
import { algorithmList } from '../src/attributes.ts'
import { readNonceCookie, writeNonceCookie } from '../src/nonce-cookie.ts'
import type { LongTermAuthenticatorOptions } from '../src/server-credentials.ts'
import './arbitraries.ts'

const from = { address: '192.0.2.7', port: 4321, family: 4 } as const
const user = { username: 'alice', password: 'secret' }
const passwords = new Map([['alice', 'secret']])
const builder = new MessageBuilder()
let count = 0

interface Sent {
  readonly bytes: Uint8Array
  readonly sent: AuthenticatedRequest
}

function send(credentials: ClientCredentials, change?: (builder: MessageBuilder) => void): Sent {
  builder.start('request', 1, new Uint8Array(12).fill(++count))
  change?.(builder)
  const sent = credentials.authenticate(builder)
  return { bytes: builder.finish(), sent }
}

const request = (credentials: ClientCredentials): Uint8Array => send(credentials).bytes
const bareRequest = (): Uint8Array => builder.start('request', 1, new Uint8Array(12).fill(++count)).finish()

function serve(options?: Partial<LongTermAuthenticatorOptions>): BindingServer {
  return new BindingServer({
    authenticator: new LongTermAuthenticator({ realm: 'example.org', passwords, ...options }),
  })
}

const ask = (
  server: BindingServer,
  bytes: Uint8Array,
  now = 0,
  source: typeof from | { address: string; port: number; family: 4 } = from,
): StunMessage => decodeMessage(server.respond(bytes, source, now)!)!
const codeOf = (message: StunMessage): number | undefined => message.get(attribute.errorCode)?.code

/** Challenge and retry; returns both responses, and how the second request was authenticated. */
function authenticate(
  server: BindingServer,
  credentials: ClientCredentials,
  now = 0,
): [challenge: StunMessage, response: StunMessage, sent: AuthenticatedRequest] {
  const first = send(credentials)
  const challenge = ask(server, first.bytes, now)
  expect(first.sent.accept(challenge)).toBe(true)
  expect(first.sent.retry(challenge)).toBe(true)
  const second = send(credentials)
  return [challenge, ask(server, second.bytes, now), second.sent]
}

describe('the long-term mechanism (RFC 8489 §9.2)', () => {
  it.each([
    ['SHA-256 when the server offers it', {}, 'sha256', passwordAlgorithms.sha256],
    ['the first algorithm on the list', { algorithms: [1, 2] }, 'sha256', passwordAlgorithms.md5],
    ['MD5 and SHA-1 with a server of RFC 5389', { algorithms: [] }, 'sha1', passwordAlgorithms.md5],
    ['USERHASH when the server hides usernames', { usernameAnonymity: true }, 'sha256', passwordAlgorithms.sha256],
  ] as const)('challenges, and takes %s', (_what, options, algorithm, password) => {
    const server = serve(options)
    const credentials = new LongTermCredentials(user)
    const [challenge, response, sent] = authenticate(server, credentials)
    expect(codeOf(challenge)).toBe(401)
    expect(challenge.get(attribute.realm)).toBe('example.org')
    expect(challenge.integrityOffset + challenge.integritySha256Offset).toBe(-2)
    expect(response.messageClass).toBe('success')
    expect(response.get(attribute.xorMappedAddress)).toEqual(from)
    expect(sent.accept(response)).toBe(true)
    const key = longTermKey({ ...user, realm: 'example.org', algorithm: password })
    expect(checkIntegrity(response, key, algorithm)).toBe(true)
    const next = decodeMessage(request(credentials))!
    expect(next.has(attribute.userhash)).toBe('usernameAnonymity' in options)
    expect(next.has(attribute.username)).toBe(!('usernameAnonymity' in options))
  })

  it('puts the features into the nonce, as appendix B.1 does', () => {
    expect(readNonceCookie('obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA')).toEqual({
      passwordAlgorithms: false,
      usernameAnonymity: true,
    })
    expect(readNonceCookie('f//499k954d6OL34oL9FSTvy64sA')).toBeUndefined()
    expect(readNonceCookie('obMatJos2AAA')).toBeUndefined()
    expect(readNonceCookie('obMatJos2AA*A')).toBeUndefined()
    for (const features of [
      { passwordAlgorithms: true, usernameAnonymity: false },
      { passwordAlgorithms: true, usernameAnonymity: true },
    ]) {
      expect(readNonceCookie(writeNonceCookie(features) + 'x')).toEqual(features)
    }
  })

  it('refuses a wrong password and an unknown user alike, and the client does not try again', () => {
    for (const wrong of [
      { ...user, password: 'wrong' },
      { ...user, username: 'bob' },
    ]) {
      const server = serve()
      const credentials = new LongTermCredentials(wrong)
      const [, response, sent] = authenticate(server, credentials)
      expect(codeOf(response)).toBe(401)
      expect(response.has(attribute.nonce)).toBe(true)
      expect(sent.retry(response)).toBe(false)
    }
  })

  it('answers an old nonce with 438 and a new one, which the client takes', () => {
    const server = serve({ nonceLifetime: 1000 })
    const credentials = new LongTermCredentials(user)
    authenticate(server, credentials, 0)
    expect(ask(server, request(credentials), 1000).messageClass).toBe('success')
    const [one, two] = [send(credentials), send(credentials)] // they overlap
    const stale = ask(server, one.bytes, 1001)
    expect(codeOf(stale)).toBe(438)
    expect(one.sent.accept(stale)).toBe(true)
    expect(one.sent.retry(stale)).toBe(true)
    expect(two.sent.retry(ask(server, two.bytes, 1001))).toBe(true)
    expect(ask(server, request(credentials), 1001).messageClass).toBe('success')
  })

  it('lets first requests overlap: each is challenged, each is sent again', () => {
    const server = serve()
    const credentials = new LongTermCredentials(user)
    const all = [send(credentials), send(credentials), send(credentials)]
    for (const { bytes, sent } of all) expect(sent.retry(ask(server, bytes))).toBe(true)
    const again = all.map(() => send(credentials))
    for (const { bytes, sent } of again) expect(sent.accept(ask(server, bytes))).toBe(true)
  })

  it('follows no endless row of 438', () => {
    const credentials = new LongTermCredentials(user)
    authenticate(serve(), credentials)
    const stale = (): boolean => {
      const { bytes, sent } = send(credentials)
      const response = ask(serve(), bytes) // each server has a nonce key of its own
      expect(codeOf(response)).toBe(438)
      return sent.retry(response)
    }
    expect([stale(), stale(), stale(), stale()]).toEqual([true, true, true, false])
  })

  it('takes a nonce only from the address that it was given to', () => {
    const server = serve()
    const credentials = new LongTermCredentials(user)
    authenticate(server, credentials)
    const elsewhere = { address: '192.0.2.7', port: 4322, family: 4 } as const
    expect(codeOf(ask(server, request(credentials), 0, elsewhere))).toBe(438)
    const nonce = (source: typeof elsewhere | typeof from): unknown =>
      ask(server, bareRequest(), 0, source).get(attribute.nonce)
    expect(nonce(from)).not.toBe(nonce(elsewhere))
  })

  it('checks in the order of §9.2.4', () => {
    const server = serve()
    const key = longTermKey({ ...user, realm: 'example.org', algorithm: 2 })
    const nonce = ask(server, bareRequest()).get(attribute.nonce)!
    const make = (change: (builder: MessageBuilder) => void): number | undefined => {
      builder.start('request', 1, new Uint8Array(12))
      change(builder)
      return codeOf(ask(server, builder.finish()))
    }
    const list = algorithmList(2, 1)
    const full = (b: MessageBuilder): MessageBuilder =>
      b.add(attribute.username, 'alice').add(attribute.realm, 'example.org').add(attribute.nonce, nonce)
    expect(make((b) => full(b))).toBe(401) // no integrity
    expect(make((b) => b.add(attribute.username, 'alice').integrity(key))).toBe(400) // no realm, no nonce
    expect(make((b) => full(b).add(attribute.passwordAlgorithm, list[0]!).integritySha256(key))).toBe(400) // list missing
    expect(make((b) => full(b).add(attribute.passwordAlgorithms, list).integritySha256(key))).toBe(400) // choice missing
    const shorter = algorithmList(1)
    expect(
      make((b) =>
        full(b).add(attribute.passwordAlgorithms, shorter).add(attribute.passwordAlgorithm, shorter[0]!).integrity(key),
      ),
    ).toBe(400) // bid down
    const other = algorithmList(7)[0]!
    expect(
      make((b) =>
        full(b).add(attribute.passwordAlgorithms, list).add(attribute.passwordAlgorithm, other).integrity(key),
      ),
    ).toBe(400) // not on the list
    expect(
      make((b) =>
        full(b).add(attribute.passwordAlgorithms, list).add(attribute.passwordAlgorithm, list[0]!).integritySha256(key),
      ),
    ).toBeUndefined()
    const md5 = longTermKey({ ...user, realm: 'example.org' })
    expect(make((b) => full(b).integrity(md5))).toBeUndefined() // neither: as though it were MD5
  })

  it('answers 420 under the integrity of the request', () => {
    const server = serve()
    const credentials = new LongTermCredentials(user)
    authenticate(server, credentials)
    const { bytes, sent } = send(credentials, (b) => b.addRaw(0x7fff, new Uint8Array(2)))
    const response = ask(server, bytes)
    expect(codeOf(response)).toBe(420)
    expect(response.get(attribute.unknownAttributes)).toEqual([0x7fff])
    expect(sent.accept(response)).toBe(true)
  })

  it('notices when the list of algorithms was taken out of a challenge (§9.2.1)', () => {
    const nonce = writeNonceCookie({ passwordAlgorithms: true, usernameAnonymity: false }) + 'abc'
    const forged = builder
      .start('error', 1, new Uint8Array(12))
      .add(attribute.errorCode, { code: 401, reason: '' })
      .add(attribute.realm, 'example.org')
      .add(attribute.nonce, nonce)
      .finish()
    expect(send(new LongTermCredentials(user)).sent.retry(decodeMessage(forged)!)).toBe(false)
    const success = builder.start('success', 1, new Uint8Array(12)).add(attribute.nonce, nonce).finish()
    expect(send(new LongTermCredentials(user)).sent.accept(decodeMessage(success)!)).toBe(false)
  })

  it('gives up when no algorithm on the list is known, or the challenge is incomplete', () => {
    const first = (): AuthenticatedRequest => send(new LongTermCredentials(user)).sent
    const challenge = (change: (builder: MessageBuilder) => void): StunMessage => {
      builder.start('error', 1, new Uint8Array(12)).add(attribute.errorCode, { code: 401, reason: '' })
      change(builder)
      return decodeMessage(builder.finish())!
    }
    const retry = (message: StunMessage): boolean => first().retry(message)
    expect(retry(challenge((b) => b.add(attribute.realm, 'r').add(attribute.nonce, 'n')))).toBe(true)
    expect(retry(challenge((b) => b.add(attribute.realm, 'r')))).toBe(false)
    expect(retry(challenge((b) => b.add(attribute.nonce, 'n')))).toBe(false)
    expect(retry(challenge((b) => b.add(attribute.realm, 'r\u0007').add(attribute.nonce, 'n')))).toBe(false)
    const exotic = algorithmList(9)
    expect(
      retry(
        challenge((b) =>
          b.add(attribute.realm, 'r').add(attribute.nonce, 'n').add(attribute.passwordAlgorithms, exotic),
        ),
      ),
    ).toBe(false)
  })

  it('believes no unprotected response once it is authenticated, a bare 400 included (§9.2.5)', () => {
    const credentials = new LongTermCredentials(user)
    const [, , sent] = authenticate(serve(), credentials)
    const bare = builder.start('success', 1, new Uint8Array(12)).add(attribute.xorMappedAddress, from).finish()
    expect(sent.accept(decodeMessage(bare)!)).toBe(false)
    const bad = builder
      .start('error', 1, new Uint8Array(12))
      .add(attribute.errorCode, { code: 400, reason: '' })
      .finish()
    expect(sent.accept(decodeMessage(bad)!)).toBe(false)
    const weak = builder.start('success', 1, new Uint8Array(12)).integrity(credentials.key!).finish()
    expect(sent.accept(decodeMessage(weak)!)).toBe(false) // SHA-1 where SHA-256 was agreed
    credentials.reset()
    expect(credentials.realm).toBeUndefined()
    expect(credentials.key).toBeUndefined()
    expect(send(credentials).sent.accept(decodeMessage(bare)!)).toBe(true)
  })

  it('survives any attributes a stranger sends', () => {
    const server = serve({ usernameAnonymity: true })
    const raw = fc.uint8Array({ maxLength: 60 })
    const known = fc.constantFrom(0x06, 0x14, 0x15, 0x1d, 0x1e, 0x8002, 0x8022)
    fc.assert(
      fc.property(fc.array(fc.tuple(known, raw), { maxLength: 8 }), fc.boolean(), (attributes, sha256) => {
        builder.start('request', 1, new Uint8Array(12))
        for (const [type, value] of attributes) builder.addRaw(type, new Uint8Array(value))
        if (sha256) builder.integritySha256(shortTermKey('x'))
        else builder.integrity(shortTermKey('x'))
        expect([400, 401, 438]).toContain(codeOf(ask(server, builder.finish())))
      }),
    )
  })

  it('refuses forged nonces of every kind', () => {
    const server = serve()
    const key = longTermKey({ ...user, realm: 'example.org' })
    const cookie = writeNonceCookie({ passwordAlgorithms: true, usernameAnonymity: false })
    const honest = ask(server, bareRequest(), 5000).get(attribute.nonce)!
    for (const nonce of [
      '',
      'x',
      cookie,
      cookie + 'AAAA',
      cookie + 'A'.repeat(24),
      cookie + '////////' + 'A'.repeat(16),
      honest + 'A',
      honest.slice(0, -1),
    ]) {
      builder.start('request', 1, new Uint8Array(12)).add(attribute.username, 'alice')
      builder.add(attribute.realm, 'example.org').add(attribute.nonce, nonce).integrity(key)
      expect(codeOf(ask(server, builder.finish(), 5000)), nonce).toBe(438)
    }
  })

  it('refuses options that make no sense', () => {
    const option = expect.objectContaining({ code: 'ERR_STUN_OPTION' })
    expect(() => serve({ algorithms: [3] })).toThrow(option)
    expect(() => serve({ usernameAnonymity: true, passwords: () => 'x' })).toThrow(option)
    expect(() => new LongTermCredentials({ username: 'x'.repeat(600), password: 'p' })).toThrow(
      expect.objectContaining({ code: 'ERR_STUN_ATTRIBUTE' }),
    )
    expect(() => new LongTermCredentials({ username: 'x', password: '\u0000' })).toThrow(
      expect.objectContaining({ code: 'ERR_STUN_CREDENTIALS' }),
    )
  })

  it('serves more users than it caches keys for', () => {
    const server = serve({ passwords: (name) => (name.startsWith('u') ? name + '!' : undefined), algorithms: [] })
    for (let index = 0; index < 1100; index++) {
      const credentials = new LongTermCredentials({ username: `u${index}`, password: `u${index}!` })
      expect(authenticate(server, credentials)[1].messageClass).toBe('success')
    }
  })
})

describe('the short-term mechanism (RFC 8489 §9.1)', () => {
  const server = new BindingServer({ authenticator: new ShortTermAuthenticator({ passwords }) })

  it('sends both integrities first and then the one that was answered', () => {
    const credentials = new ShortTermCredentials(user)
    const { bytes, sent } = send(credentials)
    expect(decodeMessage(bytes.slice())!.integrityOffset).toBeGreaterThan(0)
    const response = ask(server, bytes)
    expect(sent.accept(response)).toBe(true)
    expect(response.integrityOffset).toBe(-1)
    expect(response.integritySha256Offset).toBeGreaterThan(0)
    const second = decodeMessage(request(credentials))!
    expect(second.integrityOffset).toBe(-1)
    expect(ask(server, second.bytes).messageClass).toBe('success')
    credentials.reset()
    expect(decodeMessage(request(credentials))!.integrityOffset).toBeGreaterThan(0)
  })

  it('answers SHA-1 with SHA-1', () => {
    const credentials = new ShortTermCredentials({ ...user, algorithm: 'sha1' })
    const { bytes, sent } = send(credentials)
    const response = ask(server, bytes)
    expect(response.integritySha256Offset).toBe(-1)
    expect(sent.accept(response)).toBe(true)
    expect(sent.retry(response)).toBe(false)
    const other = send(new ShortTermCredentials({ ...user, algorithm: 'sha256' }))
    expect(sent.accept(ask(server, other.bytes))).toBe(false)
  })

  it('refuses requests without integrity (400), with a wrong password or user (401), and without integrity of its own', () => {
    expect(codeOf(ask(server, bareRequest()))).toBe(400)
    for (const wrong of [
      { ...user, password: 'wrong' },
      { ...user, username: 'bob' },
    ]) {
      const { bytes, sent } = send(new ShortTermCredentials(wrong))
      const response = ask(server, bytes)
      expect(codeOf(response)).toBe(401)
      expect(response.integrityOffset + response.integritySha256Offset).toBe(-2)
      expect(sent.accept(response)).toBe(false)
    }
  })
})
