import { SrtpError } from './errors.ts'
import { profileParameters, type SrtpProfile } from './profile.ts'

/** Master key and master salt of one direction. */
export interface SrtpKeys {
  readonly key: Uint8Array
  readonly salt: Uint8Array
}

/**
 * How many bytes to take from the DTLS exporter (`EXTRACTOR-dtls_srtp`, RFC 5764 §4.2) for both directions. Throws `ERR_SRTP_PROFILE` for an
 * unknown profile.
 */
export function keyingMaterialLength(profile: SrtpProfile): number {
  const { keyLength, saltLength } = profileParameters(profile)
  return 2 * (keyLength + saltLength)
}

/**
 * Takes the exporter's bytes apart: client key, server key, client salt, server salt (RFC 5764 §4.2). `role` is the one that this side had in the
 * DTLS handshake; `local` is for an `SrtpSender`, `remote` for an `SrtpReceiver`. Throws `ERR_SRTP_KEY` for a wrong length. The results are views.
 */
export function splitKeyingMaterial(
  profile: SrtpProfile,
  material: Uint8Array,
  role: 'client' | 'server',
): { local: SrtpKeys; remote: SrtpKeys } {
  const { keyLength, saltLength } = profileParameters(profile)
  const expected = 2 * (keyLength + saltLength)
  if (material.length !== expected) {
    throw new SrtpError('ERR_SRTP_KEY', `${profile} takes ${expected} bytes of keying material, not ${material.length}`)
  }
  const salts = 2 * keyLength
  const client = {
    key: material.subarray(0, keyLength),
    salt: material.subarray(salts, salts + saltLength),
  }
  const server = {
    key: material.subarray(keyLength, salts),
    salt: material.subarray(salts + saltLength),
  }
  return role === 'client' ? { local: client, remote: server } : { local: server, remote: client }
}
