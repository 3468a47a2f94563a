/** Stable names of what a caller can do wrong. */
export type CryptoErrorCode =
  | 'ERR_CRYPTO_KEY'
  | 'ERR_CRYPTO_NONCE_LENGTH'
  | 'ERR_CRYPTO_OUTPUT_SIZE'
  | 'ERR_CRYPTO_DATA_LENGTH'
  | 'ERR_CRYPTO_UNSUPPORTED'
  | 'ERR_CRYPTO_ARGUMENT'

/** A caller's mistake. Its message never contains key material or data. */
export class CryptoError extends Error {
  readonly code: CryptoErrorCode
  constructor(code: CryptoErrorCode, message: string) {
    super(message)
    this.name = 'CryptoError'
    this.code = code
  }
}
