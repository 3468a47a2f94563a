import { Oid } from '../der/oids.ts'
import { contextTag, Tag } from '../der/reader.ts'
import { bitString, element, objectIdentifier, sequence, smallInteger, unsignedInteger } from '../der/writer.ts'
import { CryptoError } from '../errors.ts'
import type { CryptoProvider } from '../types.ts'
import { selfSignature } from './algorithms.ts'
import { writeTime } from './time.ts'
import type { SelfSignedOptions } from './types.ts'

const VERSION_3 = 2

/** Writes and signs a certificate (RFC 5280 §4.1) without extensions, as browsers make theirs for WebRTC. */
export function writeSelfSigned(options: SelfSignedOptions, provider: CryptoProvider): Uint8Array {
  const { key, notBefore, notAfter } = options
  if (!(notBefore <= notAfter)) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'notBefore must not lie after notAfter')
  }
  const commonName = new TextEncoder().encode(options.commonName ?? 'WebRTC')
  if (commonName.length === 0 || commonName.length > 64) {
    // ub-common-name of RFC 5280 appendix A.1, in bytes to be safe
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'the common name must have 1 to 64 bytes')
  }
  const name = sequence(
    element(Tag.set, sequence(objectIdentifier(Oid.commonName), element(Tag.utf8String, commonName))),
  )
  const serial = provider.random(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40 // positive, never zero, always 16 bytes (RFC 5280 §4.1.2.2)
  const { scheme, identifier } = selfSignature(key.algorithm)
  const tbs = sequence(
    element(contextTag(0), smallInteger(VERSION_3)),
    unsignedInteger(serial),
    identifier,
    name,
    sequence(writeTime(notBefore), writeTime(notAfter)),
    name,
    key.publicKey.spki,
  )
  return sequence(tbs, identifier, bitString(key.sign(scheme, tbs)))
}
