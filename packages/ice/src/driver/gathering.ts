// Gathering of host and server-reflexive candidates (RFC 8445 §5.1.1).
import type { MdnsRegistration, Network, UdpSocket } from '@kaon/net'
import type { TransportAddress } from '@kaon/stun'
import { addressScope, canReach, usableAddress } from '../address.ts'
import type { Candidate } from '../candidate.ts'
import { FoundationTable } from '../foundation.ts'
import { candidatePriority } from '../priority.ts'
import type { LocalCandidate } from '../types.ts'
import { type LocalAddress, selectAddresses } from './addresses.ts'
import { makeMdnsName } from './names.ts'
import type { CandidateError, IceConnectionOptions } from './options.ts'
import { Port } from './port.ts'
import { ReflexiveGatherer, type ReflexiveResult } from './reflexive.ts'
import { parseServerUrl, type ServerUrl } from './server-url.ts'
import { makeStop } from './stop.ts'

/** What gathering tells the connection. */
export interface GatheringHost {
  /** A socket that datagrams will come from; its handlers are the connection's to set. */
  addPort(port: Port): void
  addCandidate(local: LocalCandidate, announced: Candidate): void
  addError(error: CandidateError): void
  /** Queries are due: flush and arm the timer. */
  wake(): void
  complete(): void
}

export interface ParsedServer {
  readonly url: string
  readonly server: ServerUrl
}

/** Queries per gathering: a list of servers on a host with many addresses stays bounded. */
const MAX_QUERIES = 64

/** The ports of a connection, and the gathering under way. Ports outlive a gathering: a restart uses them again. */
export class Gathering {
  readonly ports: Map<number, Port> = new Map()
  readonly #network: Network
  readonly #options: IceConnectionOptions
  readonly #host: GatheringHost
  readonly #random: (length: number) => Uint8Array
  readonly #foundations = new FoundationTable()
  readonly #reflexive: ReflexiveGatherer
  readonly #names = new Map<string, { name: string; registration: MdnsRegistration }>()
  #servers: readonly ParsedServer[]
  #usernameFragment = ''
  #announced: Candidate[] = []
  #failedUrls = new Set<string>()
  /** Counts gatherings: what an older one still finds out is dropped. */
  #run = 0
  #lookupsDone = true
  #isRunning = false
  #nextPort = 0
  #queries = 0
  #closed = false
  readonly #stop = makeStop()

