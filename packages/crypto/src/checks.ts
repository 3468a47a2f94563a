import { CryptoError } from './errors.ts'
import type { AeadName } from './types.ts'

/** Sizes in bytes of the AEAD ciphers (RFC 5116 §5, RFC 6655 §3, RFC 8439 §2.8). */
export function aeadSizes(name: AeadName): { keyLength: number; tagLength: number } {
  switch (name) {
    case 'aes-128-gcm':
    case 'aes-128-ccm':
      return { keyLength: 16, tagLength: 16 }
    case 'aes-256-gcm':
    case 'aes-256-ccm':
    case 'chacha20-poly1305':
      return { keyLength: 32, tagLength: 16 }
    case 'aes-128-ccm-8':
      return { keyLength: 16, tagLength: 8 }
    case 'aes-256-ccm-8':
      return { keyLength: 32, tagLength: 8 }
    default:
      throw new CryptoError('ERR_CRYPTO_UNSUPPORTED', `unknown AEAD cipher: ${String(name)}`)
  }
}

export const NONCE_LENGTH = 12

export function isCcm(name: AeadName): boolean {
  return name.includes('ccm')
}

export function checkKeyLength(actual: number, expected: number): void {
  if (actual !== expected) {
    throw new CryptoError('ERR_CRYPTO_KEY', `the key must have ${expected} bytes, not ${actual}`)
  }
}

/** AES keys of the bare modes: 128 or 256 bits. */
export function checkAesKey(key: Uint8Array): void {
  if (key.length !== 16 && key.length !== 32) {
    throw new CryptoError('ERR_CRYPTO_KEY', `an AES key must have 16 or 32 bytes, not ${key.length}`)
  }
}

export function checkNonce(nonce: Uint8Array, ccm = false): void {
  if (nonce.length === NONCE_LENGTH || (ccm && nonce.length >= 7 && nonce.length <= 13)) return
  throw new CryptoError('ERR_CRYPTO_NONCE_LENGTH', `the nonce must have ${NONCE_LENGTH} bytes, not ${nonce.length}`)
}

export function checkOutput(out: Uint8Array, outOffset: number, needed: number): void {
  if (outOffset >= 0 && out.length - outOffset >= needed) return
  throw new CryptoError('ERR_CRYPTO_OUTPUT_SIZE', `the output needs ${needed} bytes from offset ${outOffset} on`)
}

export function checkCounterBlock(block: Uint8Array): void {
  if (block.length === 16) return
  throw new CryptoError('ERR_CRYPTO_NONCE_LENGTH', `the counter block must have 16 bytes, not ${block.length}`)
}

export function checkCbc(iv: Uint8Array, data: Uint8Array): void {
  if (iv.length !== 16) {
    throw new CryptoError('ERR_CRYPTO_NONCE_LENGTH', `the initialization vector must have 16 bytes, not ${iv.length}`)
  }
  if (data.length % 16 !== 0) {
    throw new CryptoError('ERR_CRYPTO_DATA_LENGTH', 'CBC works on whole blocks of 16 bytes')
  }
}

/** Where the result of `open` goes: the caller's place, or `result` itself when it gave none. */
export function deliver(result: Uint8Array, out: Uint8Array | undefined, outOffset: number): Uint8Array {
  if (out === undefined) return result
  checkOutput(out, outOffset, result.length)
  out.set(result, outOffset)
  return out.subarray(outOffset, outOffset + result.length)
}

export function unusableSecret(): CryptoError {
  return new CryptoError('ERR_CRYPTO_KEY', 'this is no private key of the group')
}
