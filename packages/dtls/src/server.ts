import { type EcdhKeyPair, type SignatureScheme, timingSafeEqual } from '@kaon/crypto'
import { EMPTY, sameBytes } from './bytes.ts'
import {
  CLIENT_CERTIFICATE_ECDSA_SIGN,
  CLIENT_CERTIFICATE_RSA_SIGN,
  encodeCertificateRequest,
} from './handshake/certificate-request.ts'
import { decodeCertificate, encodeCertificate } from './handshake/certificate.ts'
import { type ClientHello, decodeClientHello, type Extension } from './handshake/client-hello.ts'
import {
  decodeList16,
  decodeSupportedVersions,
  decodeUseSrtp,
  encodeUseSrtp,
  ExtensionType,
  findExtension,
} from './handshake/extensions.ts'
import { decoded, fail } from './handshake/failure.ts'
import { Handshake12 } from './handshake/handshake12.ts'
import { encodeMessage, HandshakeType } from './handshake/header.ts'
import { encodeHelloVerifyRequest } from './handshake/hello-verify-request.ts'
import {
  decodeClientKeyExchange,
  encodeEcdhParameters,
  encodeServerKeyExchange,
  groupId,
  groupOf,
} from './handshake/key-exchange.ts'
import { encodeServerHello } from './handshake/server-hello.ts'
import { chooseScheme, decodeCertificateVerify, schemeId } from './handshake/signature.ts'
import type { DtlsCertificate } from './options.ts'
import type { HandshakeMessage } from './reassembler.ts'
import { VERSION_1_0, VERSION_1_2 } from './record/header.ts'
import { srtpProfileId, srtpProfileOf } from './srtp-profile.ts'
import { type CipherSuite, EMPTY_RENEGOTIATION_INFO_SCSV } from './suites.ts'

const COOKIE_LENGTH = 20

type State = 'client-hello' | 'certificate' | 'client-key-exchange' | 'certificate-verify' | 'finished' | 'complete'

/** The server's side of a full DTLS 1.2 handshake; `ClientHandshake` draws the flights. */
export class ServerHandshake extends Handshake12 {
  #state: State = 'client-hello'
  #cookie: Uint8Array | undefined
  #keyPair: EcdhKeyPair | undefined

  get hasBegun(): boolean {
    return this.#state !== 'client-hello'
  }

  start(): void {}

