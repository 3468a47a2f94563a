import {
  type CryptoProvider,
  defaultProvider,
  type NamedGroup,
  type PrivateKey,
  type SignatureScheme,
} from '@kaon/crypto'
import { DtlsError } from './error.ts'
import type { Fingerprint } from './fingerprint.ts'
import { MIN_MTU } from './flight.ts'
import type { ClientHello } from './handshake/client-hello.ts'
import { groupId } from './handshake/key-exchange.ts'
import { DEFAULT_SIGNATURE_SCHEMES, schemeId } from './handshake/signature.ts'
import { type SrtpProfile, srtpProfileId } from './srtp-profile.ts'
import { type CipherSuite, type CipherSuiteName, defaultSuites, suiteByName } from './suites.ts'

/** A certificate with its key. */
export interface DtlsCertificate {
  /** DER certificates, the own one first (RFC 5246 §7.4.2). */
  readonly chain: readonly Uint8Array[]
  readonly privateKey: PrivateKey
}

/** What a `DtlsConnection` can be told. Times are ms. */
export interface DtlsOptions {
  /** Who sends the ClientHello. Behind SDP, `a=setup:active` is the client (RFC 8842 §5). */
  role: 'client' | 'server'
  /** Servers need one; a client without one answers a request for it with an empty list. */
  certificate?: DtlsCertificate
  /** Monotonic ms. */
  now: number
  /** The platform's by default. */
  crypto?: CryptoProvider
  /** Random bytes for hello randoms and cookies; `crypto.random` by default. Keys always come from `crypto`. */
  random?: (length: number) => Uint8Array
  /**
   * Bytes of the largest datagram that a handshake flight uses. Default 1200, which fits every path that WebRTC uses; at least 128.
   * After three timeouts, flights are cut to 548 bytes (RFC 6347 §4.1.1.1). Application data is never cut.
   */
  mtu?: number
  /**
   * First retransmission timeout. Default 1000 (RFC 6347 §4.2.4.1). Behind ICE, whose checks know the round-trip time, two round trips
   * and at least 50 ms are what browsers do; doubling per timeout either way.
   */
  retransmissionTimeout?: number
  /** Where doubling ends. Default 60000 (RFC 6347 §4.2.4.1). */
  maxRetransmissionTimeout?: number
  /** A handshake that takes longer fails with `ERR_DTLS_TIMEOUT`. Default 60000, Infinity allowed. */
  handshakeTimeout?: number
  /** In order of preference. Default: ChaCha20-Poly1305, AES-GCM, AES-CBC. */
  cipherSuites?: readonly CipherSuiteName[]
  /** In order of preference. Default: X25519 and P-256, the faster one of the two on this platform first, then P-384. */
  groups?: readonly NamedGroup[]
  /** What the peer may sign with, in order of preference. Default: everything but SHA-1 (RFC 9155). */
  signatureSchemes?: readonly SignatureScheme[]
  /** Offered or accepted with `use_srtp` (RFC 5764), in order of preference. Default: none, no extension. */
  srtpProfiles?: readonly SrtpProfile[]
  /** Called with the peer's chain (DER, its own first); false refuses it. Together with fingerprints, both must agree. */
  verifyPeer?: (chain: readonly Uint8Array[]) => boolean
  /**
   * The `a=fingerprint` lines of the peer (RFC 8122). Left out and without `verifyPeer`, the handshake runs, but `connected` waits for
   * `setRemoteFingerprints`.
   */
  remoteFingerprints?: readonly Fingerprint[]
  /** Server: a client without a certificate is refused. Default true. */
  requireClientCertificate?: boolean
  /** Server: ask for a certificate. Default: as `requireClientCertificate`. */
  requestClientCertificate?: boolean
  /**
   * Server: HelloVerifyRequest (RFC 6347 §4.2.1). `true` makes this connection send one before it does any work, `'verified'` says that
   * a `CookieGate` has checked the ClientHello that comes now. Default false: behind ICE the path is validated already.
   */
  cookie?: boolean | 'verified'
  /**
   * Server without cookies: whether the client is known to receive where it sends from, as ICE makes sure. Default true. If not, a flight
   * goes out once per hello and never by timeout, so that nobody can have others flooded by writing hellos in their name.
   */
  pathValidated?: boolean
  /** Client: changes the ClientHello (order, extensions, random) before it is sent. What it returns is what is offered. */
  clientHello?: (hello: ClientHello) => ClientHello
  /** Records of the replay window, a power of two. Default 1024: at least 64 are required (RFC 6347 §4.1.2.6). */
  replayWindow?: number
  /** Bytes of the largest handshake message that is accepted. Default 65536. */
  maxHandshakeMessage?: number
  /** Takes lines for an NSS key log file: the secrets of this connection. For debugging only. */
  keyLog?: (line: string) => void
  trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

/** As `RTCDtlsTransportState`. */
export type DtlsState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'

/** What `pollEvent` tells. `closed` is the peer's doing: the own `close()` is not reported. */
export type DtlsEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly error: DtlsError }

