/** W3C WebRTC 1.0 §4.9: the certificates that a connection shows its peer. */
import {
  createSelfSignedCertificate,
  defaultProvider,
  derToPem,
  fingerprint,
  parseCertificate,
  pemToDer,
  type CryptoProvider,
  type PrivateKey,
  type SigningKeyType,
} from '@kaon/crypto'
import { defineInterface } from './interface.ts'
import { domError } from './rtc-error.ts'
import type { RTCDtlsFingerprint } from './types.ts'
import { assertInternal, enforceRange, INTERNAL, toDOMString } from './webidl.ts'

const DEFAULT_LIFETIME = 30 * 24 * 60 * 60 * 1000
const MAX_LIFETIME = 365 * 24 * 60 * 60 * 1000
/** The certificate is valid from a day ago on, for peers whose clock is slow. */
const CLOCK_SKEW = 24 * 60 * 60 * 1000

/** WebCrypto's `AlgorithmIdentifier` as `generateCertificate` takes it. */
export type CertificateAlgorithm =
  | string
  | {
      name: string
      namedCurve?: string
      modulusLength?: number
      publicExponent?: Uint8Array
      hash?: string | { name: string }
      /** ms from now; default 30 days, at most 365. */
      expires?: number
    }

export class RTCCertificate {
  readonly #der: Uint8Array
  readonly #privateKey: PrivateKey
  readonly #expires: number

  /** Not for scripts: `RTCPeerConnection.generateCertificate` and `RTCCertificate.fromPem` make certificates. */
  constructor(token: symbol, der: Uint8Array, privateKey: PrivateKey, expires: number) {
    assertInternal(token)
    this.#der = der
    this.#privateKey = privateKey
    this.#expires = expires
  }

  /** ms since the Unix epoch; a connection cannot be made with the certificate afterwards. */
  get expires(): number {
    return this.#expires
  }

  getFingerprints(): RTCDtlsFingerprint[] {
    return [{ algorithm: 'sha-256', value: fingerprint(this.#der, 'sha-256').toLowerCase() }]
  }

  /**
   * Extension: the certificate and its private key as text, to be kept and read again with `fromPem`. Browsers store
   * certificates by structured cloning, which has no place for classes outside the platform. The key is not encrypted.
   */
  toPem(): { certificate: string; privateKey: string } {
    return {
      certificate: derToPem(this.#der, 'CERTIFICATE'),
      privateKey: derToPem(this.#privateKey.toPkcs8(), 'PRIVATE KEY'),
    }
  }

  /** Extension: the reverse of `toPem`. Throws `InvalidAccessError` for what is no certificate with its key. */
  static fromPem(
    pem: { certificate: string; privateKey: string },
    provider: CryptoProvider = defaultProvider,
  ): RTCCertificate {
    const invalid = (what: string): never => {
      throw domError('InvalidAccessError', what)
    }
    const der = pemToDer(pem.certificate, 'CERTIFICATE')[0] ?? invalid('No PEM certificate')
    const certificate = parseCertificate(der, provider) ?? invalid('The certificate cannot be read')
    let privateKey: PrivateKey
    try {
      privateKey = provider.importPrivateKey(
        pemToDer(pem.privateKey, 'PRIVATE KEY')[0] ?? invalid('No PEM private key'),
      )
    } catch {
      return invalid('The private key cannot be read')
    }
    const [a, b] = [privateKey.publicKey.spki, certificate.publicKey.spki]
    if (a.length !== b.length || a.some((byte, i) => byte !== b[i])) {
      invalid('The private key does not belong to the certificate')
    }
    return new RTCCertificate(INTERNAL, der, privateKey, certificate.notAfter)
  }

  /** Not for scripts: what the DTLS layer shows the peer. */
  static credentials(certificate: RTCCertificate): { chain: Uint8Array[]; privateKey: PrivateKey } {
    return { chain: [certificate.#der], privateKey: certificate.#privateKey }
  }
}

defineInterface(RTCCertificate, 'RTCCertificate', { isInternal: true })

/** The default certificate of a connection: ECDSA on P-256, signed with SHA-256. */
export function createCertificate(
  wallClock: number,
  keyType: SigningKeyType = 'ecdsa-p256',
  lifetime: number = DEFAULT_LIFETIME,
  provider: CryptoProvider = defaultProvider,
): RTCCertificate {
  const key = provider.generateSigningKey(keyType)
  const expires = wallClock + lifetime
  // Nothing in it says who made it: the name is random (§4.9.1).
  const commonName = Array.from(provider.random(8), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const der = createSelfSignedCertificate({
    key,
    commonName,
    notBefore: wallClock - CLOCK_SKEW,
    notAfter: expires,
    provider,
  })
  return new RTCCertificate(INTERNAL, der, key, expires)
}

/** The static method's steps. Rejects with `TypeError` or `NotSupportedError`. */
export async function generateCertificate(algorithm: CertificateAlgorithm): Promise<RTCCertificate> {
  let lifetime = DEFAULT_LIFETIME
  if (typeof algorithm === 'object' && algorithm !== null && algorithm.expires !== undefined) {
    lifetime = Math.min(enforceRange(algorithm.expires, Number.MAX_SAFE_INTEGER, 'expires'), MAX_LIFETIME)
  }
  return createCertificate(new Date().getTime(), keyType(algorithm), lifetime)
}

/** WebCrypto's "normalize an algorithm" for key generation, with the algorithms that DTLS has a use for. */
function keyType(algorithm: CertificateAlgorithm): SigningKeyType {
  const unsupported = (what: string): never => {
    throw domError('NotSupportedError', `${what} is not supported for certificates`)
  }
  const member = <T>(value: T | undefined, name: string): T => {
    if (value === undefined) throw new TypeError(`The algorithm needs '${name}'`)
    return value
  }
  const parameters: Exclude<CertificateAlgorithm, string> =
    typeof algorithm === 'object' && algorithm !== null ? algorithm : { name: toDOMString(algorithm) }
  const name = toDOMString(member(parameters.name, 'name')).toUpperCase()
  if (name === 'ECDSA') {
    const curve = toDOMString(member(parameters.namedCurve, 'namedCurve'))
    return curve === 'P-256' ? 'ecdsa-p256' : unsupported(`The curve ${curve}`)
  }
  if (name === 'RSASSA-PKCS1-V1_5') {
    const length = enforceRange(member(parameters.modulusLength, 'modulusLength'), 0xffffffff, 'modulusLength')
    const exponent = member(parameters.publicExponent, 'publicExponent')
    if (!(exponent instanceof Uint8Array)) throw new TypeError('publicExponent must be a Uint8Array')
    const hash = member(parameters.hash, 'hash')
    const hashName = toDOMString(typeof hash === 'object' && hash !== null ? member(hash.name, 'hash.name') : hash)
    if (hashName.toUpperCase() !== 'SHA-256') unsupported(`The hash ${hashName}`)
    const significant = exponent.subarray(exponent.findIndex((byte) => byte !== 0))
    if (significant.length !== 3 || significant[0] !== 1 || significant[1] !== 0 || significant[2] !== 1) {
      unsupported('A public exponent other than 65537')
    }
    if (length !== 2048 && length !== 3072 && length !== 4096) unsupported(`A modulus of ${length} bits`)
    return `rsa-${length as 2048 | 3072 | 4096}`
  }
  return unsupported(`The algorithm ${toDOMString(parameters.name)}`)
}
