import { StunError } from './error.ts'

const PREFIX = 'obMatJos2'
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The STUN Security Features that a server announces in its nonce (RFC 8489 §9.2, §18.1). */
export interface SecurityFeatures {
  /** Bit 0: the server lists PASSWORD-ALGORITHMS. */
  readonly passwordAlgorithms: boolean
  /** Bit 1: the server takes USERHASH. */
  readonly usernameAnonymity: boolean
}

/**
 * Reads the nonce cookie, the 13 characters in front of a nonce; undefined when there is none: a server of RFC 5389.
 * Bit 0 is the least significant of the 24, as in appendix B.1 and erratum 6290 (the text of §9.2 counts from the other end).
 */
export function readNonceCookie(nonce: string): SecurityFeatures | undefined {
  if (nonce.length < 13 || !nonce.startsWith(PREFIX)) return undefined
  let bits = 0
  for (let index = PREFIX.length; index < 13; index++) {
    const digit = ALPHABET.indexOf(nonce.charAt(index))
    if (digit < 0) return undefined
    bits = (bits << 6) | digit
  }
  return { passwordAlgorithms: (bits & 1) !== 0, usernameAnonymity: (bits & 2) !== 0 }
}

/** The nonce cookie for these features. */
export function writeNonceCookie(features: SecurityFeatures): string {
  const bits = (features.passwordAlgorithms ? 1 : 0) | (features.usernameAnonymity ? 2 : 0)
  return PREFIX + 'AAA' + ALPHABET.charAt(bits)
}

/** Base64 without padding, for a length that is a multiple of three (nonces). */
export function base64(bytes: Uint8Array): string {
  if (bytes.length % 3 !== 0) throw new StunError('ERR_STUN_OPTION', 'length must be a multiple of three')
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const word = (bytes[index]! << 16) | (bytes[index + 1]! << 8) | bytes[index + 2]!
    text += ALPHABET[word >>> 18]! + ALPHABET[(word >>> 12) & 63]! + ALPHABET[(word >>> 6) & 63]! + ALPHABET[word & 63]!
  }
  return text
}
