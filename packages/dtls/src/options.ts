import type { CryptoProvider, NamedGroup, PrivateKey, SignatureScheme } from '@kaon/crypto'
import type { DtlsError } from './error.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { ClientHello } from './handshake/client-hello.ts'
import type { SrtpProfile } from './srtp-profile.ts'
import type { CipherSuiteName } from './suites.ts'

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
  /** In order of preference. Default: AES-GCM, ChaCha20-Poly1305, AES-CBC. */
  cipherSuites?: readonly CipherSuiteName[]
  /** In order of preference. Default: X25519, P-256, P-384. */
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
  /** Client: changes the ClientHello (order, extensions, random) before it is sent. What it returns is what is offered. */
  clientHello?: (hello: ClientHello) => ClientHello
  /** Records of the replay window, a multiple of 32. Default 1024: at least 64 are required (RFC 6347 §4.1.2.6). */
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
