import { parseCertificate, type PublicKey, timingSafeEqual } from '@kaon/crypto'
import { concat, toHex } from '../bytes.ts'
import { KeySchedule } from '../key-schedule.ts'
import type { DtlsSelected, ResolvedOptions } from '../options.ts'
import type { HandshakeMessage } from '../reassembler.ts'
import type { RecordProtection } from '../record/protection.ts'
import { VERSION_1_2 } from '../record/header.ts'
import type { SrtpProfile } from '../srtp-profile.ts'
import type { CipherSuite } from '../suites.ts'
import { Transcript } from '../transcript.ts'
import { fail } from './failure.ts'
import { encodeMessage, HandshakeType } from './header.ts'
import { groupOf } from './key-exchange.ts'
import { type DigitallySigned, schemeFits, schemeOf } from './signature.ts'

/** What a handshake asks of its connection, which owns records, flights and timers. */
export interface HandshakeHost {
  readonly options: ResolvedOptions
  /** The peer has shown that it has our last flight: a new one begins. */
  beginFlight(): void
  /** Adds a whole message, header included. */
  sendHandshake(raw: Uint8Array): void
  /** Adds ChangeCipherSpec; what follows it goes out under `protection`. */
  sendChangeCipherSpec(protection: RecordProtection): void
  /** The flight is complete. It is repeated until the peer answers, or when `isLast` only if the peer asks. */
  endFlight(isLast: boolean): void
  addReadKeys(protection: RecordProtection): void
  /** Record number and first `message_seq` of a server that starts without state (RFC 6347 §4.2.1). */
  continueNumbering(): void
  /** Throws when the certificate is known to be the wrong one. */
  acceptPeerCertificate(chain: readonly Uint8Array[]): void
  /** Both Finished have been exchanged. */
  complete(): void
}

/** What the connection asks of a handshake. DTLS 1.3 will be another one. */
export interface Handshake {
  readonly selected: DtlsSelected | undefined
  readonly keys: KeySchedule | undefined
  /** Something sensible has come from the peer, or we have spoken first. */
  readonly hasBegun: boolean
  start(): void
  /** The epoch in which a message of this type has to come. */
  epochOf(type: number): number
  /** Whether a message like this may come now or next. What may not is an echo or a forgery, and no error of the peer's. */
  admits(type: number, epoch: number, length: number): boolean
  /** One whole message, in order. Throws a `DtlsError` with an alert when that is the end. */
  receive(message: HandshakeMessage): void
  /** The connection is over: lets go of secrets and messages. */
  forget(): void
}

/** What client and server of DTLS 1.2 share. */
export abstract class Handshake12 implements Handshake {
  protected readonly host: HandshakeHost
  protected readonly transcript: Transcript = new Transcript()
  protected clientRandom: Uint8Array = new Uint8Array(0)
  protected serverRandom: Uint8Array = new Uint8Array(0)
  protected suite: CipherSuite | undefined
  protected group = 0
  protected extendedMasterSecret = false
  protected srtpProfile: SrtpProfile | undefined
  /** The key of the certificate that the peer has shown. */
  protected peerKey: PublicKey | undefined
  protected protections: { client: RecordProtection; server: RecordProtection } | undefined
  /** The next `message_seq` to send. */
  protected nextSeq = 0
  keys: KeySchedule | undefined

  constructor(host: HandshakeHost) {
    this.host = host
  }

  get selected(): DtlsSelected | undefined {
    const group = groupOf(this.group)
    if (this.suite === undefined || group === undefined) return undefined
    return {
      version: VERSION_1_2,
      cipherSuite: this.suite.name,
      group,
      srtpProfile: this.srtpProfile,
      extendedMasterSecret: this.extendedMasterSecret,
    }
  }

  abstract get hasBegun(): boolean
  abstract start(): void
  abstract receive(message: HandshakeMessage): void
  abstract admits(type: number, epoch: number, length: number): boolean

  /** Only Finished comes under the new keys. */
  epochOf(type: number): number {
    return type === HandshakeType.finished ? 1 : 0
  }

