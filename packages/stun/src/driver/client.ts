import type { Endpoint, Network, Timer, TlsOptions } from '@kaon/net'
import { transportAddress } from '../address.ts'
import { assertFits, attribute } from '../attributes.ts'
import { createTransactionId, MessageBuilder } from '../builder.ts'
import type { AuthenticatedRequest, ClientCredentials } from '../client-credentials.ts'
import { StunError } from '../error.ts'
import { checkFingerprint } from '../integrity.ts'
import { StunFramer } from '../framer.ts'
import { decodeMessage, type StunMessage, transactionKey } from '../message.ts'
import { methods } from '../numbers.ts'
import { RetransmissionTimeout } from '../rto.ts'
import { StunTransaction, type StunTransactionEvent } from '../transaction.ts'
import { parseHostPort, parseStunUri } from '../uri.ts'
import { type Link, openLink, type StunTransport } from './link.ts'
import { closedError, describe, failure, refusal } from './failures.ts'
import { Guard } from './guard.ts'
import { localEndpoint } from './local-endpoint.ts'

export interface StunClientOptions {
  readonly network: Network
  /** `stun.example.org`, `192.0.2.1:3478`, `[2001:db8::1]:3478`, or a `stun:` or `stuns:` URI. */
  readonly server: string
  /** Default: TLS for a `stuns:` URI, else UDP. */
  readonly transport?: StunTransport
  /** Take only addresses of this family. Default: the first that works, in the system's order. */
  readonly family?: 4 | 6
  readonly localAddress?: string
  readonly localPort?: number
  readonly tls?: TlsOptions
  /** For servers that want to know who asks. One object per server: it remembers the server's challenge. */
  readonly credentials?: ClientCredentials
  /** SOFTWARE in requests. Default: none. */
  readonly software?: string
  /** First retransmission timeout in ms (UDP). Default 500, and more once the server is known to be far away. */
  readonly rto?: number
  /** Rc. Default 7. */
  readonly maxTransmissions?: number
  /** Rm. Default 16. */
  readonly lastWait?: number
  /** ms a request may take in all, challenges, redirections and connecting included. Default: as long as RFC 8489 §6.2 lets it. */
  readonly timeout?: number
  /** The random source for transaction ids. Default: the platform's. */
  readonly random?: (length: number) => Uint8Array
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

export interface StunRequestOptions {
  readonly signal?: AbortSignal
  /** Replaces the client's `timeout` for this request. */
  readonly timeout?: number
  /** The comprehension-required attributes that may stand in the response. Default: those of RFC 8489, enough for Binding. */
  readonly understood?: ReadonlySet<number>
}

/** A success response and how it came about. */
export interface StunResponse {
  readonly message: StunMessage
  /** ms; undefined when the request was retransmitted. */
  readonly roundTripTime: number | undefined
  /** How often the request that was answered had been sent. */
  readonly transmissions: number
  readonly server: Endpoint
  /** The own address; the port is exact, the address a best guess when several would do. */
  readonly local: Endpoint
}

export interface BindingResult extends StunResponse {
  /** The own address as the server sees it. */
  readonly mappedAddress: Endpoint
  readonly software: string | undefined
}

// Present on every platform with sockets, but not among what the portable projects declare.
declare const AbortController: new () => { readonly signal: AbortSignal; abort(reason?: unknown): void }

interface Pending {
  readonly transaction: StunTransaction
  readonly link: Link
  readonly resolve: (event: StunTransactionEvent & { readonly type: 'response' }) => void
  readonly reject: (error: StunError) => void
}

/** How many redirections a request follows (RFC 8489 §10 only asks not to go in circles). */
const MAX_REDIRECTIONS = 5

/**
 * Asks one STUN server over UDP, TCP or TLS. Connects when first asked and keeps the socket, and with it the mapping, until
 * `close`. Requests may overlap.
 */
export class StunClient {
  readonly #options: StunClientOptions
  readonly #network: Network
  readonly #host: string
  readonly #port: number
  readonly #transport: StunTransport
  readonly #builder = new MessageBuilder({ slabSize: 1024 })
  readonly #rto: RetransmissionTimeout
  readonly #pending = new Map<string, Pending>()
  readonly #stop = new AbortController()
  /** Addresses that refused a connection or a datagram, as `connect` and `sendto` report it. */
  readonly #refused = new Set<string>()
  #link: Link | undefined
  #opening: Promise<Link> | undefined
  #alternate: Endpoint | undefined
  #timer: Timer | undefined
  #timerAt = Infinity
  #closed = false

  /** @throws StunError `ERR_STUN_OPTION` when `server` or an option makes no sense. Contacts nobody. */
  constructor(options: StunClientOptions) {
    const isUri = /^stuns?:/i.test(options.server)
    const uri = isUri ? parseStunUri(options.server) : undefined
    const server = isUri ? uri : parseHostPort(options.server)
    if (server === undefined) throw new StunError('ERR_STUN_OPTION', `not a STUN server: ${options.server}`)
    if (options.software !== undefined) assertFits(attribute.software, options.software)
    this.#transport = options.transport ?? (uri?.scheme === 'stuns' ? 'tls' : 'udp')
    this.#options = options
    this.#network = options.network
    this.#host = server.host
    this.#port = server.port ?? (this.#transport === 'tls' ? 5349 : 3478)
    this.#rto = new RetransmissionTimeout(options.rto)
  }

