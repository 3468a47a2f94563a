import type { CryptoProvider } from '@kaon/crypto'
import { SrtpError } from './errors.ts'
import type { SrtpKeys } from './keying-material.ts'
import { profileParameters, type SrtpProfile } from './profile.ts'

/** What the packets of one direction and one protocol (SRTP or SRTCP) are protected with. */
export interface SessionKeys {
  readonly cipherKey: Uint8Array
  readonly salt: Uint8Array
  /** Empty for AEAD ciphers. */
  readonly authenticationKey: Uint8Array
}

const AUTHENTICATION_KEY_LENGTH = 20 // RFC 3711 §8.2

// Labels of RFC 3711 §4.3.1 and §4.3.2; those of SRTCP are three higher.
const CIPHER_KEY = 0
const AUTHENTICATION_KEY = 1
const SALT = 2
const RTCP_LABELS = 3

/** Session keys out of the master key: RFC 3711 §4.3, with a key derivation rate of 0. Throws `ERR_SRTP_KEY` for wrong lengths. */
export function deriveSessionKeys(
  crypto: CryptoProvider,
  profile: SrtpProfile,
  master: SrtpKeys,
): { rtp: SessionKeys; rtcp: SessionKeys } {
  const { aead, keyLength, saltLength } = profileParameters(profile)
  if (master.key.length !== keyLength || master.salt.length !== saltLength) {
    throw new SrtpError(
      'ERR_SRTP_KEY',
      `${profile} takes a key of ${keyLength} and a salt of ${saltLength} bytes, not ${master.key.length} and ${master.salt.length}`,
    )
  }
  const prf = crypto.createAesCtr(master.key)
  // RFC 3711 §4.3.1 and §4.3.3: x = label · 2^48 XOR salt, and the counter starts at x · 2^16. A salt of 96 bits is filled up with
  // zeros on the right (RFC 7714 §11).
  const derive = (label: number, length: number): Uint8Array => {
    const counterBlock = new Uint8Array(16)
    counterBlock.set(master.salt)
    counterBlock[7]! ^= label
    return prf.process(counterBlock, new Uint8Array(length))
  }
  const session = (labels: number): SessionKeys => ({
    cipherKey: derive(labels + CIPHER_KEY, keyLength),
    salt: derive(labels + SALT, saltLength),
    authenticationKey: derive(labels + AUTHENTICATION_KEY, aead ? 0 : AUTHENTICATION_KEY_LENGTH),
  })
  return { rtp: session(0), rtcp: session(RTCP_LABELS) }
}
