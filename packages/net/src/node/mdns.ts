// mDNS (RFC 6762) for ICE candidates: asks for names and answers for own ones. Nothing is opened, not even the
// multicast-dns package loaded, before the first name; everything is closed with the last.

import { normalizeAddress } from '../address.ts'
import { NetError } from '../errors.ts'
import type { Mdns, MdnsRegistration, NetworkInterface, NetworkOptions } from '../network.ts'
import { whenAborted } from './abort.ts'
import { MdnsCache } from './mdns-cache.ts'
import { addressesIn, addressRecord, goodbyeFor, localNameKey, queryFor, responseFor } from './mdns-records.ts'
import { MdnsResponder } from './mdns-responder.ts'
import type { Reply } from './mdns-responder.ts'
import type { MdnsTransport, MdnsTransportOptions } from './mdns-transport.ts'
import type { Message, Remote } from './multicast-dns.ts'

const DEFAULT_PORT = 5353
const DEFAULT_TIMEOUT = 5000
/**
 * In ms after `resolve`: each time A is asked, then AAAA. RFC 6762 §5.2 wants a second before the first repetition of those who
 * watch a name for long; this is a one-shot query (§5.1) that ends with its first answer, and wireless links easily lose multicast.
 */
const QUERY_TIMES = [0, 250, 750, 1750, 3750]
/** In ms. Browsers answer A, the address may be of either family, and Chromium answers once per second and name: do not waste it. */
const AAAA_LATER = 20
const ANNOUNCE_AGAIN = 1000 // RFC 6762 §8.3
const MAX_QUERIES = 256

interface Query {
  readonly waiters: Set<(address: string | undefined) => void>
  readonly timers: NodeJS.Timeout[]
}

export class NodeMdns implements Mdns {
  readonly #port: number
  readonly #timeout: number
  readonly #interfaces: (networkInterface: NetworkInterface) => boolean
  readonly #queries: Map<string, Query> = new Map()
  readonly #responder: MdnsResponder = new MdnsResponder()
  readonly #cache: MdnsCache = new MdnsCache()
  #transports: Promise<MdnsTransport[]> | undefined

  constructor(options: NetworkOptions['mdns'] = {}) {
    this.#port = options.port ?? DEFAULT_PORT
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT
    this.#interfaces = options.interfaces ?? ((entry): boolean => !entry.internal)
  }

  async resolve(name: string, options: { signal?: AbortSignal } = {}): Promise<string | undefined> {
    const { signal } = options
    signal?.throwIfAborted()
    const key = localNameKey(name)
    if (key === undefined) return undefined
    const known = this.#responder.get(key)?.address ?? this.#cache.get(key, performance.now())
    if (known !== undefined) return known
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
    const key = localNameKey(name)
    const normalized = normalizeAddress(address)?.split('%')[0]
    if (normalized === undefined) throw new NetError('ERR_NET_ARGUMENT', `Not an IP address: ${address}`)
    if (key === undefined) throw new NetError('ERR_NET_ARGUMENT', `Not a .local name: ${name}`)
    const record = addressRecord(name.endsWith('.') ? name.slice(0, -1) : name, normalized)
    const announce = (): void => {
      if (this.#responder.get(key) !== record) return // somebody took its place
      this.#responder.announced(key, performance.now())
      this.#send('respond', responseFor(record))
    }
    this.#responder.add(key, record)
    this.#finishQuery(key, normalized)
    announce()
    const timer = setTimeout(announce, ANNOUNCE_AGAIN).unref()
    return {
      close: (): void => {
        clearTimeout(timer)
        if (this.#responder.get(key) !== record) return
        this.#responder.delete(key)
        this.#cache.set(key, normalized, 0, performance.now())
        this.#send('respond', goodbyeFor(record))
        this.#closeIfIdle()
      },
    }
  }

  #startQuery(key: string): Query | undefined {
    if (this.#queries.size >= MAX_QUERIES) return undefined
    const askA = (): void => this.#send('query', queryFor(key, 'A'))
    const askAaaa = (): void => this.#send('query', queryFor(key, 'AAAA'))
    const timers = QUERY_TIMES.slice(1).map((time) => setTimeout(askA, time))
    for (const time of QUERY_TIMES) timers.push(setTimeout(askAaaa, time + AAAA_LATER))
    timers.push(setTimeout(() => this.#finishQuery(key, undefined), this.#timeout))
    const query: Query = { waiters: new Set(), timers }
    this.#queries.set(key, query)
    askA()
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
    const opening = (this.#transports ??= this.#open())
    void opening.then((transports) => {
      for (const transport of transports) transport.multicast(kind, message)
      // No network (yet), or the port is taken: the next message tries again.
      if (transports.length === 0 && this.#transports === opening) this.#transports = undefined
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
    if (this.#queries.size > 0 || this.#responder.size > 0) return
    const transports = this.#transports
    this.#transports = undefined
    void transports?.then((list) => {
      for (const transport of list) transport.close()
    })
  }

  #answer(message: Message, remote: Remote, transport: MdnsTransport): void {
    const asker = { isLegacy: remote.port !== this.#port, family: transport.family }
    for (const reply of this.#responder.answer(message, asker, performance.now())) {
      if (reply.to === 'asker') transport.unicast(reply.message, remote)
      else if (reply.delay === 0) transport.multicast('respond', reply.message)
      else setTimeout(() => this.#answerLater(reply, transport), reply.delay).unref()
    }
  }

  #answerLater(reply: Reply, transport: MdnsTransport): void {
    const key = localNameKey(reply.record.name)
    if (key === undefined || this.#responder.get(key) !== reply.record) return // closed since
    transport.multicast('respond', reply.message)
  }

  #hear(message: Message, remote: Remote): void {
    if (remote.port !== this.#port) return // RFC 6762 §6: responses come from the mDNS port
    const now = performance.now()
    for (const { key, address, ttl } of addressesIn(message, remote.address)) {
      if (this.#responder.get(key) !== undefined) continue // our own, come back
      this.#cache.set(key, address, ttl, now)
      if (ttl > 0) this.#finishQuery(key, address)
    }
  }
}
