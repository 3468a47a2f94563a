// Time-limited credentials as "A REST API for access to TURN services" describes them (draft-uberti-behave-turn-rest-00 §2.2): the
// username says until when, the password is an HMAC of it under a secret that the web service shares with the server.
import { type CryptoProvider, defaultProvider } from '@kaon/crypto'
import { TurnError } from './error.ts'

export interface RestCredentials {
  /** `1735689600:alice`: the end in seconds since the Unix epoch, then the user. */
  readonly username: string
  readonly password: string
}

export interface RestOptions {
  /** ms since the Unix epoch. */
  readonly wallClock: () => number
  readonly crypto?: CryptoProvider
  /** Between time and user. Default `:`. */
  readonly separator?: string
}

const encoder = new TextEncoder()

/**
 * Credentials for one user, good for `ttl` ms from now on: what a web service hands its clients.
 * @throws TurnError `ERR_TURN_OPTION`
 */
export function createRestCredentials(
  secret: string,
  user: string,
  ttl: number,
  options: RestOptions,
): RestCredentials {
  if (secret === '') throw new TurnError('ERR_TURN_OPTION', 'an empty secret protects nothing')
  if (!(ttl > 0)) throw new TurnError('ERR_TURN_OPTION', `ttl must be above 0 ms, not ${ttl}`)
  const until = Math.floor((options.wallClock() + ttl) / 1000)
  const username = user === '' ? `${until}` : `${until}${options.separator ?? ':'}${user}`
  return { username, password: passwordOf(secret, username, options.crypto ?? defaultProvider) }
}

/** The `passwords` of a server that takes such credentials: undefined for a username whose time is over. */
export function restPasswords(secret: string, options: RestOptions): (username: string) => string | undefined {
  if (secret === '') throw new TurnError('ERR_TURN_OPTION', 'an empty secret protects nothing')
  const { wallClock, crypto = defaultProvider, separator = ':' } = options
  return (username) => {
    const until = timeOf(username, separator)
    return until * 1000 > wallClock() ? passwordOf(secret, username, crypto) : undefined
  }
}

/** The user behind a time-limited username, for quotas: `alice` of `1735689600:alice`; the whole name when there is no other. */
export function restUser(username: string, separator = ':'): string {
  const at = username.indexOf(separator)
  return at > 0 && /^\d+$/.test(username.slice(0, at)) ? username.slice(at + separator.length) : username
}

/** Seconds; NaN, which no comparison likes, when there is no time. */
function timeOf(username: string, separator: string): number {
  const at = username.indexOf(separator)
  const text = at < 0 ? username : username.slice(0, at)
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN
}

function passwordOf(secret: string, username: string, crypto: CryptoProvider): string {
  return base64(crypto.hmac('sha1', encoder.encode(secret), encoder.encode(username)))
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** RFC 4648 §4, with padding. */
function base64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index
    const word = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += ALPHABET[word >>> 18]! + ALPHABET[(word >>> 12) & 63]!
    text += (left > 1 ? ALPHABET[(word >>> 6) & 63]! : '=') + (left > 2 ? ALPHABET[word & 63]! : '=')
  }
  return text
}