  constructor(
    options: IceConnectionOptions,
    checkIntervalMs: number,
    random: (length: number) => Uint8Array,
    host: GatheringHost,
  ) {
    this.#network = options.network
    this.#options = options
    this.#host = host
    this.#random = random
    this.#servers = parseServers(options.iceServers)
    const { gatherTimeoutMs = 9500 } = options
    this.#reflexive = new ReflexiveGatherer({ random, checkIntervalMs, gatherTimeoutMs }, (socket, to, data) =>
      this.ports.get(socket)?.socket.send(data, to),
    )
  }

  /** @throws IceError `ERR_ICE_SERVER_URL`. */
  setServers(servers: IceConnectionOptions['iceServers']): void {
    this.#servers = parseServers(servers)
  }

  start(usernameFragment: string, relayOnly: boolean): void {
    this.#usernameFragment = usernameFragment
    this.#announced = []
    this.#failedUrls = new Set()
    this.#reflexive.clear()
    this.#isRunning = true
    this.#lookupsDone = false
    this.#queries = 0
    const run = ++this.#run
    this.#gather(run, relayOnly).catch((error: unknown) => {
      // A filter of the application's that throws, or a system that does not tell its interfaces.
      if (run !== this.#run) return
      this.#host.addError(localError(null, `gathering failed: ${describe(error)}`))
      this.#lookupsDone = true
      this.#finishIfDone()
    })
  }

  /** Ends the gathering under way without a word. */
  cancel(): void {
    this.#run++
    this.#isRunning = false
    this.#reflexive.clear()
  }

  /** A STUN message that may be a server's answer; true when it was. */
  receive(datagram: Uint8Array, port: Port, from: TransportAddress, now: number): boolean {
    const result = this.#reflexive.receive(datagram, port.id, from, now)
    if (result === undefined) return false
    this.#settle(result)
    this.#finishIfDone()
    return true
  }

  get deadline(): number {
    return this.#reflexive.deadline
  }

  tick(now: number): void {
    if (now < this.#reflexive.deadline) return
    for (const result of this.#reflexive.tick(now)) this.#settle(result)
    this.#finishIfDone()
  }

  /** A pair is in use. */
  stopKeepalive(): void {
    this.#reflexive.stopKeepalive()
  }

  /** Closes the ports of addresses that the latest gathering has not found any more, but not `used`. */
  closeUnused(used: number | undefined): void {
    for (const port of this.ports.values()) {
      if (port.gathering !== this.#run && port.id !== used) this.#closePort(port)
    }
    const addresses = new Set(Array.from(this.ports.values(), (port) => port.address.address))
    for (const [address, { registration }] of this.#names) {
      if (addresses.has(address)) continue
      registration.close()
      this.#names.delete(address)
    }
  }

  close(): void {
    this.#closed = true
    this.#stop.abort()
    this.cancel()
    for (const port of this.ports.values()) this.#closePort(port)
    for (const { registration } of this.#names.values()) registration.close()
    this.#names.clear()
  }

  #closePort(port: Port): void {
    this.ports.delete(port.id)
    port.socket.onmessage = undefined
    port.socket.onerror = undefined
    port.socket.close()
  }

  async #gather(run: number, relayOnly: boolean): Promise<void> {
    const ports = relayOnly ? [] : await this.#bindAll(run)
    if (run !== this.#run) return
    for (const port of ports) this.#addHost(port)
    this.#host.wake()
    await Promise.all(this.#servers.map((server) => this.#query(server, ports, run, relayOnly)))
    if (run !== this.#run) return
    this.#lookupsDone = true
    this.#finishIfDone()
    this.#host.wake()
  }

  async #bindAll(run: number): Promise<Port[]> {
    const addresses = selectAddresses(this.#network.interfaces(), this.#options)
    const bound = await Promise.all(addresses.map((address) => this.#bind(address, run)))
    return bound.filter((port) => port !== undefined)
  }

  async #bind(address: LocalAddress, run: number): Promise<Port | undefined> {
    for (const port of this.ports.values()) {
      if (port.address.address !== address.address) continue
      port.address = address
      port.gathering = run
      return port
    }
    let socket: UdpSocket
    try {
      const { portRange } = this.#options
      socket = await this.#network.bindUdp({ address: address.address, ...(portRange && { portRange }) })
    } catch (error) {
      // The address has just gone, or the range is used up: others may still do.
      this.#options.trace?.({ layer: 'ice', name: 'bind-failed', data: { address: address.address, error } })
      if (run !== this.#run) return undefined
      const isHidden = this.#options.mdns === 'hide'
      const text = isHidden ? 'no UDP socket for a local address' : `no UDP socket: ${describe(error)}`
      this.#host.addError(localError(isHidden ? null : address.address, text))
      return undefined
    }
    if (run !== this.#run || this.#closed) {
      socket.close()
      return undefined
    }
    const port = new Port(++this.#nextPort, socket, address)
    port.gathering = run
    this.ports.set(port.id, port)
    this.#host.addPort(port)
    return port
  }

  #addHost(port: Port): void {
    const { local } = port.socket
    if (this.#options.mdns === 'hide') port.name = this.#hide(local.address)
    this.#add(
      {
        foundation: this.#foundations.get('host', local.address, 'udp'),
        component: 1,
        protocol: 'udp',
        priority: candidatePriority('host', port.address.preference),
        address: port.name ?? local.address,
        port: local.port,
        type: 'host',
      },
      port,
      local,
    )
  }

  #hide(address: string): string | undefined {
    const known = this.#names.get(address)
    if (known !== undefined) return known.name
    const name = makeMdnsName(this.#random)
    this.#names.set(address, { name, registration: this.#network.mdns.publish(name, address) })
    return name
  }

  #add(candidate: Candidate, port: Port, transportAddress: TransportAddress): void {
    const announced = { ...candidate, usernameFragment: this.#usernameFragment }
    this.#announced.push(announced)
    this.#host.addCandidate({ ...announced, socket: port.id, transportAddress }, announced)
  }

  async #query({ url, server }: ParsedServer, ports: readonly Port[], run: number, relayOnly: boolean): Promise<void> {
    if (server.scheme !== 'stun' || server.transport !== 'udp') {
      const reason = server.scheme.startsWith('turn')
        ? 'TURN is not supported by this version'
        : 'STUN over TCP or TLS makes no UDP candidates'
      this.#fail(url, undefined, 701, reason)
      return
    }
    if (relayOnly || ports.length === 0) return
    const addresses = await this.#lookup(url, server, run)
    if (run !== this.#run) return
    for (const port of ports) {
      const { local } = port.socket
      // One address per family is enough: the others of a server's name tell the same.
      const address = addresses.find((one) => canReach(local, one))
      if (address === undefined || port.address.isLinkLocal) continue
      if (port.address.isLoopback !== (addressScope(address) === 'loopback')) continue
      if (this.#queries++ < MAX_QUERIES) this.#reflexive.add({ socket: port.id, server: address, url })
    }
    this.#host.wake()
  }

  async #lookup(url: string, server: ServerUrl, run: number): Promise<TransportAddress[]> {
    try {
      const found = await this.#network.lookup(server.host, { signal: this.#stop.signal })
      return found.map((address) => ({ address, port: server.port, family: address.includes(':') ? 6 : 4 }))
    } catch {
      if (run === this.#run) this.#fail(url, undefined, 701, `the name ${server.host} cannot be resolved`)
      return []
    }
  }

  #settle(result: ReflexiveResult): void {
    const { query, mapped } = result
    const port = this.ports.get(query.socket)
    if (port === undefined) return
    if (mapped === undefined) {
      this.#fail(query.url, port, result.code, result.reason)
      return
    }
    this.#options.trace?.({ layer: 'ice', name: 'server-answered', data: { url: query.url, mapped } })
    const { local } = port.socket
    // The mDNS draft §3.1.2.2: a name is never redundant with the address that it hides, and a public address is no secret.
    const hidden = port.name !== undefined
    // RFC 8445 §5.1.3: no NAT in between, or two servers that see the same.
    if (!hidden && mapped.address === local.address && mapped.port === local.port) return
    const isKnown = this.#announced.some(
      (one) => one.type === 'srflx' && one.address === mapped.address && one.port === mapped.port,
    )
    if (isKnown) return
    // What a server made up: nobody can be reached there.
    if (usableAddress(mapped.address, mapped.port) === undefined || addressScope(mapped) !== addressScope(local)) {
      this.#fail(query.url, port, 701, 'the STUN server tells an address that cannot be')
      return
    }
    this.#add(
      {
        foundation: this.#foundations.get('srflx', local.address, 'udp', query.server.address),
        component: 1,
        protocol: 'udp',
        priority: candidatePriority('srflx', port.address.preference),
        address: mapped.address,
        port: mapped.port,
        type: 'srflx',
        // RFC 8839 §5.1, the mDNS draft §3.1.2.2: the base would give away what the name hides.
        relatedAddress: hidden ? (local.family === 4 ? '0.0.0.0' : '::') : local.address,
        relatedPort: hidden ? 9 : local.port,
        url: query.url,
      },
      port,
      mapped,
    )
  }

  #fail(url: string, port: Port | undefined, errorCode: number, errorText: string): void {
    // One event per server and local address, as in W3C WebRTC §4.8.2.
    const key = `${url} ${port?.id ?? ''}`
    if (this.#failedUrls.has(key)) return
    this.#failedUrls.add(key)
    this.#options.trace?.({ layer: 'ice', name: 'server-failed', data: { url, code: errorCode, reason: errorText } })
    const local = port === undefined || port.name !== undefined ? undefined : port.socket.local
    this.#host.addError({ address: local?.address ?? null, port: local?.port ?? null, url, errorCode, errorText })
  }

  #finishIfDone(): void {
    if (!this.#isRunning || !this.#lookupsDone || !this.#reflexive.isDone) return
    this.#isRunning = false
    this.#host.complete()
  }
}

/** @throws IceError `ERR_ICE_SERVER_URL`. */
function parseServers(servers: IceConnectionOptions['iceServers']): ParsedServer[] {
  const parsed: ParsedServer[] = []
  for (const { urls } of servers ?? []) {
    for (const url of typeof urls === 'string' ? [urls] : urls) parsed.push({ url, server: parseServerUrl(url) })
  }
  return parsed
}

/** Trouble of this host's own: no server is to blame, so `url` is empty. */
function localError(address: string | null, errorText: string): CandidateError {
  return { address, port: null, url: '', errorCode: 701, errorText }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
