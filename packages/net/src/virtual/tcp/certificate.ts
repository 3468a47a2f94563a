// Certificates of the virtual network: text in the shape of PEM that says who signed for which names. There is no
// cryptography in it; it answers the questions that a client's checks ask.

import { normalizeAddress } from '../../address.ts'
import { NetError } from '../../errors.ts'
import type { TlsOptions, TlsServerOptions } from '../../network.ts'

export interface VirtualCertificateOptions {
  /** Nobody vouches for it but itself: trusted only by whom it was given as an authority. Default false. */
  selfSigned?: boolean
  /** ms since the Unix epoch, on `wallClock()`. Default never. */
  notAfter?: number
}

/** What to give to `listenTcp({ tls })`. */
export type VirtualIdentity = Pick<TlsServerOptions, 'certificate' | 'privateKey'>

export interface Certificate {
  readonly serial: number
  /** Serial number of who signed it; the own one if nobody did. */
  readonly issuer: number
  /** Host names, also `*.example.org`, and IP addresses. */
  readonly names: readonly string[]
  readonly notAfter: number | null
}

const BEGIN = '-----BEGIN VIRTUAL CERTIFICATE-----\n'
const END = '\n-----END VIRTUAL CERTIFICATE-----\n'
const KEY_BEGIN = '-----BEGIN VIRTUAL PRIVATE KEY-----\n'
const KEY_END = '\n-----END VIRTUAL PRIVATE KEY-----\n'

export function writeIdentity(certificate: Certificate): VirtualIdentity {
  return {
    certificate: `${BEGIN}${JSON.stringify(certificate)}${END}`,
    privateKey: `${KEY_BEGIN}${certificate.serial}${KEY_END}`,
  }
}

/** Undefined for what is no certificate of a virtual network. */
export function parseCertificate(text: string): Certificate | undefined {
  if (!text.startsWith(BEGIN) || !text.endsWith(END)) return undefined
  try {
    const value = JSON.parse(text.slice(BEGIN.length, -END.length)) as Partial<Certificate> | null
    if (value === null || typeof value !== 'object') return undefined
    const { serial, issuer, names, notAfter } = value
    if (typeof serial !== 'number' || typeof issuer !== 'number') return undefined
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) return undefined
    return { serial, issuer, names, notAfter: typeof notAfter === 'number' ? notAfter : null }
  } catch {
    return undefined
  }
}

/** @throws NetError `ERR_NET_BIND` for what OpenSSL, too, would not serve with */
export function checkIdentity({ certificate, privateKey }: VirtualIdentity): void {
  const parsed = parseCertificate(certificate)
  if (parsed === undefined) {
    throw new NetError('ERR_NET_BIND', 'Not a certificate of a virtual network (see issueCertificate)', {
      systemCode: 'ERR_OSSL_PEM_NO_START_LINE',
    })
  }
  if (privateKey !== writeIdentity(parsed).privateKey) {
    throw new NetError('ERR_NET_BIND', 'The private key belongs to another certificate', {
      systemCode: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
    })
  }
}

/** What is wrong with a server's certificate, by the name that OpenSSL or Node gives it. */
export function rejectionOf(
  certificate: Certificate | undefined,
  host: string,
  options: TlsOptions,
  defaultAuthority: string,
  wallClock: number,
): string | undefined {
  if (options.insecure === true) return undefined
  if (certificate === undefined) return 'ERR_SSL_WRONG_SIGNATURE_TYPE'
  const authorities = options.authorities ?? [defaultAuthority]
  if (!authorities.some((text) => parseCertificate(text)?.serial === certificate.issuer)) {
    return certificate.issuer === certificate.serial ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
  }
  if (certificate.notAfter !== null && wallClock > certificate.notAfter) return 'CERT_HAS_EXPIRED'
  const wanted = options.serverName ?? host
  return certificate.names.some((name) => matches(name, wanted)) ? undefined : 'ERR_TLS_CERT_ALTNAME_INVALID'
}

// RFC 9525 §6.3: a wildcard stands for one whole label, the leftmost.
function matches(name: string, wanted: string): boolean {
  const address = normalizeAddress(wanted)
  if (address !== undefined) return normalizeAddress(name) === address
  const [pattern, host] = [name.toLowerCase(), wanted.toLowerCase()]
  if (!pattern.startsWith('*.')) return pattern === host
  const dot = host.indexOf('.')
  return dot > 0 && host.slice(dot) === pattern.slice(1)
}