/** What was negotiated. */
export interface DtlsSelected {
  /** 0xfefd: DTLS 1.2. */
  readonly version: number
  readonly cipherSuite: CipherSuiteName
  readonly group: NamedGroup
  /** Undefined when the two have none in common. */
  readonly srtpProfile: SrtpProfile | undefined
  readonly extendedMasterSecret: boolean
}

/** Counters since the connection was made. */
export interface DtlsStats {
  datagramsReceived: number
  datagramsSent: number
  bytesReceived: number
  bytesSent: number
  recordsReceived: number
  recordsSent: number
  /** Flights that were sent again: on a timeout, or because the peer repeated its own. */
  flightsRetransmitted: number
  /** No record header, or a length beyond the datagram. */
  droppedMalformed: number
  /** Content type, version or epoch that is not expected here. */
  droppedUnexpected: number
  /** Seen before, or older than the replay window. */
  droppedReplayed: number
  /** Tag, MAC or padding is wrong. */
  droppedUnauthenticated: number
  /** Held records or handshake fragments beyond a limit. */
  droppedOverflow: number
  /** Alerts without protection that were not believed. */
  ignoredAlerts: number
  /** HelloRequest or ClientHello after the handshake: renegotiation is refused. */
  refusedRenegotiations: number
}

/** Options with every default filled in and every value checked. */
export interface ResolvedOptions {
  readonly role: 'client' | 'server'
  readonly certificate: DtlsCertificate | undefined
  readonly crypto: CryptoProvider
  readonly random: (length: number) => Uint8Array
  readonly mtu: number
  readonly retransmissionTimeout: number
  readonly maxRetransmissionTimeout: number
  readonly handshakeTimeout: number
  readonly suites: readonly CipherSuite[]
  readonly groups: readonly NamedGroup[]
  readonly signatureSchemes: readonly SignatureScheme[]
  readonly srtpProfiles: readonly SrtpProfile[]
  readonly verifyPeer: ((chain: readonly Uint8Array[]) => boolean) | undefined
  readonly requireClientCertificate: boolean
  readonly requestClientCertificate: boolean
  readonly cookie: boolean | 'verified'
  readonly pathValidated: boolean
  readonly clientHello: ((hello: ClientHello) => ClientHello) | undefined
  readonly replayWindow: number
  readonly maxHandshakeMessage: number
  readonly keyLog: ((line: string) => void) | undefined
}

