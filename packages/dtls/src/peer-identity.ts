import { type Fingerprint, matchesFingerprint } from './fingerprint.ts'
import { fail } from './handshake/failure.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * Who the peer is, by the certificate that it has shown and what the application knows of it: fingerprints, which may become known late, and
 * `verifyPeer`. That the peer holds the certificate's key is the handshake's business.
 */
export class PeerIdentity {
  readonly #options: ResolvedOptions
  #fingerprints: readonly Fingerprint[] | undefined
  #asked = false
  /** DER, the peer's own first; empty until it has shown one. */
  chain: readonly Uint8Array[] = []

  constructor(options: ResolvedOptions, fingerprints: readonly Fingerprint[] | undefined) {
    this.#options = options
    this.#fingerprints = fingerprints
  }

  /** Nothing is left to be checked. A peer from which no certificate was required, and that has shown none, has nothing to check. */
  get isVerified(): boolean {
    return this.chain.length === 0 || this.#fingerprints !== undefined || this.#options.verifyPeer !== undefined
  }

  /** Throws what ends the handshake when this is the wrong peer. */
  accept(chain: readonly Uint8Array[]): void {
    this.chain = chain
    this.#check()
  }

  /** Throws as `accept` does. */
  setFingerprints(list: readonly Fingerprint[]): void {
    this.#fingerprints = list
    if (this.chain.length > 0) this.#check()
  }

  #check(): void {
    const { verifyPeer, crypto } = this.#options
    if (this.#fingerprints !== undefined && !matchesFingerprint(this.chain[0]!, this.#fingerprints, crypto)) {
      // RFC 8122 §6.2, RFC 5763 §5
      fail('ERR_DTLS_FINGERPRINT', 'bad_certificate', 'the certificate of the peer does not match its fingerprints')
    }
    if (this.#asked || verifyPeer === undefined) return
    this.#asked = true
    if (!verifyPeer(this.chain)) {
      fail('ERR_DTLS_CERTIFICATE', 'bad_certificate', 'verifyPeer refused the certificate of the peer')
    }
  }
}
