import { type CryptoProvider, defaultProvider } from '@kaon/crypto'
import { StunError } from './error.ts'
import { IntegrityKey } from './integrity.ts'
import { opaqueString, saslPrep } from './precis.ts'

/** Numbers of the registry of RFC 8489 §18.5. */
export const passwordAlgorithms = { md5: 1, sha256: 2 } as const

/** How text is prepared before it is hashed: as RFC 8489 says, as RFC 5389 said, or taken as it is. */
export type Preparation = 'opaque-string' | 'saslprep' | 'none'

const encoder = new TextEncoder()

/**
 * The key of a short-term credential: the password itself (RFC 8489 §9.1.1). ICE passwords are plain ASCII, which preparation
 * leaves alone.
 * @throws StunError `ERR_STUN_CREDENTIALS` when the password cannot be prepared.
 */
export function shortTermKey(
  password: string,
  options?: { crypto?: CryptoProvider; preparation?: Preparation },
): IntegrityKey {
  return new IntegrityKey(encoder.encode(prepare(password, options?.preparation)), options?.crypto)
}

/** What a long-term key is made of. */
export interface LongTermCredential {
  readonly username: string
  readonly realm: string
  readonly password: string
  /** `passwordAlgorithms.md5` (the default) or `.sha256` (RFC 8489 §18.5.1). */
  readonly algorithm?: number
}

/**
 * The key of a long-term credential: the hash of `username:realm:password` (RFC 8489 §9.2.2).
 * @throws StunError `ERR_STUN_CREDENTIALS` when text cannot be prepared, `ERR_STUN_OPTION` for an unknown algorithm.
 */
export function longTermKey(
  credential: LongTermCredential,
  options?: { crypto?: CryptoProvider; preparation?: Preparation },
): IntegrityKey {
  const provider = options?.crypto ?? defaultProvider
  return new IntegrityKey(longTermKeyBytes(credential, provider, options?.preparation), provider)
}

/** The 16 (MD5) or 32 (SHA-256) bytes of a long-term key, as servers store them. */
export function longTermKeyBytes(
  credential: LongTermCredential,
  provider: CryptoProvider,
  preparation?: Preparation,
): Uint8Array {
  const { algorithm = passwordAlgorithms.md5 } = credential
  if (algorithm !== passwordAlgorithms.md5 && algorithm !== passwordAlgorithms.sha256) {
    throw new StunError('ERR_STUN_OPTION', `no such password algorithm: ${algorithm}`)
  }
  const username = unquote(prepare(credential.username, preparation))
  const realm = prepare(unquote(credential.realm), preparation)
  const password = prepare(trimNulls(credential.password), preparation)
  const hash = algorithm === passwordAlgorithms.md5 ? 'md5' : 'sha256'
  return provider.hash(hash, encoder.encode(`${username}:${realm}:${password}`))
}

/** USERHASH: SHA-256 of `username:realm` (RFC 8489 §14.4). */
export function userhash(
  username: string,
  realm: string,
  options?: { crypto?: CryptoProvider; preparation?: Preparation },
): Uint8Array {
  const text = `${prepare(username, options?.preparation)}:${prepare(unquote(realm), options?.preparation)}`
  return (options?.crypto ?? defaultProvider).hash('sha256', encoder.encode(text))
}

/** Prepares text for a credential. Empty text is let through: some servers have an empty realm or password. */
export function prepare(text: string, preparation: Preparation = 'opaque-string'): string {
  if (text === '' || preparation === 'none') return text
  return preparation === 'saslprep' ? saslPrep(text) : opaqueString(text)
}

// RFC 8489 §9.2.2: "with any quotes and trailing nulls removed".
function unquote(text: string): string {
  const trimmed = trimNulls(text)
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed
}

function trimNulls(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--
  return end === text.length ? text : text.slice(0, end)
}
