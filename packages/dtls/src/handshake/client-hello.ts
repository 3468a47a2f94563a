/** An extension with its content still encoded. */
export interface Extension {
  readonly type: number
  readonly data: Uint8Array
}

/** RFC 5246 §7.4.1.2, with the cookie of RFC 6347 §4.2.1. */
export interface ClientHello {
  readonly version: number
  /** 32 bytes. */
  readonly random: Uint8Array
  readonly sessionId: Uint8Array
  readonly cookie: Uint8Array
  readonly cipherSuites: readonly number[]
  readonly compressionMethods: readonly number[]
  readonly extensions: readonly Extension[]
}
