// What both entry points have in common. They differ in `defaultProvider`, and so in the defaults of what uses it.

export { timingSafeEqual } from './equal.ts'
export { CryptoError, type CryptoErrorCode } from './errors.ts'
export { hkdfExpand, hkdfExtract } from './hkdf.ts'
export { derToPem, pemToDer } from './pem.ts'
export { tls12Prf } from './tls12-prf.ts'
export type {
  Aead,
  AeadName,
  AesCbc,
  AesCtr,
  CryptoProvider,
  EcdhKeyPair,
  Hash,
  HashName,
  Hmac,
  KeyAlgorithm,
  NamedGroup,
  PrivateKey,
  PublicKey,
  SignatureScheme,
  SigningKeyType,
} from './types.ts'
export type { Certificate, FingerprintHash, SelfSignedOptions } from './x509/types.ts'
