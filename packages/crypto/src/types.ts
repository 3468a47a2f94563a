/** Hash functions. `md5` and `sha1` exist for STUN, SRTP and old fingerprints only. */
export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Ciphers with authentication: RFC 5116 (GCM), RFC 6655 (CCM, CCM_8), RFC 8439 (ChaCha20-Poly1305). */
export type AeadName =
  | 'aes-128-gcm'
  | 'aes-256-gcm'
  | 'chacha20-poly1305'
  | 'aes-128-ccm'
  | 'aes-256-ccm'
  | 'aes-128-ccm-8'
  | 'aes-256-ccm-8'

/** Diffie-Hellman groups: RFC 7748 (X25519) and the NIST curves of RFC 8422. */
export type NamedGroup = 'x25519' | 'p256' | 'p384'

/**
 * TLS names of RFC 8446 §4.2.3. An `ecdsa_*` scheme only fixes the hash here, as in TLS 1.2: whoever needs the curve bound
 * to the scheme (TLS 1.3) compares `PublicKey.algorithm` itself.
 */
export type SignatureScheme =
  | 'ecdsa_secp256r1_sha256'
  | 'ecdsa_secp384r1_sha384'
  | 'rsa_pkcs1_sha256'
  | 'rsa_pkcs1_sha384'
  | 'rsa_pkcs1_sha512'
  | 'rsa_pss_rsae_sha256'
  | 'rsa_pss_rsae_sha384'
  | 'rsa_pss_rsae_sha512'
  | 'rsa_pkcs1_sha1'
  | 'ecdsa_sha1'

/** What kind of signing key a key is. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa'

/** What `generateSigningKey` makes: an elliptic curve, or RSA with its modulus length in bits and public exponent 65537. */
export type SigningKeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096'

/** A running hash, as a handshake transcript needs it. */
export interface Hash {
  update(data: Uint8Array): void
  /** The hash of everything so far. Leaves the state alone: more may be added afterwards. */
  digest(): Uint8Array
}

/** HMAC with a fixed key (RFC 2104). Made once per key and used for any number of messages. */
export interface Hmac {
  /** Bytes of a whole, untruncated tag. */
  readonly length: number
  /** The tag over `data`, followed by `suffix` when there is one (saves a concatenation: SRTP's rollover counter). */
  sign(data: Uint8Array, suffix?: Uint8Array): Uint8Array
}

/**
 * An AEAD cipher with a fixed key. Made once per key and direction, used for every record.
 * Both calls throw `ERR_CRYPTO_NONCE_LENGTH` for a nonce of another length.
 */
export interface Aead {
  readonly name: AeadName
  /** Bytes that `seal` adds: 16, or 8 for the CCM_8 ciphers. */
  readonly tagLength: number
  /** Bytes of a nonce: 12. The CCM ciphers also take 7 to 13 (RFC 3610 §2). */
  readonly nonceLength: number
  /**
   * Writes ciphertext and tag to `out` from `outOffset` on, and returns how many bytes that was (`plaintext.length + tagLength`).
   * `plaintext` may lie at exactly that place (in-place operation); any other overlap is a mistake with undefined results.
   * Throws `ERR_CRYPTO_OUTPUT_SIZE` when `out` is too short.
   */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array, outOffset: number): number
  /**
   * The plaintext, or undefined when the tag does not match. The result is new memory, or, when `out` is given, a view of
   * `out` from `outOffset` on (which may be the place of the ciphertext itself). A wrong tag leaves `out` untouched.
   */
  open(
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertextAndTag: Uint8Array,
    out?: Uint8Array,
    outOffset?: number,
  ): Uint8Array | undefined
}

/** AES in counter mode with a fixed key and a 128-bit big-endian counter (NIST SP 800-38A §6.5), as SRTP uses it. */
export interface AesCtr {
  /**
   * Encrypts or decrypts (the same thing). `counterBlock` is the first 16-byte counter block. Writes to `out` from `outOffset`
   * on when given (`data`'s own place is allowed), to new memory otherwise, and returns the written view.
   */
  process(counterBlock: Uint8Array, data: Uint8Array, out?: Uint8Array, outOffset?: number): Uint8Array
}

/** AES in cipher block chaining mode with a fixed key, without padding: the length must be a multiple of 16. */
export interface AesCbc {
  encrypt(iv: Uint8Array, data: Uint8Array): Uint8Array
  decrypt(iv: Uint8Array, data: Uint8Array): Uint8Array
}

/** An ephemeral Diffie-Hellman key. */
export interface EcdhKeyPair {
  readonly group: NamedGroup
  /** As it travels in a key share: 32 bytes (X25519), or the uncompressed point `04 x y`. */
  readonly publicKey: Uint8Array
  /**
   * The shared secret (X25519: 32 bytes; P-256, P-384: the x coordinate), or undefined when `peer` is no valid public key of
   * the group or the result is all zero (RFC 7748 §6.1, RFC 8422 §5.11).
   */
  deriveSecret(peer: Uint8Array): Uint8Array | undefined
}

/** A public signature key. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm
  /** Size in bits: of the modulus (RSA) or the curve. */
  readonly bits: number
  /** DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
  readonly spki: Uint8Array
  /** ECDSA signatures are DER (RFC 3279 §2.2.3). False for whatever does not fit: a wrong scheme for the key, garbage. */
  verify(scheme: SignatureScheme, data: Uint8Array, signature: Uint8Array): boolean
}

/** A private signature key. It does not show its secret except through `toPkcs8`. */
export interface PrivateKey {
  readonly algorithm: KeyAlgorithm
  readonly publicKey: PublicKey
  /** Throws `ERR_CRYPTO_KEY` when the scheme does not go with the key. */
  sign(scheme: SignatureScheme, data: Uint8Array): Uint8Array
  /** The secret itself: DER PrivateKeyInfo (RFC 5958). */
  toPkcs8(): Uint8Array
}

/**
 * The primitives that the protocols need, all synchronous. Resolved once per connection and handed down; never a global.
 * Wrong lengths of keys throw `ERR_CRYPTO_KEY`.
 */
export interface CryptoProvider {
  /** `node` or `noble`. */
  readonly name: string
  /** Cryptographically secure random bytes. */
  random(length: number): Uint8Array
  hash(name: HashName, data: Uint8Array): Uint8Array
  createHash(name: HashName): Hash
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array
  createHmac(name: HashName, key: Uint8Array): Hmac
  createAead(name: AeadName, key: Uint8Array): Aead
  /** A key of 16 or 32 bytes. */
  createAesCtr(key: Uint8Array): AesCtr
  /** A key of 16 or 32 bytes. */
  createAesCbc(key: Uint8Array): AesCbc
  /** A fresh key, or the one of `secret` (big-endian for the NIST curves), which is there for test vectors and replays. */
  generateKeyPair(group: NamedGroup, secret?: Uint8Array): EcdhKeyPair
  /** Synchronous; RSA takes its time, from 0.1 s to a few seconds. */
  generateSigningKey(type: SigningKeyType): PrivateKey
  /** DER PrivateKeyInfo. Throws `ERR_CRYPTO_KEY` for anything that is no usable private key. */
  importPrivateKey(pkcs8: Uint8Array): PrivateKey
  /** DER SubjectPublicKeyInfo. Undefined when malformed or of an algorithm that is not supported. */
  importPublicKey(spki: Uint8Array): PublicKey | undefined
}
