// Self-contained access tokens (RFC 7635 §6.2): what an authorization server seals for a TURN server, by way of a client that cannot look
// inside. Within: the key of MESSAGE-INTEGRITY and until when it is good.
import { type AeadName, type CryptoProvider, defaultProvider } from '@kaon/crypto'
import { type AccessTokens, IntegrityKey } from '@kaon/stun'
import { TurnError } from './error.ts'

const encoder = new TextEncoder()
const NONCE_LENGTH = 12
const TAG_LENGTH = 16
/** ms by which the clocks of the two servers may differ (RFC 7635 §4.1.1). */
const CLOCK_SKEW = 5000
/** Fractions of a second in a timestamp: 16 bits that count to 64,000. */
const FRACTIONS = 64_000

export interface AccessTokenOptions {
  /** The secret that the authorization server shares with the TURN server: 16 bytes for AES-128-GCM, 32 for AES-256-GCM. */
  readonly key: Uint8Array
  /** The name of the TURN server, which it tells in THIRD-PARTY-AUTHORIZATION. */
  readonly serverName: string
  /** ms since the Unix epoch. */
  readonly wallClock: () => number
  readonly crypto?: CryptoProvider
}

export interface SealedToken {
  readonly token: Uint8Array
  /** Goes to the client beside the token, over a protected way: 20 bytes. */
  readonly macKey: Uint8Array
}

/**
 * Seals a token that is good for `lifetime` ms: what an authorization server does.
 * @throws TurnError `ERR_TURN_OPTION`
 */
export function createAccessToken(options: AccessTokenOptions & { readonly lifetime: number }): SealedToken {
  const { key, serverName, wallClock, lifetime, crypto = defaultProvider } = options
  if (!(lifetime > 0 && lifetime < 2 ** 32 * 1000)) {
    throw new TurnError('ERR_TURN_OPTION', `lifetime must be above 0 ms, not ${lifetime}`)
  }
  const aead = crypto.createAead(cipherOf(key), key)
  const macKey = crypto.random(20)
  const plain = new Uint8Array(2 + macKey.length + 8 + 4)
  plain[1] = macKey.length
  plain.set(macKey, 2)
  writeTimestamp(wallClock(), plain, 2 + macKey.length)
  writeUint(Math.ceil(lifetime / 1000), 4, plain, plain.length - 4)
  const nonce = crypto.random(NONCE_LENGTH)
  const token = new Uint8Array(2 + NONCE_LENGTH + plain.length + TAG_LENGTH)
  token[1] = NONCE_LENGTH
  token.set(nonce, 2)
  aead.seal(nonce, encoder.encode(serverName), plain, token, 2 + NONCE_LENGTH)
  return { token, macKey }
}

/** The key inside of a token and the ms that it is still good for; undefined when the token is not sound, not ours, or too old. */
export function openAccessToken(
  token: Uint8Array,
  options: AccessTokenOptions,
): { readonly macKey: Uint8Array; readonly validFor: number } | undefined {
  const { key, serverName, wallClock, crypto = defaultProvider } = options
  if (token.length < 2) return undefined
  const nonceLength = (token[0]! << 8) | token[1]!
  if (nonceLength !== NONCE_LENGTH || token.length < 2 + NONCE_LENGTH + TAG_LENGTH + 14) return undefined
  const aead = crypto.createAead(cipherOf(key), key)
  const nonce = token.slice(2, 2 + NONCE_LENGTH)
  const plain = aead.open(nonce, encoder.encode(serverName), token.slice(2 + NONCE_LENGTH))
  if (plain === undefined) return undefined
  const length = (plain[0]! << 8) | plain[1]!
  if (length === 0 || plain.length !== 2 + length + 12) return undefined
  const now = wallClock()
  const from = readTimestamp(plain, 2 + length)
  const until = from + readUint(plain, plain.length - 4, 4) * 1000
  if (from > now + CLOCK_SKEW || until + CLOCK_SKEW <= now) return undefined
  return { macKey: plain.slice(2, 2 + length), validFor: until + CLOCK_SKEW - now }
}

/**
 * What a `LongTermAuthenticator` needs to take tokens: keys by the id that clients give as USERNAME.
 * @throws TurnError `ERR_TURN_OPTION` for a key that is neither 16 nor 32 bytes long
 */
export function acceptAccessTokens(
  options: Omit<AccessTokenOptions, 'key'> & { readonly keys: ReadonlyMap<string, Uint8Array> },
): AccessTokens {
  for (const key of options.keys.values()) cipherOf(key)
  return {
    serverName: options.serverName,
    open: (keyId, token) => {
      const key = options.keys.get(keyId)
      const opened = key === undefined ? undefined : openAccessToken(token, { ...options, key })
      return opened && { key: new IntegrityKey(opened.macKey, options.crypto), validFor: opened.validFor }
    },
  }
}

function cipherOf(key: Uint8Array): AeadName {
  if (key.length === 16) return 'aes-128-gcm'
  if (key.length === 32) return 'aes-256-gcm'
  throw new TurnError('ERR_TURN_OPTION', `a key has 16 or 32 bytes, not ${key.length}`)
}

/** 48 bits of seconds since the Unix epoch, 16 bits of fractions. */
function writeTimestamp(at: number, out: Uint8Array, offset: number): void {
  writeUint(Math.floor(at / 1000), 6, out, offset)
  writeUint(Math.floor(((at % 1000) / 1000) * FRACTIONS), 2, out, offset + 6)
}

function readTimestamp(bytes: Uint8Array, offset: number): number {
  return readUint(bytes, offset, 6) * 1000 + (readUint(bytes, offset + 6, 2) / FRACTIONS) * 1000
}

function writeUint(value: number, length: number, out: Uint8Array, offset: number): void {
  for (let index = length - 1, rest = value; index >= 0; index--, rest = Math.floor(rest / 256)) {
    out[offset + index] = rest % 256
  }
}

function readUint(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0
  for (let index = 0; index < length; index++) value = value * 256 + bytes[offset + index]!
  return value
}
