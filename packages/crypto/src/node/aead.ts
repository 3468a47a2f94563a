import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type CipherCCM,
  type CipherGCMTypes,
  type DecipherCCM,
  type KeyObject,
} from 'node:crypto'
import { aeadSizes, checkKeyLength, checkNonce, checkOutput, deliver, isCcm, NONCE_LENGTH } from '../checks.ts'
import { timingSafeEqual } from '../equal.ts'
import { CryptoError } from '../errors.ts'
import type { Aead, AeadName } from '../types.ts'
import { gcmKernel, type GcmKernel } from '../wasm/gcm.ts'
import { plain } from './bytes.ts'
import { FastGcm } from './gcm.ts'

export function createNodeAead(name: AeadName, key: Uint8Array): Aead {
  const { keyLength, tagLength } = aeadSizes(name)
  checkKeyLength(key.length, keyLength)
  return new NodeAead(name, createSecretKey(key), tagLength)
}

/** AES-GCM the fast way, where that runs. `warmUp`: after how many records. */
export function createNodeGcm(name: AeadName, key: Uint8Array, warmUp?: number): Aead {
  const { keyLength, tagLength } = aeadSizes(name)
  checkKeyLength(key.length, keyLength)
  const keyObject = createSecretKey(key)
  const slow = new NodeAead(name, keyObject, tagLength)
  const kernel = trustedKernel()
  return kernel === undefined ? slow : new FastGcm(slow, keyObject, kernel, warmUp)
}

let tested = false
let trusted: GcmKernel | undefined

/** The kernel, after it has agreed with the platform on one record: this also finds a platform whose AES-ECB works in another way. */
function trustedKernel(): GcmKernel | undefined {
  if (tested) return trusted
  tested = true
  if (process.versions['bun'] !== undefined) return undefined // its cipher objects are cheap: 1.2 µs a record
  const kernel = gcmKernel()
  if (kernel === undefined) return undefined
  const bytes = Uint8Array.from({ length: 140 }, (_, i) => i)
  try {
    const key = createSecretKey(bytes.subarray(0, 16))
    const slow = new NodeAead('aes-128-gcm', key, 16)
    const fast = new FastGcm(slow, key, kernel, 0)
    const sealed = new Uint8Array(bytes.length + 16)
    fast.seal(bytes.subarray(0, 12), bytes.subarray(0, 13), bytes, sealed, 0)
    const opened = slow.open(bytes.subarray(0, 12), bytes.subarray(0, 13), sealed)
    if (opened !== undefined && timingSafeEqual(opened, bytes)) trusted = kernel
  } catch {
    // no AES-ECB
  }
  return trusted
}

/** One cipher object per record over a key that was set up once. */
class NodeAead implements Aead {
  readonly name: AeadName
  readonly tagLength: number
  readonly nonceLength: number = NONCE_LENGTH
  readonly #key: KeyObject
  readonly #ccm: boolean
  /** OpenSSL's name; Node types all of them by the one of GCM or CCM. */
  readonly #cipher: CipherGCMTypes
  readonly #options: { authTagLength: number }

  constructor(name: AeadName, key: KeyObject, tagLength: number) {
    this.name = name
    this.tagLength = tagLength
    this.#key = key
    this.#ccm = isCcm(name)
    this.#cipher = name.replace(/-8$/, '') as CipherGCMTypes
    this.#options = { authTagLength: tagLength }
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    checkNonce(nonce, this.#ccm)
    const length = plaintext.length
    checkOutput(out, outOffset, length + this.tagLength)
    if (this.#ccm) checkCcmLength(nonce, length)
    const cipher = createCipheriv(this.#cipher, this.#key, nonce, this.#options)
    if (this.#ccm) (cipher as unknown as CipherCCM).setAAD(aad, { plaintextLength: length })
    else cipher.setAAD(aad)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    out.set(ciphertext, outOffset)
    out.set(cipher.getAuthTag(), outOffset + length)
    return length + this.tagLength
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset = 0,
  ): Uint8Array | undefined {
    checkNonce(nonce, this.#ccm)
    const length = ciphertextAndTag.length - this.tagLength
    if (length < 0) return undefined
    if (out !== undefined) checkOutput(out, outOffset, length)
    if (this.#ccm && length >= maxCcmLength(nonce)) return undefined
    const decipher = createDecipheriv(this.#cipher, this.#key, nonce, this.#options)
    let plaintext: Uint8Array
    try {
      decipher.setAuthTag(ciphertextAndTag.subarray(length))
      if (this.#ccm) (decipher as unknown as DecipherCCM).setAAD(aad, { plaintextLength: length })
      else decipher.setAAD(aad)
      plaintext = decipher.update(ciphertextAndTag.subarray(0, length))
      decipher.final() // compares the tags in constant time and throws when they differ (CCM: `update` does)
    } catch {
      return undefined
    }
    return deliver(plain(plaintext), out, outOffset)
  }
}

/** First length that the length field of CCM, 15 - nonce.length bytes, cannot hold (RFC 3610 §2). */
function maxCcmLength(nonce: Uint8Array): number {
  return 2 ** (8 * (15 - nonce.length))
}

function checkCcmLength(nonce: Uint8Array, length: number): void {
  if (length < maxCcmLength(nonce)) return
  throw new CryptoError('ERR_CRYPTO_DATA_LENGTH', 'the message is too long for a nonce of this length')
}
