// mDNS (RFC 6762) for ICE candidates: asks for names and answers for own ones. Nothing is opened, not even the
// multicast-dns package loaded, before the first name; everything is closed with the last.

import { normalizeAddress } from '../address.ts'
import { NetError } from '../errors.ts'
import type { Mdns, MdnsRegistration, NetworkInterface, NetworkOptions } from '../network.ts'
import { whenAborted } from './abort.ts'
import { isLinkLocal } from './address.ts'
import type { MdnsTransport, MdnsTransportOptions } from './mdns-transport.ts'
import type { Answer, Message, Remote } from './multicast-dns.ts'

const DEFAULT_PORT = 5353
const DEFAULT_TIMEOUT = 5000
/** In ms after `resolve`: a second between the first two, then ever longer (RFC 6762 §5.2). */
const QUERY_TIMES = [0, 1000, 3000]
const ANNOUNCE_AGAIN = 1000 // RFC 6762 §8.3
const RECORD_TTL = 120 // s, RFC 6762 §10
const LEGACY_TTL = 10 // s, RFC 6762 §6.7
/** A name that was answered so few ms ago is not answered again: whoever asks has heard it. */
const ANSWER_INTERVAL = 20
const MAX_QUERIES = 256

interface Query {
  readonly waiters: Set<(address: string | undefined) => void>
  readonly timers: NodeJS.Timeout[]
}

interface Registration {
  readonly address: string
  readonly record: 'A' | 'AAAA'
  /** Per family of the transport. */
  readonly lastAnswer: { 4: number; 6: number }
  readonly timer: NodeJS.Timeout
}

export class NodeMdns implements Mdns {
  readonly #port: number
  readonly #timeout: number
  readonly #interfaces: (networkInterface: NetworkInterface) => boolean
  readonly #queries: Map<string, Query> = new Map()
  readonly #registrations: Map<string, Registration> = new Map()
  #transports: Promise<MdnsTransport[]> | undefined

  constructor(options: NetworkOptions['mdns'] = {}) {
    this.#port = options.port ?? DEFAULT_PORT
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT
    this.#interfaces = options.interfaces ?? ((entry): boolean => !entry.internal)
  }

  async resolve(name: string, options: { signal?: AbortSignal } = {}): Promise<string | undefined> {
    const { signal } = options
    signal?.throwIfAborted()
    const key = name.toLowerCase()
    const own = this.#registrations.get(key)
    if (own !== undefined) return own.address
    if (!isLocalName(key)) return undefined
    const query = this.#queries.get(key) ?? this.#startQuery(key)
    if (query === undefined) return undefined
    return new Promise((resolve, reject) => {
      const stopWatching = whenAborted(signal, () => {
        query.waiters.delete(waiter)
        if (query.waiters.size === 0) this.#finishQuery(key, undefined)
        reject(signal?.reason)
      })
      const waiter = (address: string | undefined): void => {
        stopWatching()
        resolve(address)
      }
      query.waiters.add(waiter)
    })
  }

