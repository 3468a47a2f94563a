import type { CryptoProvider, PrivateKey, PublicKey, SignatureScheme } from '../types.ts'

/** What a parsed X.509 certificate says (RFC 5280 §4.1). Nothing in it has been verified. */
export interface Certificate {
  readonly der: Uint8Array
  readonly publicKey: PublicKey
  /** First and last moment of validity, in ms since the Unix epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** Big-endian two's complement, as it stands in the certificate. */
  readonly serialNumber: Uint8Array
  /** The DER of the two names. Equal for a self-issued certificate. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** The subject's common name, when it has one. */
  readonly commonName: string | undefined
  /** The signed part, what signed it (undefined for an algorithm that this package does not know) and the signature: `issuerKey.verify(signatureScheme, tbs, signature)`. */
  readonly tbs: Uint8Array
  readonly signatureScheme: SignatureScheme | undefined
  readonly signature: Uint8Array
}

/** Options of `createSelfSignedCertificate`. */
export interface SelfSignedOptions {
  /** The key that the certificate is for, and that signs it. */
  readonly key: PrivateKey
  /** Subject and issuer. `WebRTC` by default, as browsers have it: it says nothing about the machine. */
  readonly commonName?: string
  /** Validity in ms since the Unix epoch; written in whole seconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** Where the random serial number comes from: the default provider, when not given. */
  readonly provider?: CryptoProvider
}

/** Hash names of RFC 8122 §5 that can be computed here. */
export type FingerprintHash = 'md5' | 'sha-1' | 'sha-256' | 'sha-384' | 'sha-512'
