import { type CryptoProvider, defaultProvider, timingSafeEqual } from '@kaon/crypto'
import { concat } from './bytes.ts'
import { decodeClientHelloStart } from './handshake/client-hello.ts'
import { decodeFragment, encodeMessage, HandshakeType } from './handshake/header.ts'
import { encodeHelloVerifyRequest } from './handshake/hello-verify-request.ts'
import {
  ContentType,
  readSequence,
  RECORD_HEADER_LENGTH,
  VERSION_1_0,
  VERSION_1_2,
  writeRecordHeader,
} from './record/header.ts'

const COOKIE_LENGTH = 20
const DEFAULT_LIFETIME = 60_000

export interface CookieGateOptions {
  crypto?: CryptoProvider
  /** ms that a secret is used to make cookies, and as long again to check them. Default 60000. */
  secretLifetime?: number
}

/** `accept`: make a connection with `cookie: 'verified'` and feed it the datagram. `reply`: send this. */
export type CookieVerdict =
  | { readonly type: 'accept'; readonly clientRandom: Uint8Array }
  | { readonly type: 'reply'; readonly datagram: Uint8Array }

/**
 * The cookie exchange of RFC 6347 §4.2.1 without any state per client, in front of a server: nothing is kept, and no more is sent than came,
 * until a client has shown that it receives at the address it sends from.
 *
 * The cookie is an HMAC over address, client random and session id. That is less than §4.2.1 proposes on purpose: these stand before the
 * cookie in the hello, so a hello that comes in several datagrams can be judged by its first fragment.
 */
export class CookieGate {
  readonly #crypto: CryptoProvider
  readonly #lifetime: number
  #secret: Uint8Array
  #previous: Uint8Array
  #since = -Infinity

  constructor(options: CookieGateOptions = {}) {
    this.#crypto = options.crypto ?? defaultProvider
    this.#lifetime = options.secretLifetime ?? DEFAULT_LIFETIME
    this.#secret = this.#crypto.random(32)
    this.#previous = this.#crypto.random(32)
  }

  /**
   * Judges a datagram from someone unknown. `peer` says who it is, such as address and port; `now` is in ms. Undefined: drop it, it is not the
   * beginning of a ClientHello.
   */
  check(datagram: Uint8Array, peer: string, now: number): CookieVerdict | undefined {
    const fragment = firstFragment(datagram)
    if (fragment === undefined) return undefined
    const hello = decodeClientHelloStart(fragment.body)
    if (hello === undefined) return undefined
    this.#rotate(now)
    // The random has a fixed length and comes first, the name of the peer last, behind the length of what is between them.
    const { random, sessionId } = hello
    const input = concat(random, Uint8Array.of(sessionId.length), sessionId, new TextEncoder().encode(peer))
    const cookie = this.#cookie(this.#secret, input)
    if (timingSafeEqual(cookie, hello.cookie) || timingSafeEqual(this.#cookie(this.#previous, input), hello.cookie)) {
      return { type: 'accept', clientRandom: hello.random }
    }
    const body = encodeHelloVerifyRequest({ version: VERSION_1_0, cookie })
    const message = encodeMessage(HandshakeType.helloVerifyRequest, fragment.messageSeq, body)
    const reply = new Uint8Array(RECORD_HEADER_LENGTH + message.length)
    // The number of the client's record, since there is no counter (RFC 6347 §4.2.1).
    writeRecordHeader(reply, 0, ContentType.handshake, VERSION_1_0, 0, readSequence(datagram, 5), message.length)
    reply.set(message, RECORD_HEADER_LENGTH)
    return { type: 'reply', datagram: reply }
  }

  #cookie(secret: Uint8Array, input: Uint8Array): Uint8Array {
    return this.#crypto.hmac('sha256', secret, input).slice(0, COOKIE_LENGTH)
  }

  #rotate(now: number): void {
    const age = now - this.#since
    if (age < this.#lifetime) return
    this.#previous = age < 2 * this.#lifetime ? this.#secret : this.#crypto.random(32)
    this.#secret = this.#crypto.random(32)
    this.#since = now
  }
}

/** The first fragment of a ClientHello, if the datagram begins with one. */
function firstFragment(datagram: Uint8Array): { messageSeq: number; body: Uint8Array } | undefined {
  if (datagram.length < RECORD_HEADER_LENGTH || datagram[0] !== ContentType.handshake) return undefined
  const version = (datagram[1]! << 8) | datagram[2]!
  if (version !== VERSION_1_0 && version !== VERSION_1_2) return undefined
  if (datagram[3] !== 0 || datagram[4] !== 0) return undefined
  const end = RECORD_HEADER_LENGTH + ((datagram[11]! << 8) | datagram[12]!)
  if (end > datagram.length) return undefined
  const fragment = decodeFragment(datagram.subarray(0, end), RECORD_HEADER_LENGTH)
  if (fragment === undefined || fragment.type !== HandshakeType.clientHello) return undefined
  return fragment.fragmentOffset === 0 ? fragment : undefined
}
