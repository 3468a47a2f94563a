import { timingSafeEqual } from '../equal.ts'
import { CryptoError } from '../errors.ts'
import type { SchemeParts } from '../keys/schemes.ts'
import { bitLength } from '../keys/spki.ts'
import type { RsaPrivateParts } from '../keys/pkcs8.ts'
import type { HashName } from '../types.ts'
import { bigIntToBytes, bytesToBigInt, modInverse, modPow } from './bigint.ts'

type HashFunction = (name: HashName, data: Uint8Array) => Uint8Array

/** DER of DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO: Readonly<Partial<Record<HashName, string>>> = {
  sha1: '3021300906052b0e03021a05000414',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

/** RSASSA-PKCS1-v1_5 and RSASSA-PSS verification (RFC 8017 §8.1.2, §8.2.2). The salt of PSS is as long as the hash (RFC 8446 §4.2.3). */
export function rsaVerify(
  hash: HashFunction,
  scheme: SchemeParts,
  modulus: Uint8Array,
  exponent: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== modulus.length) return false
  const n = bytesToBigInt(modulus)
  const s = bytesToBigInt(signature)
  if (s >= n) return false
  const message = bigIntToBytes(modPow(s, bytesToBigInt(exponent), n), modulus.length)
  const digest = hash(scheme.hash, data)
  if (scheme.kind === 'pss') return pssMatches(hash, scheme.hash, message, digest, bitLength(modulus) - 1)
  const expected = pkcs1Encode(scheme.hash, digest, modulus.length)
  return expected !== undefined && timingSafeEqual(expected, message)
}

/** Signs by the Chinese remainder theorem, blinded, and checks the result before it leaves. */
export function rsaSign(
  hash: HashFunction,
  random: (length: number) => Uint8Array,
  scheme: SchemeParts,
  key: RsaPrivateParts,
  data: Uint8Array,
): Uint8Array {
  const size = key.modulus.length
  const digest = hash(scheme.hash, data)
  const encoded =
    scheme.kind === 'pss'
      ? pssEncode(hash, scheme.hash, digest, random(digest.length), bitLength(key.modulus) - 1)
      : pkcs1Encode(scheme.hash, digest, size)
  if (encoded === undefined) throw new CryptoError('ERR_CRYPTO_KEY', 'the RSA key is too short for this scheme')
  const n = bytesToBigInt(key.modulus)
  const e = bytesToBigInt(key.publicExponent)
  const p = bytesToBigInt(key.prime1)
  const q = bytesToBigInt(key.prime2)
  const message = bytesToBigInt(encoded)
  // Blinding: the time of the private operation says nothing about the message (RFC 3447 §5.1.2's attacks need that).
  let blind = 0n
  let unblind: bigint | undefined
  while (unblind === undefined) {
    blind = bytesToBigInt(random(size)) % n
    unblind = modInverse(blind, n)
  }
  const blinded = (message * modPow(blind, e, n)) % n
  const m1 = modPow(blinded % p, bytesToBigInt(key.exponent1), p)
  const m2 = modPow(blinded % q, bytesToBigInt(key.exponent2), q)
  const h = (((m1 - m2) * bytesToBigInt(key.coefficient)) % p) + p
  const signature = ((m2 + (h % p) * q) * unblind) % n
  if (modPow(signature, e, n) !== message) {
    throw new CryptoError('ERR_CRYPTO_KEY', 'the numbers of the RSA key do not belong together')
  }
  return bigIntToBytes(signature, size)
}

/** EMSA-PKCS1-v1_5 (RFC 8017 §9.2). */
function pkcs1Encode(name: HashName, digest: Uint8Array, size: number): Uint8Array | undefined {
  const prefix = DIGEST_INFO[name]
  if (prefix === undefined) return undefined
  const tail = prefix.length / 2 + digest.length
  if (size < tail + 11) return undefined
  const out = new Uint8Array(size).fill(0xff)
  out[0] = 0
  out[1] = 1
  out[size - tail - 1] = 0
  out.set(bigIntToBytes(BigInt('0x' + prefix)), size - tail)
  out.set(digest, size - digest.length)
  return out
}

/** EMSA-PSS-ENCODE (RFC 8017 §9.1.1). `bits` is one less than the modulus has. */
function pssEncode(
  hash: HashFunction,
  name: HashName,
  digest: Uint8Array,
  salt: Uint8Array,
  bits: number,
): Uint8Array | undefined {
  const size = Math.ceil(bits / 8)
  const length = digest.length
  const maskedLength = size - length - 1
  if (maskedLength < salt.length + 1) return undefined
  const seed = pssHash(hash, name, digest, salt)
  const out = new Uint8Array(size)
  out[maskedLength - salt.length - 1] = 1
  out.set(salt, maskedLength - salt.length)
  mask(hash, name, seed, out.subarray(0, maskedLength))
  out[0]! &= 0xff >>> (8 * size - bits)
  out.set(seed, maskedLength)
  out[size - 1] = 0xbc
  return out
}

/** EMSA-PSS-VERIFY (RFC 8017 §9.1.2). */
function pssMatches(
  hash: HashFunction,
  name: HashName,
  message: Uint8Array,
  digest: Uint8Array,
  bits: number,
): boolean {
  const size = Math.ceil(bits / 8)
  // With 8k+1 bits of modulus the encoded message is one byte shorter than the modulus.
  const encoded = message.subarray(message.length - size)
  for (let i = 0; i < message.length - size; i++) if (message[i] !== 0) return false
  const saltLength = digest.length
  const maskedLength = size - digest.length - 1
  if (maskedLength < saltLength + 1 || encoded[size - 1] !== 0xbc) return false
  const unused = 8 * size - bits
  if (encoded[0]! >>> (8 - unused) !== 0) return false
  const block = encoded.slice(0, maskedLength)
  const seed = encoded.subarray(maskedLength, size - 1)
  mask(hash, name, seed, block)
  block[0]! &= 0xff >>> unused
  const saltAt = maskedLength - saltLength
  for (let i = 0; i < saltAt - 1; i++) if (block[i] !== 0) return false
  if (block[saltAt - 1] !== 1) return false
  return timingSafeEqual(pssHash(hash, name, digest, block.subarray(saltAt)), seed)
}

/** Hash(eight zeros | mHash | salt). */
function pssHash(hash: HashFunction, name: HashName, digest: Uint8Array, salt: Uint8Array): Uint8Array {
  const input = new Uint8Array(8 + digest.length + salt.length)
  input.set(digest, 8)
  input.set(salt, 8 + digest.length)
  return hash(name, input)
}

/** XORs MGF1(seed) onto `block` (RFC 8017 appendix B.2.1). */
function mask(hash: HashFunction, name: HashName, seed: Uint8Array, block: Uint8Array): void {
  const input = new Uint8Array(seed.length + 4)
  input.set(seed, 0)
  for (let at = 0, counter = 0; at < block.length; counter++) {
    input[seed.length + 3] = counter // a modulus of 8192 bits needs 52 rounds at most
    const bytes = hash(name, input)
    for (let i = 0; i < bytes.length && at < block.length; i++, at++) block[at]! ^= bytes[i]!
  }
}
