/** W3C WebRTC 1.0 §4.2.1 and §4.4.1.6: `RTCConfiguration`, converted and checked. */
import type { CryptoProvider } from '@kaon/crypto'
import { checkIceOptions } from '@kaon/ice/driver'
import type { Network } from '@kaon/net'
import { RTCCertificate } from './certificate.ts'
import { domError } from './rtc-error.ts'
import type { DtlsSettings, IceSettings, SctpSettings, Trace } from './transport/settings.ts'
import type {
  RTCBundlePolicy,
  RTCConfiguration,
  RTCIceServer,
  RTCIceTransportPolicy,
  RTCRtcpMuxPolicy,
} from './types.ts'
import { enforceRange, toDictionary, toDOMString, toEnum, toSequence, toUSVString } from './webidl.ts'

/** Servers beyond this are ignored; at least 32 have to be taken. */
const MAX_ICE_SERVERS = 64

/** A configuration with its defaults filled in. */
export interface Configuration {
  readonly iceServers: readonly RTCIceServer[]
  /** The same, as the ICE layer reads them. */
  readonly usableServers: readonly RTCIceServer[]
  readonly iceTransportPolicy: RTCIceTransportPolicy
  readonly bundlePolicy: RTCBundlePolicy
  readonly rtcpMuxPolicy: RTCRtcpMuxPolicy
  readonly certificates: readonly RTCCertificate[]
  readonly iceCandidatePoolSize: number
  readonly ice: IceSettings | undefined
  readonly dtls: DtlsSettings | undefined
  readonly sctp: SctpSettings | undefined
  readonly net: Network | undefined
  readonly crypto: CryptoProvider | undefined
  readonly trace: Trace | undefined
}

/** Web IDL conversion. Throws `TypeError` for values of the wrong type. */
export function toConfiguration(value: RTCConfiguration | null | undefined): Configuration {
  const init = toDictionary(value, 'RTCConfiguration')
  const certificates =
    init.certificates === undefined ? [] : toSequence<RTCCertificate>(init.certificates, 'certificates')
  for (const certificate of certificates) {
    if (!(certificate instanceof RTCCertificate)) throw new TypeError('certificates must hold RTCCertificate objects')
  }
  return {
    iceServers: init.iceServers === undefined ? [] : toSequence(init.iceServers, 'iceServers').map(toIceServer),
    usableServers: [],
    iceTransportPolicy: toEnum(init.iceTransportPolicy, ['all', 'relay'], 'all', 'RTCIceTransportPolicy'),
    bundlePolicy: toEnum(init.bundlePolicy, ['balanced', 'max-compat', 'max-bundle'], 'balanced', 'RTCBundlePolicy'),
    rtcpMuxPolicy: toEnum(init.rtcpMuxPolicy, ['require'], 'require', 'RTCRtcpMuxPolicy'),
    certificates,
    iceCandidatePoolSize:
      init.iceCandidatePoolSize === undefined
        ? 0
        : enforceRange(init.iceCandidatePoolSize, 255, 'iceCandidatePoolSize'),
    ice: init.ice,
    dtls: init.dtls,
    sctp: init.sctp,
    net: init.net,
    crypto: init.crypto,
    trace: init.trace,
  }
}

function toIceServer(value: unknown): RTCIceServer {
  const { urls, username, credential } = toDictionary(value as RTCIceServer, 'RTCIceServer')
  if (urls === undefined) throw new TypeError("RTCIceServer needs 'urls'")
  return {
    urls:
      typeof urls === 'object' && urls !== null && Symbol.iterator in urls
        ? toSequence<string>(urls, 'urls').map(toUSVString)
        : [toUSVString(urls)],
    ...(username === undefined ? {} : { username: toDOMString(username) }),
    ...(credential === undefined ? {} : { credential: toDOMString(credential) }),
  }
}

/** What `getConfiguration` returns: a copy that the caller may change. */
export function exposeConfiguration(configuration: Configuration): RTCConfiguration {
  const { iceServers, usableServers: _, certificates, ice, dtls, sctp, net, crypto, trace, ...rest } = configuration
  return {
    ...rest,
    // A single URL comes back in an array, as in browsers.
    iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
    certificates: [...certificates],
    ...(ice === undefined ? {} : { ice }),
    ...(dtls === undefined ? {} : { dtls }),
    ...(sctp === undefined ? {} : { sctp }),
    ...(net === undefined ? {} : { net }),
    ...(crypto === undefined ? {} : { crypto }),
    ...(trace === undefined ? {} : { trace }),
  }
}

