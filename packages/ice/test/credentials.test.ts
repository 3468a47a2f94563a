import { expect, test } from 'vitest'
import { checkParameters, generateCredentials } from '../src/credentials.ts'

test('fresh credentials have the entropy and the grammar that RFC 8445 §5.3 and RFC 8839 §5.4 ask for', () => {
  const seen = new Set<string>()
  const characters = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const credentials = generateCredentials((length) => crypto.getRandomValues(new Uint8Array(length)))
    expect(credentials.usernameFragment.length * 6).toBeGreaterThanOrEqual(24)
    expect(credentials.password.length * 6).toBeGreaterThanOrEqual(128)
    expect(() => checkParameters(credentials)).not.toThrow()
    seen.add(credentials.usernameFragment)
    for (const character of credentials.password) characters.add(character)
  }
  expect(seen.size).toBe(200)
  expect(characters.size).toBe(64)
})

test('a refused password is not part of the message', () => {
  expect(() => checkParameters({ usernameFragment: 'abcd', password: 'secret' })).toThrow(
    expect.objectContaining({ code: 'ERR_ICE_PARAMETERS', message: expect.not.stringContaining('secret') }),
  )
})

test('what deployed peers use beyond the grammar, and browsers accept, is accepted', () => {
  const password = 'a+b/c=d#e_f-' + 'x'.repeat(20)
  expect(() => checkParameters({ usernameFragment: 'a-b_c=#+/', password })).not.toThrow()
  for (const usernameFragment of ['abc', 'a'.repeat(257), 'ab:cd', 'ab cd', 'äbcd']) {
    expect(() => checkParameters({ usernameFragment, password })).toThrow()
  }
})
