import type { SignatureScheme } from '@kaon/crypto'
import { EMPTY, sameBytes } from './bytes.ts'
import { DtlsError } from './error.ts'
import {
  CLIENT_CERTIFICATE_ECDSA_SIGN,
  CLIENT_CERTIFICATE_RSA_SIGN,
  type CertificateRequest,
  decodeCertificateRequest,
} from './handshake/certificate-request.ts'
import { decodeCertificate, encodeCertificate } from './handshake/certificate.ts'
import { type ClientHello, decodeClientHello, encodeClientHello, type Extension } from './handshake/client-hello.ts'
import {
  decodeList16,
  decodeUseSrtp,
  encodeList16,
  encodeUseSrtp,
  ExtensionType,
  findExtension,
  hasExtendedMasterSecret,
} from './handshake/extensions.ts'
import { decoded, fail } from './handshake/failure.ts'
import { Handshake12 } from './handshake/handshake12.ts'
import { HandshakeType } from './handshake/header.ts'
import { decodeHelloVerifyRequest } from './handshake/hello-verify-request.ts'
import { decodeServerKeyExchange, encodeClientKeyExchange, groupId, groupOf } from './handshake/key-exchange.ts'
import { decodeServerHello } from './handshake/server-hello.ts'
import { chooseScheme, encodeCertificateVerify, schemeId } from './handshake/signature.ts'
import type { HandshakeMessage } from './reassembler.ts'
import { VERSION_1_2 } from './record/header.ts'
import { srtpProfileId, srtpProfileOf } from './srtp-profile.ts'
import { EMPTY_RENEGOTIATION_INFO_SCSV, suiteById } from './suites.ts'

/** What a ServerHello may agree to, since it is understood here; a customised hello may offer more, for show. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  ExtensionType.serverName, // an empty acknowledgement
  ExtensionType.supportedGroups, // some servers echo it
  ExtensionType.ecPointFormats,
  ExtensionType.useSrtp,
  ExtensionType.extendedMasterSecret,
  ExtensionType.sessionTicket,
  ExtensionType.renegotiationInfo,
])

/** HelloVerifyRequests that a client follows: more would be a server that cannot make up its mind. */
const MAX_COOKIES = 3

type State =
  'idle' | 'server-hello' | 'certificate' | 'server-key-exchange' | 'server-hello-done' | 'finished' | 'complete'

/**
 * The client's side of a full DTLS 1.2 handshake (RFC 5246 §7.3, RFC 6347 §4.2):
 *
 *     ClientHello                      →
 *                                      ←  HelloVerifyRequest (optional)
 *     ClientHello with cookie          →
 *                                      ←  ServerHello, Certificate, ServerKeyExchange, CertificateRequest*, ServerHelloDone
 *     Certificate*, ClientKeyExchange,
 *     CertificateVerify*,
 *     ChangeCipherSpec, Finished       →
 *                                      ←  ChangeCipherSpec, Finished
 */
export class ClientHandshake extends Handshake12 {
  #state: State = 'idle'
  /** What was really offered: the application may have rewritten it. */
  #hello: ClientHello | undefined
  #cookies = 0
  #request: CertificateRequest | undefined
  #serverPublicKey: Uint8Array = EMPTY
  /** The server has announced a NewSessionTicket (RFC 5077 §3.2). */
  #ticketComes = false

  get hasBegun(): boolean {
    return this.#state !== 'idle'
  }

  start(): void {
    const { options } = this.host
    const hello = this.#defaultHello()
    const chosen = options.clientHello?.(hello) ?? hello
    const { random, sessionId, cookie } = chosen
    const fits = random.length === 32 && sessionId.length <= 32 && cookie.length <= 255
    if (!fits || decodeClientHello(encodeClientHello(chosen)) === undefined) {
      throw new DtlsError('ERR_DTLS_OPTIONS', 'the option clientHello made a hello that cannot be read')
    }
    this.#hello = chosen
    this.clientRandom = chosen.random
    this.#sendHello()
  }

