import { type EcdhKeyPair, type SignatureScheme, timingSafeEqual } from '@kaon/crypto'
import { EMPTY } from './bytes.ts'
import {
  CLIENT_CERTIFICATE_ECDSA_SIGN,
  CLIENT_CERTIFICATE_RSA_SIGN,
  encodeCertificateRequest,
} from './handshake/certificate-request.ts'
import { decodeCertificate, encodeCertificate } from './handshake/certificate.ts'
import { type ClientHello, decodeClientHello } from './handshake/client-hello.ts'
import { decoded, fail } from './handshake/failure.ts'
import { Handshake12 } from './handshake/handshake12.ts'
import { encodeMessage, HandshakeType } from './handshake/header.ts'
import { encodeHelloVerifyRequest } from './handshake/hello-verify-request.ts'
import {
  decodeClientKeyExchange,
  encodeEcdhParameters,
  encodeServerKeyExchange,
  groupOf,
} from './handshake/key-exchange.ts'
import { encodeServerHello } from './handshake/server-hello.ts'
import { decodeCertificateVerify, schemeId } from './handshake/signature.ts'
import type { DtlsCertificate } from './options.ts'
import type { HandshakeMessage } from './reassembler.ts'
import { VERSION_1_0, VERSION_1_2 } from './record/header.ts'
import { checkVersion, chooseTerms, type ServerTerms } from './server-terms.ts'

const COOKIE_LENGTH = 20

/** Bytes of the largest ClientHello: ten times what browsers send with an ML-KEM key share. It bounds what an unknown client can occupy. */
const MAX_HELLO_LENGTH = 0x4000

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

  /**
   * Before the hello nothing else makes sense, and nobody needs a longer one; at the end only Finished under the keys does. (What does come
   * under the keys is authentic, and judged when it is whole.)
   */
  admits(type: number, epoch: number, length: number): boolean {
    if (this.#state === 'client-hello') {
      return type === HandshakeType.clientHello && epoch === 0 && length <= MAX_HELLO_LENGTH
    }
    return epoch === (this.#state === 'finished' ? 1 : this.epochOf(type))
  }

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
    checkVersion(hello)
    const { cookie } = this.host.options
    if (cookie === true && !this.#hasCookie(hello, message.messageSeq)) return
    const terms = chooseTerms(hello, this.host.options)
    // Whatever could be wrong with the hello has been thrown: only now it may leave a trace.
    if (cookie === 'verified') {
      this.nextSeq = message.messageSeq
      this.host.continueNumbering()
    }
    this.transcript.add(message.raw)
    this.#answer(hello, terms)
  }

  /** RFC 6347 §4.2.1. A wrong cookie counts as none. */
  #hasCookie(hello: ClientHello, messageSeq: number): boolean {
    if (this.#cookie !== undefined && timingSafeEqual(this.#cookie, hello.cookie)) return true
    // The same one as before: a hello in somebody else's name must not spoil the client's.
    this.#cookie ??= this.host.options.random(COOKIE_LENGTH)
    const body = encodeHelloVerifyRequest({ version: VERSION_1_0, cookie: this.#cookie })
    this.host.beginFlight()
    // Not part of the transcript, and answered with a number of its own: ServerHello's is that of the hello that it answers.
    this.host.sendHandshake(encodeMessage(HandshakeType.helloVerifyRequest, messageSeq, body))
    this.nextSeq = messageSeq + 1
    this.host.endFlight(true)
    return false
  }

  #answer(hello: ClientHello, terms: ServerTerms): void {
    const { options } = this.host
    const certificate = options.certificate!
    this.suite = terms.suite
    this.group = terms.group
    this.extendedMasterSecret = terms.extendedMasterSecret
    this.srtpProfile = terms.srtpProfile
    this.clientRandom = hello.random.slice() // a view would keep the whole message
    // All 32 bytes are random. The downgrade marks of RFC 8446 §4.1.3 are for servers that can do 1.3 and were talked out of it: "TLS 1.3
    // servers which negotiate TLS 1.2 or below … MUST set". We cannot, and a client that sees the mark must abort, so it stays unset
    // until this package has 1.3. The 1.2 rule ("SHOULD set" for 1.1 and below) has no case here, since 1.2 is all we accept.
    this.serverRandom = options.random(32)

    this.host.beginFlight()
    const serverHello = encodeServerHello({
      version: VERSION_1_2,
      random: this.serverRandom,
      sessionId: EMPTY, // not resumable (RFC 5246 §7.4.1.3)
      cipherSuite: terms.suite.id,
      compressionMethod: 0,
      extensions: terms.extensions,
    })
    this.send(HandshakeType.serverHello, serverHello)
    this.send(HandshakeType.certificate, encodeCertificate(certificate.chain))
    this.#sendServerKeyExchange(certificate, terms.scheme)
    if (options.requestClientCertificate) this.#sendCertificateRequest()
    this.send(HandshakeType.serverHelloDone, EMPTY)
    this.#state = options.requestClientCertificate ? 'certificate' : 'client-key-exchange'
    this.host.endFlight(false)
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

  override forget(): void {
    super.forget()
    this.#keyPair = undefined
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