  /** @throws NetError `ERR_NET_ARGUMENT` if that is no `.local` name or no IP address */
  publish(name: string, address: string): MdnsRegistration {
    const key = name.toLowerCase()
    const normalized = normalizeAddress(address)?.split('%')[0]
    if (normalized === undefined) throw new NetError('ERR_NET_ARGUMENT', `Not an IP address: ${address}`)
    if (!isLocalName(key)) throw new NetError('ERR_NET_ARGUMENT', `Not a .local name: ${name}`)
    const previous = this.#registrations.get(key)
    if (previous !== undefined) clearTimeout(previous.timer)
    const announce = (): void => this.#send('respond', { answers: [toAnswer(key, registration, RECORD_TTL)] })
    const registration: Registration = {
      address: normalized,
      record: normalized.includes(':') ? 'AAAA' : 'A',
      lastAnswer: { 4: -Infinity, 6: -Infinity },
      timer: setTimeout(announce, ANNOUNCE_AGAIN).unref(),
    }
    this.#registrations.set(key, registration)
    announce()
    return {
      close: (): void => {
        clearTimeout(registration.timer)
        if (this.#registrations.get(key) !== registration) return
        this.#registrations.delete(key)
        this.#send('respond', { answers: [toAnswer(key, registration, 0)] }) // RFC 6762 §10.1
        this.#closeIfIdle()
      },
    }
  }

  #startQuery(key: string): Query | undefined {
    if (this.#queries.size >= MAX_QUERIES) return undefined
    const questions = [
      { name: key, type: 'A' },
      { name: key, type: 'AAAA' },
    ]
    const ask = (): void => this.#send('query', { questions })
    const timers = QUERY_TIMES.slice(1).map((time) => setTimeout(ask, time))
    timers.push(setTimeout(() => this.#finishQuery(key, undefined), this.#timeout))
    const query: Query = { waiters: new Set(), timers }
    this.#queries.set(key, query)
    ask()
    return query
  }

  #finishQuery(key: string, address: string | undefined): void {
    const query = this.#queries.get(key)
    if (query === undefined) return
    this.#queries.delete(key)
    for (const timer of query.timers) clearTimeout(timer)
    this.#closeIfIdle()
    for (const waiter of query.waiters) waiter(address)
  }

  #send(kind: 'query' | 'respond', message: Message): void {
    this.#transports ??= this.#open()
    void this.#transports.then((transports) => {
      for (const transport of transports) transport.multicast(kind, message)
    })
  }

  async #open(): Promise<MdnsTransport[]> {
    const shared: Omit<MdnsTransportOptions, 'family'> = {
      port: this.#port,
      interfaces: this.#interfaces,
      onQuery: (message, remote, transport) => this.#answer(message, remote, transport),
      onResponse: (message, remote) => this.#hear(message, remote),
    }
    const { openMdnsTransport } = await import('./mdns-transport.ts')
    const transports = await Promise.all([
      openMdnsTransport({ ...shared, family: 4 }),
      openMdnsTransport({ ...shared, family: 6 }),
    ])
    return transports.filter((transport) => transport !== undefined)
  }

  #closeIfIdle(): void {
    if (this.#queries.size > 0 || this.#registrations.size > 0) return
    const transports = this.#transports
    this.#transports = undefined
    void transports?.then((list) => {
      for (const transport of list) transport.close()
    })
  }

  #answer(message: Message, remote: Remote, transport: MdnsTransport): void {
    const isLegacy = remote.port !== this.#port
    for (const question of message.questions ?? []) {
      const key = question.name.toLowerCase()
      const registration = this.#registrations.get(key)
      if (registration === undefined || (question.type !== registration.record && question.type !== 'ANY')) continue
      if (isLegacy) {
        // RFC 6762 §6.7: an ordinary resolver; it wants its id and its question back, and no cache-flush bit.
        const answer = { ...toAnswer(key, registration, LEGACY_TTL), flush: false }
        const questions = [{ name: question.name, type: question.type }]
        transport.unicast({ id: message.id ?? 0, questions, answers: [answer] }, remote)
        continue
      }
      const time = performance.now()
      if (time - registration.lastAnswer[transport.family] < ANSWER_INTERVAL) continue
      registration.lastAnswer[transport.family] = time
      transport.multicast('respond', { answers: [toAnswer(key, registration, RECORD_TTL)] })
    }
  }

  #hear(message: Message, remote: Remote): void {
    if (remote.port !== this.#port) return // RFC 6762 §6: responses come from the mDNS port
    for (const answer of [...(message.answers ?? []), ...(message.additionals ?? [])]) {
      if ((answer.type !== 'A' && answer.type !== 'AAAA') || answer.ttl === 0) continue
      const key = answer.name.toLowerCase()
      if (!this.#queries.has(key) || typeof answer.data !== 'string') continue
      const address = withZone(answer.data, remote.address)
      if (address !== undefined) this.#finishQuery(key, address)
    }
  }
}

/** A link-local answer means the link that it came by. */
function withZone(text: string, sender: string): string | undefined {
  const address = normalizeAddress(text)
  if (address === undefined || !isLinkLocal(address)) return address
  const zone = sender.split('%')[1]
  return zone === undefined ? undefined : `${address}%${zone}`
}

function toAnswer(name: string, registration: Registration, ttl: number): Answer {
  return { name, type: registration.record, class: 'IN', ttl, flush: true, data: registration.address }
}

function isLocalName(name: string): boolean {
  if (!name.endsWith('.local') || name.length > 253) return false
  return name.split('.').every((label) => label.length > 0 && label.length <= 63)
}
