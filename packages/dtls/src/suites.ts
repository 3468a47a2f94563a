import type { AeadName, HashName } from '@kaon/crypto'

/** Cipher suites by their IANA names: forward secret, signed by the certificate (RFC 5289, RFC 7905, RFC 8422, RFC 7251). */
export type CipherSuiteName =
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'
  | 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
  | 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'
  | 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'
  | 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'
  | 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM'
  | 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'
  | 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA'
  | 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'
  | 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA'
  | 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA'

/** How records are protected: with an AEAD, or with AES-CBC and HMAC-SHA1. */
export type SuiteCipher =
  | {
      readonly kind: 'aead'
      readonly aead: AeadName
      readonly keyLength: number
      /** Bytes of the nonce that come from the key block. */
      readonly fixedIvLength: number
      /** Bytes of the nonce that each record carries: 8 (RFC 5288 §3), or 0 (RFC 7905 §2). */
      readonly explicitNonceLength: number
    }
  | { readonly kind: 'cbc'; readonly keyLength: number; readonly macKeyLength: number }

export interface CipherSuite {
  readonly id: number
  readonly name: CipherSuiteName
  /** What kind of key the server's certificate must have. */
  readonly authentication: 'ecdsa' | 'rsa'
  /** Hash of the PRF and of the transcript. */
  readonly hash: HashName
  readonly cipher: SuiteCipher
}

/** `TLS_EMPTY_RENEGOTIATION_INFO_SCSV`: not a suite, but a client's word that it knows RFC 5746 (§3.3). */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff

const gcm128: SuiteCipher = {
  kind: 'aead',
  aead: 'aes-128-gcm',
  keyLength: 16,
  fixedIvLength: 4,
  explicitNonceLength: 8,
}
const gcm256: SuiteCipher = {
  kind: 'aead',
  aead: 'aes-256-gcm',
  keyLength: 32,
  fixedIvLength: 4,
  explicitNonceLength: 8,
}
const chacha: SuiteCipher = {
  kind: 'aead',
  aead: 'chacha20-poly1305',
  keyLength: 32,
  fixedIvLength: 12,
  explicitNonceLength: 0,
}
const ccm128: SuiteCipher = { ...gcm128, aead: 'aes-128-ccm' }
const ccm256: SuiteCipher = { ...gcm256, aead: 'aes-256-ccm' }
const ccm128x8: SuiteCipher = { ...gcm128, aead: 'aes-128-ccm-8' }
const ccm256x8: SuiteCipher = { ...gcm256, aead: 'aes-256-ccm-8' }
const cbc128: SuiteCipher = { kind: 'cbc', keyLength: 16, macKeyLength: 20 }
const cbc256: SuiteCipher = { kind: 'cbc', keyLength: 32, macKeyLength: 20 }

function suite(
  id: number,
  name: CipherSuiteName,
  authentication: 'ecdsa' | 'rsa',
  hash: HashName,
  cipher: SuiteCipher,
): CipherSuite {
  return { id, name, authentication, hash, cipher }
}

const SUITES: readonly CipherSuite[] = [
  suite(0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ecdsa', 'sha256', gcm128),
  suite(0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'rsa', 'sha256', gcm128),
  suite(0xc02c, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ecdsa', 'sha384', gcm256),
  suite(0xc030, 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'rsa', 'sha384', gcm256),
  suite(0xcca9, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ecdsa', 'sha256', chacha),
  suite(0xcca8, 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'rsa', 'sha256', chacha),
  suite(0xc0ac, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM', 'ecdsa', 'sha256', ccm128),
  suite(0xc0ad, 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM', 'ecdsa', 'sha256', ccm256),
  suite(0xc0ae, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', 'ecdsa', 'sha256', ccm128x8),
  suite(0xc0af, 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8', 'ecdsa', 'sha256', ccm256x8),
  suite(0xc009, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ecdsa', 'sha256', cbc128),
  suite(0xc013, 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'rsa', 'sha256', cbc128),
  suite(0xc00a, 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ecdsa', 'sha256', cbc256),
  suite(0xc014, 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'rsa', 'sha256', cbc256),
]

const BY_ID = new Map(SUITES.map((entry) => [entry.id, entry]))
const BY_NAME = new Map<string, CipherSuite>(SUITES.map((entry) => [entry.name, entry]))

export function suiteById(id: number): CipherSuite | undefined {
  return BY_ID.get(id)
}

export function suiteByName(name: string): CipherSuite | undefined {
  return BY_NAME.get(name)
}

/**
 * Our order of preference. ChaCha20 first: it runs in WebAssembly from end to end, while AES has to cross over to the platform's cipher
 * and back, which costs more than the processor's help saves, and memory besides. CCM has no gain for anyone who can do these, so it
 * is only there by request; CBC comes last, for old peers.
 */
export function defaultSuites(): CipherSuiteName[] {
  const aes: CipherSuiteName[] = [
    'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  ]
  const chacha20: CipherSuiteName[] = [
    'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
    'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  ]
  const cbc: CipherSuiteName[] = [
    'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
    'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
    'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
    'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  ]
  return [...chacha20, ...aes, ...cbc]
}