  /** At the end only Finished under the keys, and before it a ticket. What does come under the keys is authentic, and judged when it is whole. */
  admits(type: number, epoch: number, _length: number): boolean {
    if (this.#state === 'idle') return false
    if (this.#state === 'finished' && !(this.#ticketComes && type === HandshakeType.newSessionTicket))
      return epoch === 1
    return epoch === this.epochOf(type)
  }

  receive(message: HandshakeMessage): void {
    const { type } = message
    // A server that wants a negotiation gets one: it is under way (RFC 5246 §7.4.1.1).
    if (type === HandshakeType.helloRequest) return
    if (this.#state === 'finished') {
      if (type === HandshakeType.newSessionTicket && this.#ticketComes) {
        this.#ticketComes = false
        this.transcript.add(message.raw) // RFC 5077 §3.3: part of what Finished covers. We never resume.
        return
      }
      if (type !== HandshakeType.finished) this.unexpected(message)
      this.checkFinished('server', message)
      this.#state = 'complete'
      this.#hello = undefined
      this.#serverPublicKey = EMPTY
      this.finish()
      return
    }
    if (type === HandshakeType.helloVerifyRequest && this.#state === 'server-hello') {
      this.#helloVerifyRequest(message.body)
      return
    }
    this.transcript.add(message.raw)
    if (this.#state === 'server-hello' && type === HandshakeType.serverHello) this.#serverHello(message.body)
    else if (this.#state === 'certificate' && type === HandshakeType.certificate) this.#certificate(message.body)
    else if (this.#state === 'server-key-exchange' && type === HandshakeType.serverKeyExchange) {
      this.#serverKeyExchange(message.body)
    } else if (this.#state === 'server-hello-done' && type === HandshakeType.certificateRequest) {
      this.#certificateRequest(message)
    } else if (this.#state === 'server-hello-done' && type === HandshakeType.serverHelloDone) {
      if (message.body.length !== 0) decoded(undefined, 'ServerHelloDone')
      this.#answer()
    } else this.unexpected(message)
  }

  #defaultHello(): ClientHello {
    const { options } = this.host
    const groups = options.groups.map((group) => groupId(group)!)
    const extensions: Extension[] = [
      { type: ExtensionType.extendedMasterSecret, data: EMPTY },
      { type: ExtensionType.renegotiationInfo, data: Uint8Array.of(0) }, // RFC 5746 §3.4: empty, behind its length
      { type: ExtensionType.supportedGroups, data: encodeList16(groups) },
      { type: ExtensionType.ecPointFormats, data: Uint8Array.of(1, 0) }, // uncompressed only
      { type: ExtensionType.signatureAlgorithms, data: encodeList16(this.#schemes()) },
    ]
    if (options.srtpProfiles.length > 0) {
      const profiles = options.srtpProfiles.map((profile) => srtpProfileId(profile)!)
      extensions.push({ type: ExtensionType.useSrtp, data: encodeUseSrtp({ profiles, mki: EMPTY }) })
    }
    return {
      version: VERSION_1_2,
      // 32 random bytes: the clock in gmt_unix_time only helps fingerprinting (RFC 5246 §7.4.1.2 does not require it to be right).
      random: options.random(32),
      sessionId: EMPTY,
      cookie: EMPTY,
      cipherSuites: options.suites.map(({ id }) => id),
      compressionMethods: [0],
      extensions,
    }
  }

  #schemes(): number[] {
    return this.host.options.signatureSchemes.map((scheme: SignatureScheme) => schemeId(scheme)!)
  }

  #sendHello(): void {
    this.#state = 'server-hello'
    this.host.beginFlight()
    this.send(HandshakeType.clientHello, encodeClientHello(this.#hello!))
    this.host.endFlight(false)
  }

  /** Neither it nor the hello that it answers is part of the transcript (RFC 6347 §4.2.1). */
  #helloVerifyRequest(body: Uint8Array): void {
    const { cookie } = decoded(decodeHelloVerifyRequest(body), 'HelloVerifyRequest')
    if (++this.#cookies > MAX_COOKIES) fail('ERR_DTLS_PROTOCOL', 'unexpected_message', 'one cookie after the other')
    this.transcript.clear()
    this.#hello = { ...this.#hello!, cookie }
    this.#sendHello()
  }

  #serverHello(body: Uint8Array): void {
    const offered = this.#hello!
    const hello = decoded(decodeServerHello(body), 'ServerHello')
    if (hello.version !== VERSION_1_2) {
      fail('ERR_DTLS_NEGOTIATION', 'protocol_version', 'the server chose another version than DTLS 1.2')
    }
    const suite = offered.cipherSuites.includes(hello.cipherSuite) ? suiteById(hello.cipherSuite) : undefined
    if (suite === undefined) fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the server chose a suite not offered')
    if (hello.compressionMethod !== 0) fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'compression was not offered')
    // The downgrade marks of RFC 8446 §4.1.3 in the random only concern clients that offered 1.3.
    this.serverRandom = hello.random.slice() // a view would keep the whole message
    this.suite = suite
    for (const { type } of hello.extensions) this.#checkAgreed(type)
    this.extendedMasterSecret = decoded(hasExtendedMasterSecret(hello.extensions), 'extended_master_secret')
    this.#ticketComes = findExtension(hello.extensions, ExtensionType.sessionTicket) !== undefined
    const renegotiation = findExtension(hello.extensions, ExtensionType.renegotiationInfo)
    // RFC 5746 §3.4: anything but an empty value is an attack. A server that lacks it is old; we never renegotiate anyway.
    if (renegotiation !== undefined && !sameBytes(renegotiation, Uint8Array.of(0))) {
      fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'renegotiation_info is not empty')
    }
    const formats = findExtension(hello.extensions, ExtensionType.ecPointFormats)
    if (formats !== undefined && (formats.length !== formats[0]! + 1 || !formats.subarray(1).includes(0))) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the server cannot read uncompressed points')
    }
    this.#useSrtp(findExtension(hello.extensions, ExtensionType.useSrtp))
    this.#state = 'certificate'
  }

  /** RFC 5246 §7.4.1.4: nothing that was not offered. And nothing that changes the protocol in ways we do not know. */
  #checkAgreed(type: number): void {
    const { extensions, cipherSuites } = this.#hello!
    // The suite that is none stands for the extension (RFC 5746 §3.4).
    const byScsv = type === ExtensionType.renegotiationInfo && cipherSuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV)
    if (!byScsv && findExtension(extensions, type) === undefined) {
      fail('ERR_DTLS_NEGOTIATION', 'unsupported_extension', `the server sent extension ${type}, which was not offered`)
    }
    if (UNDERSTOOD.has(type)) return
    fail(
      'ERR_DTLS_NEGOTIATION',
      'unsupported_extension',
      `the server agreed to extension ${type}, which we do not know`,
    )
  }

  /** RFC 5764 §4.1.1: exactly one of the profiles offered, and our MKI or none. */
  #useSrtp(data: Uint8Array | undefined): void {
    if (data === undefined) return
    const offered = decodeUseSrtp(findExtension(this.#hello!.extensions, ExtensionType.useSrtp)!)
    const answer = decoded(decodeUseSrtp(data), 'use_srtp')
    const profile = answer.profiles[0]!
    if (answer.profiles.length !== 1 || offered === undefined || !offered.profiles.includes(profile)) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the server chose an SRTP profile that was not offered')
    }
    if (answer.mki.length > 0 && !sameBytes(answer.mki, offered.mki)) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the server made up an MKI')
    }
    this.srtpProfile = srtpProfileOf(profile)
  }

  #certificate(body: Uint8Array): void {
    const chain = decoded(decodeCertificate(body), 'Certificate')
    if (chain.length === 0) fail('ERR_DTLS_CERTIFICATE', 'decode_error', 'the server has no certificate')
    const { algorithm } = this.takePeerCertificate(chain)
    // RFC 8422 §5.3: the suite says what kind of key signs.
    if ((this.negotiatedSuite().authentication === 'rsa') !== (algorithm === 'rsa')) {
      fail('ERR_DTLS_CERTIFICATE', 'illegal_parameter', 'the certificate does not fit the cipher suite')
    }
    this.#state = 'server-key-exchange'
  }

  #serverKeyExchange(body: Uint8Array): void {
    const exchange = decoded(decodeServerKeyExchange(body), 'ServerKeyExchange')
    const extensions = this.#hello!.extensions
    const groups = decodeList16(findExtension(extensions, ExtensionType.supportedGroups) ?? EMPTY)
    if (groups !== undefined && !groups.includes(exchange.group)) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the server chose a group that was not offered')
    }
    if (groupOf(exchange.group) === undefined) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the server chose an unknown group')
    }
    const schemes = decodeList16(findExtension(extensions, ExtensionType.signatureAlgorithms) ?? EMPTY)
    this.verifySignature(exchange.signed, schemes ?? [], this.keyExchangeContent(exchange.parameters))
    this.group = exchange.group
    this.#serverPublicKey = exchange.publicKey
    this.#state = 'server-hello-done'
  }

  #certificateRequest(message: HandshakeMessage): void {
    if (this.#request !== undefined) this.unexpected(message)
    this.#request = decoded(decodeCertificateRequest(message.body), 'CertificateRequest')
  }

  /** Our second flight, once the server's is complete. */
  #answer(): void {
    const { crypto, certificate } = this.host.options
    this.host.beginFlight()
    const scheme = this.#clientScheme()
    if (this.#request !== undefined) {
      // Without a suitable certificate the list is empty (RFC 5246 §7.4.6).
      const chain = scheme === undefined ? [] : certificate!.chain
      this.send(HandshakeType.certificate, encodeCertificate(chain))
    }
    const keyPair = crypto.generateKeyPair(groupOf(this.group)!)
    this.send(HandshakeType.clientKeyExchange, encodeClientKeyExchange(keyPair.publicKey))
    this.deriveKeys(keyPair.deriveSecret(this.#serverPublicKey))
    if (scheme !== undefined) {
      const signature = certificate!.privateKey.sign(scheme, this.transcript.bytes())
      const body = encodeCertificateVerify({ scheme: schemeId(scheme)!, signature })
      this.send(HandshakeType.certificateVerify, body)
    }
    this.sendFinished('client')
    this.host.addReadKeys(this.protections!.server)
    this.#state = 'finished'
    this.host.endFlight(false)
  }

  /** What CertificateVerify is signed with; undefined when no certificate is asked for or ours does not suit. */
  #clientScheme(): SignatureScheme | undefined {
    const request = this.#request
    const certificate = this.host.options.certificate
    if (request === undefined || certificate === undefined) return undefined
    const { algorithm } = certificate.privateKey
    const type = algorithm === 'rsa' ? CLIENT_CERTIFICATE_RSA_SIGN : CLIENT_CERTIFICATE_ECDSA_SIGN
    if (!request.certificateTypes.includes(type)) return undefined
    return chooseScheme(this.host.options.signatureSchemes, request.signatureAlgorithms, algorithm)
  }
}