/**
 * The checks of "set the configuration". `old` is null in the constructor. Returns the configuration to store.
 * Throws `InvalidModificationError`, `SyntaxError`, `InvalidAccessError`; `IceError` for `ice`.
 */
export function checkConfiguration(
  configuration: Configuration,
  old: Configuration | null,
  localDescriptionSet: boolean,
): Configuration {
  if (old !== null) checkModification(configuration, old, localDescriptionSet)
  const iceServers = configuration.iceServers.slice(0, MAX_ICE_SERVERS)
  const usableServers = iceServers.map((server) => ({ ...server, urls: checkServer(server) }))
  // What the layers below were built with cannot change under them.
  if (old === null) {
    checkIceOptions(configuration.ice ?? {})
    return { ...configuration, iceServers, usableServers }
  }
  const { ice, dtls, sctp, net, crypto, trace } = old
  return { ...configuration, iceServers, usableServers, ice, dtls, sctp, net, crypto, trace }
}

function checkModification(configuration: Configuration, old: Configuration, localDescriptionSet: boolean): void {
  const fail = (what: string): never => {
    throw domError('InvalidModificationError', `${what} cannot change after construction`)
  }
  // Left out, the certificates in use stay: what getConfiguration returned before they were known must be settable.
  if (configuration.certificates.length !== old.certificates.length) fail('certificates')
  if (configuration.certificates.some((certificate, i) => certificate !== old.certificates[i])) fail('certificates')
  if (configuration.bundlePolicy !== old.bundlePolicy) fail('bundlePolicy')
  if (configuration.rtcpMuxPolicy !== old.rtcpMuxPolicy) fail('rtcpMuxPolicy')
  if (configuration.iceCandidatePoolSize !== old.iceCandidatePoolSize && localDescriptionSet) {
    throw domError('InvalidModificationError', 'iceCandidatePoolSize cannot change after setLocalDescription')
  }
}

/** Returns the URLs that can be used. */
function checkServer(server: RTCIceServer): string[] {
  if (server.urls.length === 0) throw domError('SyntaxError', 'An ICE server has no URL')
  return [...server.urls].map((url) => checkServerUrl(url, server)).filter((url) => PLAIN_URL.test(url))
}

/** What RFC 7064 §3.1 and RFC 7065 §3.1 allow, which is less than a URL parser takes. */
const PLAIN_URL =
  /^(stun|turn)s?:(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(:0*[1-9]\d{0,4})?(\?transport=(udp|tcp))?$/i

/**
 * "Validate an ICE server URL", RFC 7064 §3.1 and RFC 7065 §3.1. Returns it with what a URL parser mends mended: names of
 * other alphabets, white space of the file that it was read from.
 */
function checkServerUrl(url: string, server: RTCIceServer): string {
  const fail = (): never => {
    throw domError('SyntaxError', `'${url}' is not a valid STUN or TURN URL`)
  }
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return fail()
  }
  const scheme = parsed.protocol.slice(0, -1)
  if (!['stun', 'stuns', 'turn', 'turns'].includes(scheme)) fail()
  const path = parsed.pathname
  // An opaque path does not begin with a slash; with one, the URL has an authority or a list of segments.
  if (path === '' || path.startsWith('/') || parsed.host !== '' || /[/@]/.test(path)) fail()
  if (parsed.href.includes('#')) fail()
  const query = parsed.href.indexOf('?')
  const turn = scheme === 'turn' || scheme === 'turns'
  if (query >= 0) {
    if (!turn) fail()
    if (!/^\?transport=(udp|tcp)$/.test(parsed.href.slice(query))) fail()
  }
  let hostAndPort: URL
  try {
    hostAndPort = new URL(`https://${path}`)
  } catch {
    return fail()
  }
  if (hostAndPort.pathname !== '/' || hostAndPort.username !== '' || hostAndPort.password !== '') fail()
  if (turn && (server.username === undefined || server.credential === undefined)) {
    throw domError('InvalidAccessError', `'${url}' needs a username and a credential`)
  }
  if (PLAIN_URL.test(url)) return url
  // The parser leaves out 443, the port of the scheme that it was given.
  const port = hostAndPort.port || new URL(`http://${path}`).port
  return `${scheme}:${hostAndPort.hostname}${port === '' ? '' : `:${port}`}${query < 0 ? '' : parsed.href.slice(query)}`
}