  /**
   * Asks for the own address as the server sees it.
   * @throws StunError with the codes of `request`, or `ERR_STUN_MALFORMED` when the response has no address.
   */
  async binding(options?: StunRequestOptions): Promise<BindingResult> {
    const response = await this.request(methods.binding, undefined, options)
    const { message } = response
    // Servers of RFC 3489 times answer with MAPPED-ADDRESS only.
    const mappedAddress = message.get(attribute.xorMappedAddress) ?? message.get(attribute.mappedAddress)
    if (mappedAddress === undefined) throw new StunError('ERR_STUN_MALFORMED', 'the response has no mapped address')
    return { ...response, mappedAddress, software: message.get(attribute.software) }
  }

  /**
   * Sends a request and resolves with its success response; challenges (401, 438) and redirections (300) are followed.
   * `build` adds attributes; it is called again for each attempt.
   * @throws StunError `ERR_STUN_TIMEOUT`, `ERR_STUN_INTEGRITY`, `ERR_STUN_RESPONSE` (with `responseCode`), `ERR_STUN_CREDENTIALS`
   * (the server refuses them), `ERR_STUN_UNREACHABLE`, `ERR_STUN_MALFORMED`, `ERR_STUN_ABORTED`, `ERR_STUN_CLOSED`.
   */
  async request(
    method: number,
    build?: (builder: MessageBuilder) => void,
    options: StunRequestOptions = {},
  ): Promise<StunResponse> {
    const guard = new Guard(this.#network, options.timeout ?? this.#options.timeout, options.signal)
    try {
      for (let redirections = 0; ;) {
        const link = await guard.race(this.#connect())
        const { bytes, authentication } = this.#write(method, build)
        const response = await guard
          .race(this.#transact(link, bytes, authentication, options.understood), () =>
            this.#drop(transactionKey(bytes, 8)),
          )
          .catch((error: unknown) => {
            if (this.#tryNextAddress(link, error)) return undefined
            throw error
          })
        if (response === undefined) continue
        if (response.message.messageClass === 'success') return response
        const code = response.message.get(attribute.errorCode)!
        if (authentication?.retry(response.message)) continue
        if (code.code === 300 && redirections++ < MAX_REDIRECTIONS && this.#redirect(response)) continue
        throw refusal(code.code, code.reason, this.#options.credentials !== undefined)
      }
    } finally {
      guard.release()
    }
  }

  /** Ends all requests with `ERR_STUN_CLOSED` and closes the socket. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#stop.abort()
    const link = this.#link
    this.#link = undefined
    link?.close()
    for (const [key, pending] of this.#pending) {
      this.#drop(key)
      pending.reject(closedError())
    }
  }

  #write(
    method: number,
    build: ((builder: MessageBuilder) => void) | undefined,
  ): { bytes: Uint8Array; authentication: AuthenticatedRequest | undefined } {
    const { software, credentials, random } = this.#options
    const builder = this.#builder.start('request', method, createTransactionId(random))
    build?.(builder)
    if (software !== undefined) builder.add(attribute.software, software)
    const authentication = credentials?.authenticate(builder)
    return { bytes: builder.fingerprint().finish(), authentication }
  }

  #transact(
    link: Link,
    request: Uint8Array,
    authentication: AuthenticatedRequest | undefined,
    understood: ReadonlySet<number> | undefined,
  ): Promise<StunResponse> {
    const { maxTransmissions, lastWait, trace } = this.#options
    const transaction = new StunTransaction({
      request,
      reliable: link.reliable,
      rto: this.#rto.value(this.#network.now()),
      ...(maxTransmissions !== undefined && { maxTransmissions }),
      ...(lastWait !== undefined && { lastWait }),
      ...(trace && { trace }),
      ...(understood && { understood }),
      ...(authentication && { accept: authentication.accept }),
    })
    return new Promise<StunResponse>((resolve, reject) => {
      this.#pending.set(transaction.key, {
        transaction,
        link,
        reject,
        resolve: ({ message, roundTripTime }) => {
          const at = this.#network.now()
          if (roundTripTime !== undefined) this.#rto.sample(roundTripTime, at)
          resolve({
            message,
            roundTripTime,
            transmissions: transaction.stats.transmissions,
            server: link.remote,
            local: localEndpoint(this.#network, link.local, link.remote, message.get(attribute.xorMappedAddress)),
          })
        },
      })
      this.#drain(transaction.key)
    })
  }

  /** Forgets a request; a link that the client has turned away from is closed with its last one. */
  #drop(key: string): void {
    const link = this.#pending.get(key)?.link
    this.#pending.delete(key)
    if (link === undefined || link === this.#link) return
    for (const pending of this.#pending.values()) if (pending.link === link) return
    link.close()
  }

  /** Sends what a transaction has to send, settles it when it has ended, and sets the timer for the others. */
  #drain(key: string): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    const { transaction, link } = pending
    const now = this.#network.now()
    const datagram = transaction.pollTransmit(now)
    if (datagram !== undefined) link.send(datagram)
    const event = transaction.pollEvent()
    if (event === undefined) {
      this.#arm(transaction.deadline)
      return
    }
    this.#drop(key)
    if (event.type === 'response') pending.resolve(event)
    else pending.reject(failure(event.reason, this.#host))
  }

  #arm(deadline: number): void {
    if (deadline >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = deadline
    this.#timer = deadline === Infinity ? undefined : this.#network.setTimer(deadline, () => this.#tick())
  }

  #tick(): void {
    this.#timerAt = Infinity
    this.#timer = undefined
    const now = this.#network.now()
    for (const [key, { transaction }] of this.#pending) {
      transaction.tick(now)
      this.#drain(key)
    }
  }

  #connect(): Promise<Link> {
    if (this.#closed) return Promise.reject(closedError())
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<Link> {
    let cause: unknown
    for (const remote of await this.#addresses()) {
      if (this.#closed) break
      try {
        const link = await openLink({
          network: this.#network,
          transport: this.#transport,
          remote,
          serverName: this.#host,
          framer: () => new StunFramer(),
          localAddress: this.#options.localAddress,
          localPort: this.#options.localPort,
          tls: this.#options.tls,
          signal: this.#stop.signal,
        })
        if (this.#closed) {
          link.close()
          break
        }
        link.onmessage = (datagram) => this.#receive(datagram)
        link.onbroken = (error) => this.#broken(link, error)
        link.onerror = link.onbroken
        this.#link = link
        return link
      } catch (error) {
        cause = error
        this.#refused.add(remote.address)
      }
    }
    this.#refused.clear()
    if (this.#closed) throw closedError()
    throw new StunError('ERR_STUN_UNREACHABLE', `cannot reach ${this.#host}: ${describe(cause)}`, { cause })
  }

  async #addresses(): Promise<Endpoint[]> {
    if (this.#alternate !== undefined) return [this.#alternate]
    const { family } = this.#options
    let addresses: string[]
    try {
      addresses = await this.#network.lookup(this.#host, family === undefined ? undefined : { family })
    } catch (cause) {
      throw new StunError('ERR_STUN_UNREACHABLE', `no address for ${this.#host}: ${describe(cause)}`, { cause })
    }
    const endpoints = addresses.map((address) => transportAddress(address, this.#port))
    const usable = family === undefined ? endpoints : endpoints.filter((endpoint) => endpoint.family === family)
    if (usable.length === 0) {
      throw new StunError('ERR_STUN_UNREACHABLE', `no IPv${family ?? ''} address for ${this.#host}`)
    }
    const fresh = usable.filter(({ address }) => !this.#refused.has(address))
    return fresh.length > 0 ? fresh : usable
  }

  #receive(datagram: Uint8Array): void {
    const message = decodeMessage(datagram)
    if (message === undefined || (message.fingerprintOffset >= 0 && !checkFingerprint(message))) return
    const key = message.transactionKey
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    pending.transaction.handle(message, this.#network.now())
    this.#drain(key)
  }

  #broken(link: Link, cause: Error | undefined): void {
    const text = cause === undefined ? 'the server closed the connection' : describe(cause)
    if (this.#link === link) this.#link = undefined
    link.close()
    for (const [key, pending] of this.#pending) {
      if (pending.link !== link) continue
      this.#drop(key)
      pending.reject(new StunError('ERR_STUN_UNREACHABLE', `${this.#host}: ${text}`, { cause }))
    }
  }

  /** After a datagram that the system would not send: whether the host has an address that was not tried (no route to IPv6, say). */
  #tryNextAddress(link: Link, error: unknown): boolean {
    if (!(error instanceof StunError) || error.code !== 'ERR_STUN_UNREACHABLE' || link.reliable) return false
    if (this.#closed || this.#alternate !== undefined || this.#refused.has(link.remote.address)) return false
    this.#refused.add(link.remote.address)
    return true
  }

  /** Turns to the server that a 300 names; false when it may not be followed (RFC 8489 §10). */
  #redirect(response: StunResponse): boolean {
    const alternate = response.message.get(attribute.alternateServer)
    if (alternate === undefined || alternate.family !== response.server.family) return false
    if (sameEndpoint(alternate, response.server)) return false
    if (this.#alternate !== undefined && sameEndpoint(alternate, this.#alternate)) return true // another request was told before
    this.#alternate = alternate
    this.#options.credentials?.reset()
    const link = this.#link
    this.#link = undefined
    if (link !== undefined && ![...this.#pending.values()].some((pending) => pending.link === link)) link.close()
    return true
  }
}

/** Asks once and closes: `await requestBinding({ network, server })`. */
export async function requestBinding(options: StunClientOptions & StunRequestOptions): Promise<BindingResult> {
  const client = new StunClient(options)
  try {
    return await client.binding(options)
  } finally {
    client.close()
  }
}

function sameEndpoint(left: Endpoint, right: Endpoint): boolean {
  return left.port === right.port && left.address === right.address
}
