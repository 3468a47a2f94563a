import { formatAddress, parseAddress, type TransportAddress } from './address.ts'
import { assertFits, attribute, stunAttributes } from './attributes.ts'
import { MessageBuilder } from './builder.ts'
import { checkFingerprint } from './integrity.ts'
import { decodeMessage, type StunMessage } from './message.ts'
import { type MessageClass, methods, reasonPhrases } from './numbers.ts'
import type { Authentication, Authenticator } from './server-credentials.ts'

export interface BindingServerOptions {
  /** SOFTWARE in every response. Default: none, which tells less and keeps responses short. */
  readonly software?: string
  /** Who may ask. Default: everybody. */
  readonly authenticator?: Authenticator
  /** Where a client is to be sent with 300 Try Alternate, undefined for nowhere (RFC 8489 §10). */
  readonly alternateServer?: (from: TransportAddress) => TransportAddress | undefined
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

export interface BindingServerStats {
  requests: number
  successes: number
  errors: number
  /** Datagrams that are no STUN message. */
  droppedMalformed: number
  /** A FINGERPRINT that is wrong. */
  droppedFingerprint: number
  /** Indications, responses and methods other than Binding. */
  droppedOther: number
}

/** A server's answers to Binding requests (RFC 8489 §6.3.1). Without sockets and state: one response per request, of about its size. */
export class BindingServer {
  readonly stats: BindingServerStats = {
    requests: 0,
    successes: 0,
    errors: 0,
    droppedMalformed: 0,
    droppedFingerprint: 0,
    droppedOther: 0,
  }
  readonly #options: BindingServerOptions
  readonly #builder = new MessageBuilder()

  constructor(options: BindingServerOptions = {}) {
    if (options.software !== undefined) assertFits(attribute.software, options.software)
    this.#options = options
  }

  /** The response to a datagram from `source`, or undefined when none is due. The datagram changes owner. */
  respond(datagram: Uint8Array, source: TransportAddress, now: number): Uint8Array | undefined {
    const { stats } = this
    const message = decodeMessage(datagram)
    if (message === undefined) {
      stats.droppedMalformed++
      return undefined
    }
    if (message.messageClass !== 'request' || message.method !== methods.binding) {
      stats.droppedOther++
      return undefined
    }
    if (message.fingerprintOffset >= 0 && !checkFingerprint(message)) {
      stats.droppedFingerprint++
      return undefined
    }
    stats.requests++
    const from = unmapped(source)
    const { authenticator, alternateServer } = this.#options
    let authentication: Authentication | undefined
    if (authenticator !== undefined) {
      authentication = authenticator.authenticate(message, from, now)
      if (!authentication.ok) return this.#error(message, authentication.code, from, now, undefined)
    }
    const unknown = message.unknownRequired(stunAttributes)
    if (unknown.length > 0) {
      return this.#error(message, 420, from, now, authentication, (builder) =>
        builder.add(attribute.unknownAttributes, unknown),
      )
    }
    const alternate = alternateServer?.(from)
    if (alternate !== undefined) {
      return this.#error(message, 300, from, now, authentication, (builder) =>
        builder.add(attribute.alternateServer, alternate),
      )
    }
    stats.successes++
    const builder = this.#start(message, 'success').add(attribute.xorMappedAddress, from)
    return this.#finish(message, builder, authentication)
  }

  #error(
    message: StunMessage,
    code: number,
    from: TransportAddress,
    now: number,
    authentication: Authentication | undefined,
    add?: (builder: MessageBuilder) => void,
  ): Uint8Array {
    this.stats.errors++
    this.#options.trace?.({ layer: 'stun', name: 'request-refused', data: { code } })
    const builder = this.#start(message, 'error').add(attribute.errorCode, { code, reason: reasonPhrases[code] ?? '' })
    add?.(builder)
    if (authentication === undefined) this.#options.authenticator?.challenge(builder, code, from, now)
    return this.#finish(message, builder, authentication)
  }

  #start(message: StunMessage, messageClass: MessageClass): MessageBuilder {
    return this.#builder.start(messageClass, message.method, message.transactionId)
  }

  #finish(message: StunMessage, builder: MessageBuilder, authentication: Authentication | undefined): Uint8Array {
    const { software } = this.#options
    if (software !== undefined) builder.add(attribute.software, software)
    if (authentication?.ok) {
      if (authentication.algorithm === 'sha256') builder.integritySha256(authentication.key)
      else builder.integrity(authentication.key)
    }
    // RFC 8489 §6.3.1.1: a response has FINGERPRINT when its request had.
    if (message.fingerprintOffset >= 0) builder.fingerprint()
    return builder.finish()
  }
}

/** An IPv4 client on an IPv6 socket wants to hear its IPv4 address. */
function unmapped(source: TransportAddress): TransportAddress {
  if (source.family !== 6 || !source.address.startsWith('::ffff:')) return source
  const bytes = parseAddress(source.address)
  // `::ffff:1` also begins like that: only ::ffff:0:0/96 counts.
  if (bytes === undefined || bytes[10] !== 0xff || bytes[11] !== 0xff || bytes.subarray(0, 10).some(Boolean))
    return source
  return { address: formatAddress(bytes, 12, 4), port: source.port, family: 4 }
}
