// One mDNS socket for one IP family: joins the group on every interface and sends on each of them in turn.

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import type { NetworkInterface } from '../network.ts'
import { isLinkLocal } from './address.ts'
import { listInterfaces } from './interfaces.ts'
import { loadMulticastDns } from './multicast-dns.ts'
import type { Message, MulticastDns, Remote } from './multicast-dns.ts'

export interface MdnsTransportOptions {
  readonly family: 4 | 6
  readonly port: number
  readonly interfaces: (networkInterface: NetworkInterface) => boolean
  readonly onQuery: (message: Message, remote: Remote, transport: MdnsTransport) => void
  readonly onResponse: (message: Message, remote: Remote) => void
}

/** RFC 6762 §3 and §11 */
const GROUPS = { 4: '224.0.0.251', 6: 'ff02::fb' } as const
const HOP_LIMIT = 255
/** Every question that may be under way, and answers besides. */
const LONGEST_QUEUE = 512
/** In ms: how long the list of interfaces is taken to be right. */
const INTERFACES_AGE = 250

export class MdnsTransport {
  readonly family: 4 | 6
  readonly #options: MdnsTransportOptions
  readonly #socket: Socket
  readonly #mdns: MulticastDns
  readonly #memberships: Set<string> = new Set()
  #names: string[] = []
  #namesAt = -Infinity
  #queue: Promise<void> = Promise.resolve()
  #queued = 0
  #closed = false

  constructor(options: MdnsTransportOptions, socket: Socket, mdns: MulticastDns) {
    this.family = options.family
    this.#options = options
    this.#socket = socket
    this.#mdns = mdns
    mdns.on('query', (message, remote) => {
      if (!this.#closed) options.onQuery(message, remote, this)
    })
    mdns.on('response', (message, remote) => {
      if (!this.#closed) options.onResponse(message, remote)
    })
    // Both tell of other people's malformed packets and of interfaces that went away.
    mdns.on('warning', () => {})
    mdns.on('error', () => {})
    this.#joinAll()
  }

  /** To the group, on every interface, and back to the others of this host. */
  multicast(kind: 'query' | 'respond', message: Message): void {
    const group = { address: GROUPS[this.family], port: this.#options.port }
    this.#enqueue(async () => {
      for (const entry of this.#joinAll()) {
        if (this.#closed) return
        try {
          this.#socket.setMulticastInterface(entry)
        } catch {
          continue // the interface has just disappeared
        }
        // The interface is a property of the socket: wait until this one is sent.
        await new Promise<void>((resolve) => this.#mdns[kind]({ ...message }, { ...group }, () => resolve()))
      }
    })
  }

  unicast(message: Message, remote: Remote): void {
    this.#enqueue(() => new Promise((resolve) => this.#mdns.respond(message, { ...remote }, () => resolve())))
  }

  /** Once everything is sent. */
  close(): void {
    void this.#queue.then(() => {
      if (this.#closed) return
      this.#closed = true
      this.#mdns.destroy()
    })
  }

  #enqueue(job: () => Promise<void>): void {
    if (this.#queued >= LONGEST_QUEUE) return // a flood of questions is answered in part
    this.#queued++
    this.#queue = this.#queue
      .then(async () => {
        this.#queued--
        if (!this.#closed) await job()
      })
      .catch(() => {}) // what cannot be encoded is not sent
  }

  /** Joins the group on interfaces that are new; returns all, as the socket options name them. */
  #joinAll(): string[] {
    const now = performance.now()
    if (now - this.#namesAt < INTERFACES_AGE) return this.#names
    this.#namesAt = now
    const names = interfaceNames(this.family, this.#options.interfaces)
    this.#names = names
    for (const name of this.#memberships) if (!names.includes(name)) this.#memberships.delete(name)
    for (const name of names) {
      if (this.#memberships.has(name)) continue
      try {
        this.#socket.addMembership(GROUPS[this.family], name)
      } catch {
        // Joined already (an address came back), or no multicast there: sending may still work.
      }
      this.#memberships.add(name)
    }
    return names
  }
}

/** IPv4 names an interface by one of its addresses, IPv6 by its zone. */
function interfaceNames(family: 4 | 6, filter: (networkInterface: NetworkInterface) => boolean): string[] {
  const all = listInterfaces().filter((entry) => entry.family === family)
  const byInterface = new Map<string, string>()
  for (const entry of all.filter(filter)) {
    if (byInterface.has(entry.name)) continue
    if (family === 4) byInterface.set(entry.name, entry.address)
    else if (isLinkLocal(entry.address)) byInterface.set(entry.name, `::%${entry.address.split('%')[1]}`)
  }
  return [...byInterface.values()]
}

/** Undefined where mDNS cannot work: no such family, or the port held by somebody who does not share it. */
export async function openMdnsTransport(options: MdnsTransportOptions): Promise<MdnsTransport | undefined> {
  const { family, port } = options
  if (interfaceNames(family, options.interfaces).length === 0) return undefined
  let socket: Socket | undefined
  try {
    const multicastDns = await loadMulticastDns()
    socket = await bind(family, port)
    const type = family === 6 ? 'udp6' : 'udp4'
    // The socket is ours, bound and joined by us: the package's own would keep the process alive.
    const mdns = multicastDns({
      type,
      port,
      ip: GROUPS[family],
      interface: '::',
      bind: false,
      multicast: false,
      socket,
    })
    return new MdnsTransport(options, socket, mdns)
  } catch {
    socket?.close()
    return undefined
  }
}

/**
 * Shared with browsers and the system's own mDNS: each gets what comes to the group. `reuseAddr` is SO_REUSEADDR on Linux and
 * Windows, SO_REUSEPORT on macOS and BSD, where that is what it takes. Not `reusePort`: on Linux it would take unicast answers away from others.
 */
function bind(family: 4 | 6, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      reuseAddr: true,
      ipv6Only: family === 6,
      lookup: ((address: string, _family: number, callback: (error: null, address: string) => void) =>
        callback(null, address)) as never,
    })
    const onError = (error: Error): void => {
      socket.close()
      reject(error)
    }
    socket.once('error', onError)
    socket.bind({ port, exclusive: true }, () => {
      socket.removeListener('error', onError)
      socket.unref()
      try {
        socket.setMulticastTTL(HOP_LIMIT)
        socket.setMulticastLoopback(true)
        socket.setTTL(HOP_LIMIT)
        resolve(socket)
      } catch (error) {
        onError(error as Error)
      }
    })
  })
}
