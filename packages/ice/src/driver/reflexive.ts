// Server-reflexive candidates (RFC 8445 §5.1.1.2): Binding requests to STUN servers through the sockets of the host
// candidates, paced, retransmitted, and kept alive until a pair is in use.
import {
  attribute,
  createTransactionId,
  decodeMessage,
  MessageBuilder,
  methods,
  type TransportAddress,
  transactionKey,
} from '@kaon/stun'

export interface ReflexiveQuery {
  readonly socket: number
  readonly server: TransportAddress
  readonly url: string
  /** Its failure is not news: the server is a TURN server, which is asked otherwise too. */
  readonly isQuiet?: boolean
}

export type ReflexiveResult =
  | { readonly query: ReflexiveQuery; readonly mapped: TransportAddress }
  | { readonly query: ReflexiveQuery; readonly mapped: undefined; readonly code: number; readonly reason: string }

interface Pending {
  readonly query: ReflexiveQuery
  readonly request: Uint8Array
  nextAt: number
  interval: number
  giveUpAt: number
}

export interface ReflexiveOptions {
  readonly random: (length: number) => Uint8Array
  /** Ta, ms. */
  readonly checkIntervalMs: number
  readonly gatherTimeoutMs: number
}

/** RFC 8445 §14.3: RTO is at least this, ms, or Ta times the number of requests when they are many. */
const MIN_INTERVAL = 500
/** RFC 8445 §11: Tr, ms. */
const KEEPALIVE_INTERVAL = 15_000

/** A machine without sockets: `send` is what it was given. */
export class ReflexiveGatherer {
  readonly #options: ReflexiveOptions
  readonly #send: (socket: number, to: TransportAddress, data: Uint8Array) => void
  readonly #builder = new MessageBuilder({ slabSize: 512 })
  readonly #waiting: ReflexiveQuery[] = []
  readonly #pending = new Map<string, Pending>()
  readonly #bindings: ReflexiveQuery[] = []
  #nextStartAt = 0
  #keepaliveAt = Infinity

  constructor(options: ReflexiveOptions, send: (socket: number, to: TransportAddress, data: Uint8Array) => void) {
    this.#options = options
    this.#send = send
  }

  add(query: ReflexiveQuery): void {
    this.#waiting.push(query)
  }

  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#pending.size === 0
  }

  /** Forgets all queries and bindings. */
  clear(): void {
    this.#waiting.length = 0
    this.#pending.clear()
    this.stopKeepalive()
  }

  /** A pair is in use: the bindings at the servers have served their purpose (RFC 8445 §8.3). */
  stopKeepalive(): void {
    this.#bindings.length = 0
    this.#keepaliveAt = Infinity
  }

  /** A STUN message from a server; undefined when it is none of ours, and then it is still the caller's. */
  receive(datagram: Uint8Array, socket: number, from: TransportAddress, now: number): ReflexiveResult | undefined {
    if (this.#pending.size === 0 || datagram.length < 20) return undefined
    const key = transactionKey(datagram, 8)
    const pending = this.#pending.get(key)
    if (pending === undefined || pending.query.socket !== socket) return undefined
    const { query } = pending
    if (from.port !== query.server.port || from.address !== query.server.address) return undefined
    const message = decodeMessage(datagram)
    if (message === undefined || message.method !== methods.binding) return undefined
    if (message.messageClass !== 'success' && message.messageClass !== 'error') return undefined
    this.#pending.delete(key)
    if (message.messageClass === 'error') {
      const error = message.get(attribute.errorCode)
      return { query, mapped: undefined, code: error?.code ?? 701, reason: error?.reason ?? 'malformed error response' }
    }
    const mapped = message.get(attribute.xorMappedAddress) ?? message.get(attribute.mappedAddress)
    if (mapped === undefined) return { query, mapped, code: 701, reason: 'response without a mapped address' }
    this.#bindings.push(query)
    this.#keepaliveAt = Math.min(this.#keepaliveAt, now + KEEPALIVE_INTERVAL)
    return { query, mapped }
  }

  get deadline(): number {
    let earliest = this.#waiting.length > 0 ? this.#nextStartAt : Infinity
    for (const pending of this.#pending.values()) earliest = Math.min(earliest, pending.nextAt)
    return Math.min(earliest, this.#keepaliveAt)
  }

  /** Returns what has been given up. */
  tick(now: number): ReflexiveResult[] {
    const results: ReflexiveResult[] = []
    for (const [key, pending] of this.#pending) {
      if (now < pending.nextAt) continue
      const { query } = pending
      if (now >= pending.giveUpAt) {
        this.#pending.delete(key)
        results.push({ query, mapped: undefined, code: 701, reason: 'the STUN server does not answer' })
        continue
      }
      pending.interval *= 2
      pending.nextAt = Math.min(now + pending.interval, pending.giveUpAt)
      this.#send(query.socket, query.server, pending.request.slice())
    }
    if (this.#waiting.length > 0 && now >= this.#nextStartAt) this.#start(this.#waiting.shift()!, now)
    if (now >= this.#keepaliveAt) this.#keepAlive(now)
    return results
  }

  #start(query: ReflexiveQuery, now: number): void {
    this.#nextStartAt = now + this.#options.checkIntervalMs // RFC 8445 §5.1.1: gathering is paced like checks
    const id = createTransactionId(this.#options.random)
    const request = this.#builder.start('request', methods.binding, id).fingerprint().finish()
    const requests = this.#waiting.length + this.#pending.size + 1
    const interval = Math.max(MIN_INTERVAL, this.#options.checkIntervalMs * requests)
    this.#pending.set(transactionKey(id), {
      query,
      request,
      nextAt: now + interval,
      interval,
      giveUpAt: now + this.#options.gatherTimeoutMs,
    })
    this.#send(query.socket, query.server, request.slice())
  }

  // RFC 8445 §5.1.1.4: an offer may wait for its answer for minutes, and NATs forget sooner.
  #keepAlive(now: number): void {
    this.#keepaliveAt = now + KEEPALIVE_INTERVAL
    for (const { socket, server } of this.#bindings) {
      const id = createTransactionId(this.#options.random)
      this.#send(socket, server, this.#builder.start('indication', methods.binding, id).fingerprint().finish())
    }
  }
}
