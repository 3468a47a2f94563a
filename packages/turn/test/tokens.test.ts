import { nobleProvider } from '@kaon/crypto'
import { LongTermAuthenticator } from '@kaon/stun'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  acceptAccessTokens,
  createAccessToken,
  createRestCredentials,
  openAccessToken,
  restPasswords,
  restUser,
  ThirdPartyCredentials,
} from '../src/index.ts'
import { addEcho, encode, makeScene } from './scene.ts'

const key = new Uint8Array(32).fill(3)
const serverName = 'turn.example.org'

describe('access tokens (RFC 7635)', () => {
  it.each([16, 32])('are opened by who has the key of %i bytes, and by nobody else', (length) => {
    let now = 1_700_000_000_500
    const options = { key: key.subarray(0, length), serverName, wallClock: () => now }
    const { token, macKey } = createAccessToken({ ...options, lifetime: 60_000 })
    expect(openAccessToken(token, options)).toEqual({ macKey, validFor: 65_000 })
    expect(openAccessToken(token, { ...options, crypto: nobleProvider })?.macKey).toEqual(macKey)
    expect(openAccessToken(token, { ...options, serverName: 'other' })).toBeUndefined()
    expect(openAccessToken(token, { ...options, key: new Uint8Array(length) })).toBeUndefined()
    now += 64_000
    expect(openAccessToken(token, options)?.validFor).toBe(1000)
    now += 1000
    expect(openAccessToken(token, options)).toBeUndefined()
    now -= 71_000
    expect(openAccessToken(token, options)).toBeUndefined() // from the future
  })

  it('survive nothing that is changed or made up', () => {
    const options = { key, serverName, wallClock: () => 1000 }
    const { token } = createAccessToken({ ...options, lifetime: 60_000 })
    for (let length = 0; length < token.length; length++) {
      expect(openAccessToken(token.subarray(0, length), options)).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const other = token.slice()
        other[index]! ^= change
        expect(openAccessToken(other, options)).toBeUndefined()
      }),
      { seed: 7635, numRuns: 200 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(openAccessToken(bytes, options)).toBeUndefined()
      }),
      { seed: 7635, numRuns: 200 },
    )
    expect(() => createAccessToken({ ...options, key: new Uint8Array(8), lifetime: 1 })).toThrow()
    expect(() => createAccessToken({ ...options, lifetime: 0 })).toThrow()
    expect(() => acceptAccessTokens({ ...options, keys: new Map([['x', new Uint8Array(5)]]) })).toThrow()
  })

  it('open a server, for as long as they are good', async () => {
    const holder: { clock: () => number } = { clock: () => 0 }
    const wallClock = (): number => holder.clock()
    const tokens = acceptAccessTokens({ serverName, wallClock, keys: new Map([['north', key]]) })
    const authenticator = new LongTermAuthenticator({ realm: 'r', passwords: new Map(), tokens })
    const { net, host, server, client } = await makeScene({ authenticator })
    holder.clock = () => host.wallClock()
    const sealed = createAccessToken({ key, serverName, wallClock, lifetime: 1_200_000 })
    const asked: ThirdPartyCredentials[] = []
    const credentials = (): ThirdPartyCredentials => {
      asked.push(new ThirdPartyCredentials({ keyId: 'north', ...sealed }))
      return asked.at(-1)!
    }
    const relay = await net.runUntil(client({ credentials }).allocate())
    expect(asked.at(-1)!.serverName).toBe(serverName)
    const peer = await addEcho(net)
    let back = 0
    relay.onmessage = () => back++
    relay.send(encode('x'), peer.at)
    await net.run(700_000)
    relay.send(encode('x'), peer.at)
    await net.run(1000)
    expect(back).toBe(2)
    expect(server.stats.errorCodes[438]).toBeGreaterThan(0)
    let lost: unknown
    relay.onclose = (error) => (lost = error)
    await net.run(600_000)
    expect(lost).toMatchObject({ code: 'ERR_TURN_CREDENTIALS' })
    expect(server.stats.allocations).toBe(0)

    const refused = { name: 'TurnError', code: 'ERR_TURN_CREDENTIALS' }
    const late = client({ credentials }).allocate()
    await expect(net.runUntil(late)).rejects.toMatchObject(refused)
    const strange = client({ credentials: () => new ThirdPartyCredentials({ keyId: 'south', ...sealed }) }).allocate()
    await expect(net.runUntil(strange)).rejects.toMatchObject(refused)
    const plain = await makeScene()
    const nowhere = plain.client({ credentials }).allocate()
    await expect(plain.net.runUntil(nowhere)).rejects.toMatchObject(refused)
  })
})

describe('REST credentials', () => {
  it('are what coturn’s client computes for the same secret', () => {
    // printf 1700000060:bob | openssl dgst -sha1 -hmac shared -binary | base64
    const wallClock = (): number => 1_700_000_000_000
    const credentials = createRestCredentials('shared', 'bob', 60_000, { wallClock })
    expect(credentials).toEqual({ username: '1700000060:bob', password: '4N9cYZOzXKR/dp2Ch/DCqQfFV74=' })
    expect(createRestCredentials('shared', '', 60_000, { wallClock }).username).toBe('1700000060')
  })

  it('are good until their time, and only under the secret', () => {
    let now = 1_700_000_000_000
    const wallClock = (): number => now
    const passwords = restPasswords('shared', { wallClock })
    const { username, password } = createRestCredentials('shared', 'bob', 60_000, { wallClock })
    expect(passwords(username)).toBe(password)
    expect(restPasswords('other', { wallClock })(username)).not.toBe(password)
    for (const name of ['bob', '', ':bob', 'x:bob', '-5:bob', '1e99:bob', '99999999999999999:bob']) {
      expect(passwords(name)).toBeUndefined()
    }
    now += 60_000
    expect(passwords(username)).toBeUndefined()
    expect(() => createRestCredentials('', 'bob', 1, { wallClock })).toThrow()
    expect(() => createRestCredentials('s', 'bob', 0, { wallClock })).toThrow()
    expect(() => restPasswords('', { wallClock })).toThrow()
  })

  it('count for the user behind the time', () => {
    expect(['1700000060:bob', '17:a:b', '1700000060', 'alice', 'a:b', ':x'].map((name) => restUser(name))).toEqual([
      'bob',
      'a:b',
      '1700000060',
      'alice',
      'a:b',
      ':x',
    ])
  })
})
