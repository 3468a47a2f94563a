import { concat } from './bytes.ts'

/**
 * All handshake messages so far, in one piece each, as they enter CertificateVerify, the extended master secret and Finished. Some
 * kilobytes that live as long as the handshake; kept as bytes because CertificateVerify signs them whole (RFC 5246 §7.4.8) and the hash
 * is known only after ServerHello.
 */
export class Transcript {
  #messages: Uint8Array[] = []

  /** `raw` with the handshake header of an unfragmented message (RFC 6347 §4.2.6). */
  add(raw: Uint8Array): void {
    this.#messages.push(raw)
  }

  bytes(): Uint8Array {
    return concat(...this.#messages)
  }

  clear(): void {
    this.#messages = []
  }
}