/** Throws `ERR_DTLS_OPTIONS` for what cannot work. */
export function resolveOptions(options: DtlsOptions): ResolvedOptions {
  const { role, certificate } = options
  if (role !== 'client' && role !== 'server') refuse('role must be client or server')
  if (role === 'server' && certificate === undefined) refuse('a server needs a certificate')
  if (certificate !== undefined && certificate.chain.length === 0) refuse('certificate.chain is empty')
  const crypto = options.crypto ?? defaultProvider
  const requireClientCertificate = options.requireClientCertificate ?? true
  const resolved: ResolvedOptions = {
    role,
    certificate,
    crypto,
    random: options.random ?? ((length) => crypto.random(length)),
    mtu: inRange('mtu', options.mtu ?? 1200, MIN_MTU, 65507),
    retransmissionTimeout: checkTimeout(options.retransmissionTimeout ?? 1000),
    maxRetransmissionTimeout: inRange('maxRetransmissionTimeout', options.maxRetransmissionTimeout ?? 60_000, 1, 3.6e6),
    handshakeTimeout: inRange('handshakeTimeout', options.handshakeTimeout ?? 60_000, 1, Infinity),
    suites: (options.cipherSuites ?? defaultSuites()).map(
      (name) => suiteByName(name) ?? refuse(`unknown cipher suite ${name}`),
    ),
    groups: options.groups ?? defaultGroups(crypto.name),
    signatureSchemes: options.signatureSchemes ?? DEFAULT_SIGNATURE_SCHEMES,
    srtpProfiles: options.srtpProfiles ?? [],
    verifyPeer: options.verifyPeer,
    requireClientCertificate,
    requestClientCertificate: options.requestClientCertificate ?? requireClientCertificate,
    cookie: options.cookie ?? false,
    pathValidated: options.pathValidated ?? true,
    clientHello: options.clientHello,
    replayWindow: inRange('replayWindow', options.replayWindow ?? 1024, 64, 65536),
    maxHandshakeMessage: inRange('maxHandshakeMessage', options.maxHandshakeMessage ?? 65536, 2048, 0xffffff),
    keyLog: options.keyLog,
  }
  if (resolved.suites.length === 0) refuse('cipherSuites is empty')
  if (resolved.groups.length === 0) refuse('groups is empty')
  if (resolved.signatureSchemes.length === 0) refuse('signatureSchemes is empty')
  if ((resolved.replayWindow & (resolved.replayWindow - 1)) !== 0) refuse('replayWindow must be a power of two')
  for (const group of resolved.groups) if (groupId(group) === undefined) refuse(`unknown group ${group}`)
  for (const scheme of resolved.signatureSchemes) {
    if (schemeId(scheme) === undefined) refuse(`unknown signature scheme ${scheme}`)
  }
  for (const profile of resolved.srtpProfiles) {
    if (srtpProfileId(profile) === undefined) refuse(`unknown SRTP profile ${profile}`)
  }
  if (resolved.requireClientCertificate && !resolved.requestClientCertificate) {
    refuse('requireClientCertificate needs requestClientCertificate')
  }
  return resolved
}

/**
 * Both are as good; they differ in cost. An exchange takes `node:crypto` 170 µs with P-256 and 390 with X25519, and noble 3 ms more
 * with P-256.
 */
function defaultGroups(providerName: string): NamedGroup[] {
  return providerName === 'noble' ? ['x25519', 'p256', 'p384'] : ['p256', 'x25519', 'p384']
}

/** Throws `ERR_DTLS_OPTIONS`. */
export function checkTimeout(timeout: number): number {
  return inRange('retransmissionTimeout', timeout, 1, 60_000)
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) refuse(`${name} must be between ${min} and ${max}`)
  return value
}

function refuse(message: string): never {
  throw new DtlsError('ERR_DTLS_OPTIONS', message)
}

export function newStats(): DtlsStats {
  return {
    datagramsReceived: 0,
    datagramsSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    recordsReceived: 0,
    recordsSent: 0,
    flightsRetransmitted: 0,
    droppedMalformed: 0,
    droppedUnexpected: 0,
    droppedReplayed: 0,
    droppedUnauthenticated: 0,
    droppedOverflow: 0,
    ignoredAlerts: 0,
    refusedRenegotiations: 0,
  }
}
