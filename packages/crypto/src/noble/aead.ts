import { aeadSizes, checkKeyLength, checkNonce, checkOutput, deliver, isCcm, NONCE_LENGTH } from '../checks.ts'
import type { Aead, AeadName } from '../types.ts'
import { NobleCcm } from './ccm.ts'
import type { NobleLibrary } from './library.ts'

type MakeCipher = NobleLibrary['aes']['gcm'] | NobleLibrary['chacha']['chacha20poly1305']

export function createNobleAead(library: NobleLibrary, name: AeadName, key: Uint8Array): Aead {
  const { keyLength, tagLength } = aeadSizes(name)
  checkKeyLength(key.length, keyLength)
  const ownKey = key.slice()
  if (isCcm(name)) return new NobleCcm(library, name, ownKey, tagLength)
  return new NobleAead(name === 'chacha20-poly1305' ? library.chacha.chacha20poly1305 : library.aes.gcm, name, ownKey)
}

class NobleAead implements Aead {
  readonly name: AeadName
  readonly tagLength = 16
  readonly nonceLength: number = NONCE_LENGTH
  readonly #make: MakeCipher
  readonly #key: Uint8Array

  constructor(make: MakeCipher, name: AeadName, key: Uint8Array) {
    this.#make = make
    this.name = name
    this.#key = key
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number {
    checkNonce(nonce)
    checkOutput(out, outOffset, plaintext.length + this.tagLength)
    const sealed = this.#make(this.#key, nonce, aad).encrypt(plaintext)
    out.set(sealed, outOffset)
    return sealed.length
  }

  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset = 0,
  ): Uint8Array | undefined {
    checkNonce(nonce)
    const length = ciphertextAndTag.length - this.tagLength
    if (length < 0) return undefined
    if (out !== undefined) checkOutput(out, outOffset, length)
    let plaintext: Uint8Array
    try {
      plaintext = this.#make(this.#key, nonce, aad).decrypt(ciphertextAndTag)
    } catch {
      return undefined // every argument has been checked: only the tag can be wrong
    }
    return deliver(plaintext, out, outOffset)
  }
}
