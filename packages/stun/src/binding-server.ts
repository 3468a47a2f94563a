import { formatAddress, parseAddress, type TransportAddress } from './address.ts'
import { assertFits, attribute, behaviorAttributes, stunAttributes } from './attributes.ts'
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

/**
 * The four transport addresses of a server that lets clients find out how their NAT behaves (RFC 5780 §6): the primary one, then with the
 * other port, with the other address, and with both. In an index, bit 0 is the port and bit 1 the address.
 */
export type BindingOrigins = readonly [TransportAddress, TransportAddress, TransportAddress, TransportAddress]

/** Which of the four a request came to. */
export interface BindingArrival {
  readonly origins: BindingOrigins
  readonly index: number
  /** UDP: the response may leave from another one, and go to another port. Over TCP it cannot. */
  readonly movable: boolean
}

export interface BindingAnswer {
  readonly bytes: Uint8Array
  /** The index of the transport address that has to send it. */
  readonly origin: number
  /** The port of the request's source address that it is for. */
  readonly port: number
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
    return this.answer(datagram, source, now)?.bytes
  }

  /** As `respond`, and with an `arrival` as a server of RFC 5780: the answer says from where and to which port it goes. */
  answer(
    datagram: Uint8Array,
    source: TransportAddress,
    now: number,
    arrival?: BindingArrival,
  ): BindingAnswer | undefined {
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
    const here = arrival?.index ?? 0
    const { authenticator, alternateServer } = this.#options
    let authentication: Authentication | undefined
    if (authenticator !== undefined) {
      authentication = authenticator.authenticate(message, from, now)
      if (!authentication.ok) {
        return back(this.#error(message, authentication.code, from, now, undefined), here, source)
      }
    }
    // RFC 5780 §6.1: without a second address CHANGE-REQUEST is not understood.
    const unknown = message.unknownRequired(arrival?.movable ? behaviorAttributes : stunAttributes)
    if (unknown.length > 0) {
      const bytes = this.#error(message, 420, from, now, authentication, (builder) =>
        builder.add(attribute.unknownAttributes, unknown),
      )
      return back(bytes, here, source)
    }
    const alternate = alternateServer?.(from)
    if (alternate !== undefined) {
      const bytes = this.#error(message, 300, from, now, authentication, (builder) =>
        builder.add(attribute.alternateServer, alternate),
      )
      return back(bytes, here, source)
    }
    let origin = here
    let { port } = source
    let padding: Uint8Array | undefined
    if (arrival?.movable) {
      const change = message.get(attribute.changeRequest)
      const responsePort = message.get(attribute.responsePort)
      padding = message.get(attribute.padding)
      const isMalformed =
        (change === undefined && message.has(attribute.changeRequest)) ||
        (responsePort === undefined ? message.has(attribute.responsePort) : responsePort === 0 || padding !== undefined) // §7.5
      if (isMalformed) return back(this.#error(message, 400, from, now, authentication), here, source)
      if (change !== undefined) origin ^= (change.changeIp ? 2 : 0) | (change.changePort ? 1 : 0) // §6.1, table 1
      port = responsePort ?? port
    }
    stats.successes++
    const builder = this.#start(message, 'success').add(attribute.xorMappedAddress, from)
    if (arrival !== undefined) {
      builder.add(attribute.mappedAddress, from) // both, so that a client sees when a gateway rewrites addresses in payloads (§3.6)
      builder.add(attribute.responseOrigin, arrival.origins[origin]!)
      builder.add(attribute.otherAddress, arrival.origins[here ^ 3]!)
      // Not of the link's MTU, as §6.1 proposes, but as long as what came: a forged source is sent no more than was paid for.
      if (padding !== undefined) builder.add(attribute.padding, new Uint8Array(padding.length))
    }
    return { bytes: this.#finish(message, builder, authentication), origin, port }
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

/** What is refused goes back the way it came. */
function back(bytes: Uint8Array, here: number, source: TransportAddress): BindingAnswer {
  return { bytes, origin: here, port: source.port }
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
