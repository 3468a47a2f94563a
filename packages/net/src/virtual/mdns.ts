// mDNS inside the virtual network: real multicast datagrams, so that delay, loss and pulled cables apply, but a text
// payload instead of DNS messages: `?name` asks, `=name address` answers.

import { normalizeAddress } from '../address.ts'
import { NetError } from '../errors.ts'
import type { Mdns, MdnsRegistration, Timer } from '../network.ts'
import type { Core } from './core.ts'
import type { VirtualHost } from './host.ts'
import type { VirtualInterface } from './interface.ts'
import type { Packet } from './packet.ts'
import { MULTICAST_4, MULTICAST_6 } from './router.ts'

export const MDNS_PORT = 5353

/** When a query is sent, in ms after `resolve` (RFC 6762 §5.2: the second after a second, then less and less often). */
const QUERY_TIMES = [0, 1000, 3000]
const TIMEOUT = 5000

interface Query {
  readonly timers: Timer[]
  readonly finish: (address: string | undefined) => void
}

export class VirtualMdns implements Mdns {
  readonly #core: Core
  readonly #host: VirtualHost
  readonly #published: Map<string, string> = new Map()
  readonly #queries: Map<string, Set<Query>> = new Map()

  constructor(core: Core, host: VirtualHost) {
    this.#core = core
    this.#host = host
  }

  get openHandles(): number {
    return this.#published.size
  }

  publish(name: string, address: string): MdnsRegistration {
    const normalized = normalizeAddress(address)
    if (normalized === undefined) throw new NetError('ERR_NET_ARGUMENT', `Not an IP address: ${address}`)
    const key = name.toLowerCase()
    this.#published.set(key, normalized)
    return {
      close: (): void => {
        if (this.#published.get(key) === normalized) this.#published.delete(key)
      },
    }
  }

  async resolve(name: string, options: { signal?: AbortSignal } = {}): Promise<string | undefined> {
    const { signal } = options
    signal?.throwIfAborted()
    const key = name.toLowerCase()
    const own = this.#published.get(key)
    if (own !== undefined) return own
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        query.finish(undefined)
        reject(signal?.reason)
      }
      const query: Query = {
        timers: [],
        finish: (address) => {
          for (const timer of query.timers) timer.cancel()
          signal?.removeEventListener('abort', onAbort)
          this.#forget(key, query)
          if (signal?.aborted !== true) resolve(address)
        },
      }
      const queries = this.#queries.get(key)
      if (queries === undefined) this.#queries.set(key, new Set([query]))
      else queries.add(query)
      signal?.addEventListener('abort', onAbort)
      const start = this.#host.now()
      for (const time of QUERY_TIMES) {
        query.timers.push(this.#host.setTimer(start + time, () => this.#multicast(`?${key}`)))
      }
      query.timers.push(this.#host.setTimer(start + TIMEOUT, () => query.finish(undefined)))
    })
  }

  receive(packet: Packet, entry: VirtualInterface): void {
    const text = new TextDecoder().decode(packet.data)
    if (text.startsWith('?')) {
      const name = text.slice(1)
      const address = this.#published.get(name)
      if (address !== undefined) this.#send(`=${name} ${address}`, entry)
      return
    }
    const space = text.indexOf(' ')
    const queries = this.#queries.get(text.slice(1, space))
    if (queries === undefined) return
    this.#core.scheduler.touched = true
    for (const query of queries) query.finish(text.slice(space + 1))
  }

  /** Forgets everything without settling anything. */
  reset(): void {
    this.#published.clear()
    this.#queries.clear()
  }

  #forget(key: string, query: Query): void {
    const queries = this.#queries.get(key)
    queries?.delete(query)
    if (queries?.size === 0) this.#queries.delete(key)
  }

  #multicast(text: string): void {
    for (const entry of this.#host.attachedInterfaces) this.#send(text, entry)
  }

  #send(text: string, entry: VirtualInterface): void {
    const data = new TextEncoder().encode(text)
    const source = entry.isUp ? entry.addresses[0] : undefined
    if (source === undefined) return
    const group = source.includes(':') ? MULTICAST_6 : MULTICAST_4
    const packet = this.#host.makePacket(source, MDNS_PORT, group, MDNS_PORT, data)
    if (this.#core.taps.size > 0) this.#core.tell('sent', this.#host.name, packet)
    entry.link.upstream.transmit(packet)
  }
}