  protected send(type: number, body: Uint8Array): void {
    const raw = encodeMessage(type, this.nextSeq++, body)
    this.transcript.add(raw)
    this.host.sendHandshake(raw)
  }

  protected negotiatedSuite(): CipherSuite {
    if (this.suite === undefined) fail('ERR_DTLS_PROTOCOL', 'internal_error', 'no cipher suite yet')
    return this.suite
  }

  /** Looks at the peer's own certificate; whether it is to be trusted is the connection's question. */
  protected takePeerCertificate(chain: readonly Uint8Array[]): PublicKey {
    const certificate = parseCertificate(chain[0]!, this.host.options.crypto)
    if (certificate === undefined) {
      fail('ERR_DTLS_CERTIFICATE', 'unsupported_certificate', 'the certificate of the peer cannot be read')
    }
    this.host.acceptPeerCertificate(chain)
    this.peerKey = certificate.publicKey
    return certificate.publicKey
  }

  /** RFC 5246 §4.7, §7.4.3, §7.4.8: signed with what we allowed, by the key of the certificate. */
  protected verifySignature(signed: DigitallySigned, allowed: readonly number[], content: Uint8Array): void {
    const key = this.peerKey
    const scheme = schemeOf(signed.scheme)
    if (key === undefined || scheme === undefined || !allowed.includes(signed.scheme)) {
      fail('ERR_DTLS_SIGNATURE', 'illegal_parameter', 'signature with a scheme that was not offered')
    }
    if (!schemeFits(scheme, key.algorithm)) {
      fail('ERR_DTLS_SIGNATURE', 'illegal_parameter', 'the signature scheme does not fit the certificate')
    }
    if (!key.verify(scheme, content, signed.signature)) {
      fail('ERR_DTLS_SIGNATURE', 'decrypt_error', 'the peer does not hold the key of its certificate')
    }
  }

  /** Once ClientKeyExchange is in the transcript. */
  protected deriveKeys(premasterSecret: Uint8Array | undefined): void {
    // RFC 8422 §5.11, RFC 7748 §6.1: a point off the curve, or a secret of zeros.
    if (premasterSecret === undefined) fail('ERR_DTLS_PROTOCOL', 'illegal_parameter', 'invalid ECDH public key')
    const { crypto, keyLog } = this.host.options
    const messages = this.extendedMasterSecret ? this.transcript.bytes() : undefined
    const { clientRandom, serverRandom } = this
    this.keys = new KeySchedule(crypto, this.negotiatedSuite(), premasterSecret, clientRandom, serverRandom, messages)
    premasterSecret.fill(0) // RFC 5246 §8.1: deleted once the master secret has been computed
    this.protections = this.keys.protections()
    keyLog?.(`CLIENT_RANDOM ${toHex(clientRandom)} ${toHex(this.keys.masterSecret)}`)
  }

  protected sendFinished(sender: 'client' | 'server'): void {
    this.host.sendChangeCipherSpec(this.protections![sender])
    this.send(HandshakeType.finished, this.keys!.verifyData(sender, this.transcript.bytes()))
  }

  /** Checks Finished against all messages before it, then adds it to them. */
  protected checkFinished(sender: 'client' | 'server', message: HandshakeMessage): void {
    const expected = this.keys!.verifyData(sender, this.transcript.bytes())
    if (!timingSafeEqual(expected, message.body)) {
      fail('ERR_DTLS_FINISHED', 'decrypt_error', 'Finished does not match the handshake')
    }
    this.transcript.add(message.raw)
  }

  /** What ServerKeyExchange signs (RFC 8422 §5.4). */
  protected keyExchangeContent(parameters: Uint8Array): Uint8Array {
    return concat(this.clientRandom, this.serverRandom, parameters)
  }

  /** The handshake is over, and what only it needed is let go. */
  protected finish(): void {
    this.transcript.clear()
    this.protections = undefined
    this.host.complete()
  }

  forget(): void {
    this.transcript.clear()
    this.protections = undefined
    this.keys?.wipe()
    this.keys = undefined
  }

  protected unexpected(message: HandshakeMessage): never {
    fail('ERR_DTLS_PROTOCOL', 'unexpected_message', `handshake message ${message.type} is not expected now`)
  }
}