  receive(message: HandshakeMessage): void {
    const { type } = message
    if (this.#state === 'finished') {
      if (type !== HandshakeType.finished) this.unexpected(message)
      this.#finished(message)
      return
    }
    if (this.#state === 'certificate-verify') {
      if (type !== HandshakeType.certificateVerify) this.unexpected(message)
      this.#certificateVerify(message)
      return
    }
    if (this.#state === 'client-hello' && type === HandshakeType.clientHello) this.#clientHello(message)
    else if (this.#state === 'certificate' && type === HandshakeType.certificate) this.#certificate(message)
    else if (this.#state === 'client-key-exchange' && type === HandshakeType.clientKeyExchange) {
      this.#clientKeyExchange(message)
    } else this.unexpected(message)
  }

  #clientHello(message: HandshakeMessage): void {
    const hello = decoded(decodeClientHello(message.body), 'ClientHello')
    this.#checkVersion(hello)
    const { cookie } = this.host.options
    if (cookie === true && !this.#hasCookie(hello, message.messageSeq)) return
    if (cookie === 'verified') {
      this.nextSeq = message.messageSeq
      this.host.continueNumbering()
    }
    this.transcript.add(message.raw)
    this.#negotiate(hello)
  }

  /**
   * We know nothing newer than 1.2. A client that also speaks 1.3 says 1.2 in `version` and lists both in `supported_versions`; one that
   * lists only 1.3 would not take 1.2 from us (RFC 8446 §4.2.1). Versions count downwards (RFC 6347 §4.1).
   */
  #checkVersion(hello: ClientHello): void {
    const list = findExtension(hello.extensions, ExtensionType.supportedVersions)
    const offers1_2 =
      list === undefined
        ? hello.version >>> 8 === 0xfe && hello.version <= VERSION_1_2
        : decoded(decodeSupportedVersions(list), 'supported_versions').includes(VERSION_1_2)
    if (!offers1_2) fail('ERR_DTLS_NEGOTIATION', 'protocol_version', 'the client does not offer DTLS 1.2')
  }

  /** RFC 6347 §4.2.1. A wrong cookie counts as none. */
  #hasCookie(hello: ClientHello, messageSeq: number): boolean {
    if (this.#cookie !== undefined && timingSafeEqual(this.#cookie, hello.cookie)) return true
    this.#cookie = this.host.options.random(COOKIE_LENGTH)
    const body = encodeHelloVerifyRequest({ version: VERSION_1_0, cookie: this.#cookie })
    this.host.beginFlight()
    // Not part of the transcript, and answered with a number of its own: ServerHello's is that of the hello that it answers.
    this.host.sendHandshake(encodeMessage(HandshakeType.helloVerifyRequest, messageSeq, body))
    this.nextSeq = messageSeq + 1
    this.host.endFlight(true)
    return false
  }

  #negotiate(hello: ClientHello): void {
    const { options } = this.host
    const certificate = options.certificate!
    if (!hello.compressionMethods.includes(0)) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the client does not offer the null compression')
    }
    this.group = this.#chooseGroup(hello)
    const scheme = this.#chooseScheme(hello, certificate)
    this.suite = this.#chooseSuite(hello, certificate)
    this.clientRandom = hello.random.slice() // a view would keep the whole message
    // All 32 bytes are random. The downgrade marks of RFC 8446 §4.1.3 are for servers that can do 1.3 and were talked out of it: "TLS 1.3
    // servers which negotiate TLS 1.2 or below … MUST set". We cannot, and a client that sees the mark must abort, so it stays unset
    // until this package has 1.3. The 1.2 rule ("SHOULD set" for 1.1 and below) has no case here, since 1.2 is all we accept.
    this.serverRandom = options.random(32)

    this.host.beginFlight()
    this.#sendServerHello(hello)
    this.send(HandshakeType.certificate, encodeCertificate(certificate.chain))
    this.#sendServerKeyExchange(certificate, scheme)
    if (options.requestClientCertificate) this.#sendCertificateRequest()
    this.send(HandshakeType.serverHelloDone, EMPTY)
    this.#state = options.requestClientCertificate ? 'certificate' : 'client-key-exchange'
    this.host.endFlight(false)
  }

  /** A client that sends no list takes any curve (RFC 8422 §4). */
  #chooseGroup(hello: ClientHello): number {
    const formats = findExtension(hello.extensions, ExtensionType.ecPointFormats)
    if (formats !== undefined && (formats.length !== formats[0]! + 1 || !formats.subarray(1).includes(0))) {
      fail('ERR_DTLS_NEGOTIATION', 'illegal_parameter', 'the client cannot read uncompressed points')
    }
    const data = findExtension(hello.extensions, ExtensionType.supportedGroups)
    const offered = data === undefined ? undefined : decoded(decodeList16(data), 'supported_groups')
    for (const group of this.host.options.groups) {
      const id = groupId(group)!
      // X25519 is younger than the custom of leaving the list out.
      if (offered === undefined ? group !== 'x25519' : offered.includes(id)) return id
    }
    return fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'no common group')
  }

  /** Leaving the list out used to mean SHA-1, and is refused since RFC 9155 §2. */
  #chooseScheme(hello: ClientHello, certificate: DtlsCertificate): SignatureScheme {
    const data = findExtension(hello.extensions, ExtensionType.signatureAlgorithms)
    const offered = data === undefined ? [] : decoded(decodeList16(data), 'signature_algorithms')
    const scheme = chooseScheme(this.host.options.signatureSchemes, offered, certificate.privateKey.algorithm)
    if (scheme === undefined) {
      fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'no common signature scheme for the certificate')
    }
    return scheme
  }

  /** In our order of preference, since we know our costs. */
  #chooseSuite(hello: ClientHello, certificate: DtlsCertificate): CipherSuite {
    const isRsa = certificate.privateKey.algorithm === 'rsa'
    for (const suite of this.host.options.suites) {
      if ((suite.authentication === 'rsa') === isRsa && hello.cipherSuites.includes(suite.id)) return suite
    }
    return fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'no common cipher suite')
  }

  /** Answers only what the client offered, and only what 1.2 knows: nothing of a 1.3 attempt leaves a trace. */
  #sendServerHello(hello: ClientHello): void {
    const extensions: Extension[] = []
    const renegotiation = findExtension(hello.extensions, ExtensionType.renegotiationInfo)
    if (renegotiation !== undefined && !sameBytes(renegotiation, Uint8Array.of(0))) {
      // RFC 5746 §3.6
      fail('ERR_DTLS_NEGOTIATION', 'handshake_failure', 'renegotiation_info is not empty')
    }
    if (renegotiation !== undefined || hello.cipherSuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV)) {
      extensions.push({ type: ExtensionType.renegotiationInfo, data: Uint8Array.of(0) })
    }
    if (findExtension(hello.extensions, ExtensionType.extendedMasterSecret) !== undefined) {
      this.extendedMasterSecret = true
      extensions.push({ type: ExtensionType.extendedMasterSecret, data: EMPTY })
    }
    if (findExtension(hello.extensions, ExtensionType.ecPointFormats) !== undefined) {
      extensions.push({ type: ExtensionType.ecPointFormats, data: Uint8Array.of(1, 0) })
    }
    const srtp = findExtension(hello.extensions, ExtensionType.useSrtp)
    if (srtp !== undefined) {
      const offered = decoded(decodeUseSrtp(srtp), 'use_srtp')
      const ours = this.host.options.srtpProfiles.map((profile) => srtpProfileId(profile)!)
      const profile = ours.find((id) => offered.profiles.includes(id))
      if (profile !== undefined) {
        this.srtpProfile = srtpProfileOf(profile)
        // We use no MKI, and say so by an empty one (RFC 5764 §4.1.3).
        extensions.push({ type: ExtensionType.useSrtp, data: encodeUseSrtp({ profiles: [profile], mki: EMPTY }) })
      }
    }
    const body = encodeServerHello({
      version: VERSION_1_2,
      random: this.serverRandom,
      sessionId: EMPTY, // not resumable (RFC 5246 §7.4.1.3)
      cipherSuite: this.negotiatedSuite().id,
      compressionMethod: 0,
      extensions,
    })
    this.send(HandshakeType.serverHello, body)
  }

  #sendServerKeyExchange(certificate: DtlsCertificate, scheme: SignatureScheme): void {
    this.#keyPair = this.host.options.crypto.generateKeyPair(groupOf(this.group)!)
    const parameters = encodeEcdhParameters(this.group, this.#keyPair.publicKey)
    const signature = certificate.privateKey.sign(scheme, this.keyExchangeContent(parameters))
    const signed = { scheme: schemeId(scheme)!, signature }
    this.send(HandshakeType.serverKeyExchange, encodeServerKeyExchange(parameters, signed))
  }

  #sendCertificateRequest(): void {
    const body = encodeCertificateRequest({
      certificateTypes: [CLIENT_CERTIFICATE_ECDSA_SIGN, CLIENT_CERTIFICATE_RSA_SIGN],
      signatureAlgorithms: this.#allowedSchemes(),
      authorities: [],
    })
    this.send(HandshakeType.certificateRequest, body)
  }

  #allowedSchemes(): number[] {
    return this.host.options.signatureSchemes.map((scheme) => schemeId(scheme)!)
  }

  #certificate(message: HandshakeMessage): void {
    this.transcript.add(message.raw)
    const chain = decoded(decodeCertificate(message.body), 'Certificate')
    if (chain.length > 0) this.takePeerCertificate(chain)
    else if (this.host.options.requireClientCertificate) {
      // RFC 5246 §7.4.6
      fail('ERR_DTLS_CERTIFICATE', 'handshake_failure', 'the client has no certificate')
    }
    this.#state = 'client-key-exchange'
  }

  #clientKeyExchange(message: HandshakeMessage): void {
    this.transcript.add(message.raw)
    const publicKey = decoded(decodeClientKeyExchange(message.body), 'ClientKeyExchange')
    this.deriveKeys(this.#keyPair!.deriveSecret(publicKey))
    this.#keyPair = undefined
    this.#state = this.peerKey === undefined ? 'finished' : 'certificate-verify'
    this.host.addReadKeys(this.protections!.client)
  }

  /** Signs all messages before it (RFC 5246 §7.4.8). */
  #certificateVerify(message: HandshakeMessage): void {
    const signed = decoded(decodeCertificateVerify(message.body), 'CertificateVerify')
    this.verifySignature(signed, this.#allowedSchemes(), this.transcript.bytes())
    this.transcript.add(message.raw)
    this.#state = 'finished'
  }

  #finished(message: HandshakeMessage): void {
    this.checkFinished('client', message)
    this.#state = 'complete'
    this.host.beginFlight()
    this.sendFinished('server')
    this.host.endFlight(true)
    this.finish()
  }
}
