// Gathering of candidates (RFC 8445 §5.1.1): host, server-reflexive and relayed ones, and those of interfaces that come later.
import type { Network, Timer } from '@kaon/net'
import type { TransportAddress } from '@kaon/stun'
import type { RelaySocket } from '@kaon/turn/driver'
import { addressScope, canReach, usableAddress } from '../address.ts'
import type { Candidate, TcpCandidateType } from '../candidate.ts'
import { FoundationTable } from '../foundation.ts'
import type { LocalCandidate } from '../types.ts'
import { type LocalAddress, selectAddresses } from './addresses.ts'
import { hostCandidate, outsideOf, reflexiveCandidate, relayedCandidate } from './candidates.ts'
import { HiddenNames } from './hidden-names.ts'
import { compileMappings, type CompiledMapping, findMapping } from './mapping.ts'
import type { CandidateError, IceConnectionOptions } from './options.ts'
import type { Port } from './port.ts'
import { Ports } from './ports.ts'
import { ReflexiveGatherer, type ReflexiveResult } from './reflexive.ts'
import { allocateRelay, explain } from './relayed.ts'
import { isTurn, type ParsedServer, parseServers } from './servers.ts'
import { openTcp, openUdp, type Opened } from './sockets.ts'
import { Stops } from './stop.ts'

/** What gathering tells the connection. */
export interface GatheringHost {
  /** A socket that datagrams will come from; its handlers are the connection's to set. */
  addPort(port: Port): void
  /** It is gone, and all that was based on it. */
  dropPort(port: Port): void
  /** `announced`: what the peer is to be told, if anything. */
  addCandidate(local: LocalCandidate, announced: Candidate | undefined): void
  addError(error: CandidateError): void
  /** Queries are due: flush and arm the timer. */
  wake(): void
  /** After `complete`: there is more to come. */
  resume(): void
  complete(): void
}

/** Queries per gathering: a list of servers on a host with many addresses stays bounded. */
const MAX_QUERIES = 64
/** Allocations held at a time: each costs the server a port, and both sides refreshes. */
const MAX_ALLOCATIONS = 16
/** ms of a server's silence after which it is asked about the allocation, where a lost one is made anew. */
const IMPATIENCE = 5000
/** ms between attempts to have a relay again that was lost: the least, and where doubling ends. */
const [MIN_PAUSE, MAX_PAUSE] = [1000, 30_000] as const

/** The gathering of a connection, and the ports that it is based on. */
export class Gathering {
  readonly #ports: Ports
  readonly #network: Network
  readonly #options: IceConnectionOptions
  readonly #host: GatheringHost
  readonly #random: (length: number) => Uint8Array
  readonly #foundations = new FoundationTable()
  readonly #reflexive: ReflexiveGatherer
  readonly #mappings: readonly CompiledMapping[]
  readonly #names: HiddenNames
  readonly #renewals = new Set<Timer>()
  #servers: readonly ParsedServer[]
  #usernameFragment = ''
  #relayOnly = false
  #isSound = true
  #announced: Candidate[] = []
  #failedUrls = new Set<string>()
  /** Counts gatherings: what an older one still finds out is dropped. */
  #run = 0
  readonly #stops = new Stops()
  /** Parts of the gathering under way. */
  #tasks = 0
  #isRunning = false
  /** The gathering that has made active TCP candidates. */
  #activeRun = 0
  #queries = 0
  /** Under way. */
  #allocations = 0
  #closed = false

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
    this.#ports = new Ports((port) => host.addPort(port))
    this.#names = new HiddenNames(options.network, random)
    this.#servers = parseServers(options.iceServers)
    this.#mappings = compileMappings(options.addressMapping)
    const { gatherTimeoutMs = 9500 } = options
    this.#reflexive = new ReflexiveGatherer({ random, checkIntervalMs, gatherTimeoutMs }, (socket, to, data) =>
      this.#ports.byId.get(socket)?.socket.send(data, to),
    )
  }

  /** By the numbers that the agent knows. */
  get ports(): ReadonlyMap<number, Port> {
    return this.#ports.byId
  }

  /** @throws IceError `ERR_ICE_SERVER_URL`. */
  setServers(servers: IceConnectionOptions['iceServers']): void {
    this.#servers = parseServers(servers)
  }

  /** `isSound`: allocations that there are can be relied upon, since the path works. Others may have been forgotten by their servers. */
  start(usernameFragment: string, relayOnly: boolean, isSound: boolean): void {
    this.#isSound = isSound
    this.#usernameFragment = usernameFragment
    this.#relayOnly = relayOnly
    this.#announced = []
    this.#failedUrls = new Set()
    this.#reflexive.clear()
    this.#isRunning = true
    this.#tasks = 0
    this.#queries = 0
    this.#run++
    this.#begin(() => this.#gather(selectAddresses(this.#network.interfaces(), this.#options), this.#run))
  }

  /** The host's addresses have changed. */
  refresh(): void {
    if (this.#closed || this.#run === 0) return
    const found = selectAddresses(this.#network.interfaces(), this.#options)
    for (const port of this.ports.values()) {
      if (!found.some(({ address }) => address === port.address.address)) this.#losePort(port)
    }
    this.#names.keep(this.#ports.addresses)
    void this.#options.sharedPorts?.refresh().catch(() => {}) // they tell when they are asked for
    const known = this.#ports.addresses
    const added = found.filter(({ address }) => !known.has(address))
    if (added.length === 0) return
    // What is told already keeps its preference.
    const taken = new Set(Array.from(this.ports.values(), (port) => port.address.preference))
    const fresh = added.map((one) => {
      let { preference } = one
      while (taken.has(preference)) preference--
      taken.add(preference)
      return { ...one, preference }
    })
    this.#resume()
    this.#begin(() => this.#gather(fresh, this.#run))
    if (this.#activeRun === this.#run) this.#begin(() => this.#bindTcp(fresh, ['active'], this.#run))
  }

  /** The peer has TCP candidates to connect to. */
  addActive(): void {
    if (this.#activeRun === this.#run || this.#relayOnly || this.#options.lite === true || this.#run === 0) return
    if (!(this.#options.tcp ?? ['active']).includes('active')) return
    this.#activeRun = this.#run
    this.#begin(() => this.#bindTcp(selectAddresses(this.#network.interfaces(), this.#options), ['active'], this.#run))
  }

  #resume(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#host.resume()
  }

  /** Ends the gathering under way without a word. */
  cancel(): void {
    this.#run++
    this.#stops.abortAll()
    this.#isRunning = false
    this.#reflexive.clear()
    for (const timer of this.#renewals) timer.cancel()
    this.#renewals.clear()
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

  /** A restart is complete: closes the ports that the latest gathering has not found any more, but not `used`. */
  closeUnused(used: number | undefined): void {
    this.#ports.closeUnused(this.#run, used, this.#usernameFragment)
    this.#names.keep(this.#ports.addresses)
  }

  close(): void {
    this.#closed = true
    this.cancel()
    this.#ports.closeAll()
    this.#names.keep(new Set())
  }

  #begin(task: () => Promise<unknown>): void {
    const run = this.#run
    this.#tasks++
    const work = async (): Promise<void> => {
      try {
        await task()
      } catch (error) {
        // A filter of the application's that throws, or a system that does not tell its interfaces.
        if (run === this.#run) this.#host.addError(localError(null, `gathering failed: ${describe(error)}`))
      }
      if (run !== this.#run) return
      this.#tasks--
      this.#finishIfDone()
      this.#host.wake()
    }
    void work()
  }

  async #gather(addresses: readonly LocalAddress[], run: number): Promise<void> {
    const bound = this.#relayOnly ? [] : await Promise.all(addresses.map((address) => this.#bindUdp(address, run)))
    if (run !== this.#run) return
    const ports = bound.filter((port) => port !== undefined)
    for (const port of ports) this.#addHost(port, undefined)
    this.#host.wake()
    const { tcp = ['active'], lite } = this.#options
    const listening = tcp.filter((type) => type !== 'active')
    const others = this.#relayOnly ? undefined : this.#bindTcp(addresses, listening, run)
    const servers = lite === true ? [] : this.#servers // RFC 8445 §5.2: host candidates only
    await Promise.all([others, ...servers.map((server, index) => this.#ask(server, index, addresses, ports, run))])
  }

  #bindUdp(address: LocalAddress, run: number): Promise<Port | undefined> {
    return this.#bind(`udp ${address.address}`, address, 'UDP socket', run, () => openUdp(this.#options, address))
  }

  async #bindTcp(addresses: readonly LocalAddress[], types: readonly TcpCandidateType[], run: number): Promise<void> {
    const wanted = addresses.flatMap((address) => types.map((type) => ({ address, type })))
    const open = async ({ address, type }: { address: LocalAddress; type: TcpCandidateType }): Promise<void> => {
      const key = `tcp ${type} ${address.address}`
      const port = await this.#bind(key, address, 'TCP port', run, () => openTcp(this.#options, address, type))
      if (port !== undefined && run === this.#run) this.#addHost(port, type)
    }
    await Promise.all(wanted.map(open))
    this.#host.wake()
  }

  async #bind(
    key: string,
    address: LocalAddress,
    what: string,
    run: number,
    open: () => Promise<Opened | undefined>,
  ): Promise<Port | undefined> {
    const known = this.#ports.find(key)
    if (known !== undefined) {
      this.#ports.reuse(known, address, run, this.#usernameFragment)
      return known
    }
    let opened: Opened | undefined
    try {
      opened = await open()
    } catch (error) {
      // The address has just gone, or the range is used up: others may still do.
      this.#options.trace?.({ layer: 'ice', name: 'bind-failed', data: { address: address.address, error } })
      if (run !== this.#run) return undefined
      const isHidden = this.#options.mdns === 'hide'
      const text = isHidden ? `no ${what} for a local address` : `no ${what}: ${describe(error)}`
      this.#host.addError(localError(isHidden ? null : address.address, text))
      return undefined
    }
    if (opened === undefined) return undefined
    if (run !== this.#run || this.#closed) {
      opened.socket.close()
      return undefined
    }
    const port = this.#ports.addOpened(key, opened, address, run, this.#usernameFragment)
    if (port !== undefined) return port
    // Two transports with the same credentials behind one port: only the first can be told.
    this.#host.addError(localError(null, 'another connection has this username fragment on the shared port'))
    return undefined
  }

  #losePort(port: Port): void {
    this.#ports.close(port)
    this.#host.dropPort(port)
  }

  #addHost(port: Port, tcpType: TcpCandidateType | undefined): void {
    const { local } = port.socket
    // Behind a mapped address somebody listens; where one connects from is the NAT's own choice.
    const isReachable = tcpType === undefined || tcpType === 'passive'
    const mapping = isReachable ? findMapping(this.#mappings, port.address) : undefined
    const outside = mapping?.as === 'srflx' ? undefined : mapping
    // A public address that stands for the local one has nothing to hide.
    if (this.#options.mdns === 'hide' && outside === undefined) port.name = this.#names.get(local.address)
    // An active candidate has nothing that a peer could use.
    this.#add(hostCandidate(this.#foundations, port, outside, tcpType), port, local, tcpType !== 'active')
    if (mapping?.as === 'srflx') this.#addReflexive(port, outsideOf(mapping, local), undefined, tcpType)
  }

  #add(candidate: Candidate, port: Port, transportAddress: TransportAddress, isTold = true): void {
    const full = { ...candidate, usernameFragment: this.#usernameFragment }
    const { candidateFilter } = this.#options
    const isAnnounced = isTold && (candidateFilter === undefined || candidateFilter(full, 'local'))
    this.#announced.push(full)
    this.#host.addCandidate({ ...full, socket: port.id, transportAddress }, isAnnounced ? full : undefined)
  }

  async #ask(
    server: ParsedServer,
    index: number,
    addresses: readonly LocalAddress[],
    ports: readonly Port[],
    run: number,
  ): Promise<void> {
    const isRelay = isTurn(server)
    if (!isRelay && (server.server.scheme !== 'stun' || server.server.transport !== 'udp')) {
      this.#fail(server.url, undefined, 701, 'STUN over TCP or TLS makes no UDP candidates')
      return
    }
    if (addresses.length === 0 || (this.#relayOnly && !isRelay)) return
    const found = await this.#lookup(server, run)
    if (run !== this.#run) return
    // A TURN server answers what a STUN server is asked (RFC 8656 §3), by UDP that is.
    if (server.server.scheme === 'stun' || (isRelay && server.server.transport === 'udp')) {
      for (const port of ports) {
        const address = nextTo(port.address, found)
        if (address === undefined || this.#queries++ >= MAX_QUERIES) continue
        this.#reflexive.add({ socket: port.id, server: address, url: server.url, isQuiet: isRelay })
      }
      this.#host.wake()
    }
    if (!isRelay) return
    const from = addresses.filter((address) => nextTo(address, found) !== undefined)
    await Promise.all(from.map((address) => this.#relay(server, index, address, run)))
  }

  async #lookup({ url, server }: ParsedServer, run: number): Promise<TransportAddress[]> {
    const stop = this.#stops.begin()
    try {
      const found = await this.#network.lookup(server.host, { signal: stop.signal })
      return found.map((address) => ({ address, port: server.port, family: address.includes(':') ? 6 : 4 }))
    } catch {
      if (run === this.#run) this.#fail(url, undefined, 701, `the name ${server.host} cannot be resolved`)
      return []
    } finally {
      this.#stops.end(stop)
    }
  }

  /** `pause`: of a renewal, the time before it in ms. */
  async #relay(server: ParsedServer, index: number, from: LocalAddress, run: number, pause?: number): Promise<void> {
    const { url } = server
    const key = `relay ${url} ${from.address} ${server.username} ${server.credential}`
    const known = this.#ports.find(key)
    if (known !== undefined && known.gathering !== run && !this.#isSound) this.#losePort(known)
    else if (known !== undefined) {
      this.#ports.reuse(known, from, run, this.#usernameFragment)
      this.#addRelayed(known, known.socket as RelaySocket, url, index)
      return
    }
    if (this.#allocations + this.#ports.count('relay ') >= MAX_ALLOCATIONS) return
    this.#allocations++
    const { tls, gatherTimeoutMs: timeout = 9500, trace, continualGathering } = this.#options
    const keepaliveInterval = continualGathering === true ? IMPATIENCE : undefined
    const options = { network: this.#network, tls, timeout, keepaliveInterval, random: this.#random, trace }
    const stop = this.#stops.begin()
    const result = await allocateRelay(server, from, options, stop.signal)
    this.#stops.end(stop)
    this.#allocations--
    if ('code' in result) {
      if (run !== this.#run) return
      this.#fail(url, { address: from.address, port: null }, result.code, result.reason)
      if (pause !== undefined && this.#options.continualGathering === true) {
        this.#renew(server, index, from, Math.min(Math.max(2 * pause, MIN_PAUSE), MAX_PAUSE))
      }
      return
    }
    if (run !== this.#run || this.#closed) {
      result.close()
      return
    }
    const port = this.#ports.add(key, result, from, run)
    const since = this.#network.now()
    result.onclose = (error) => {
      this.#losePort(port)
      const { code, reason } = explain(error)
      this.#fail(url, { address: from.address, port: null }, code, reason)
      if (port.gathering === this.#run) {
        // A restart took it over without asking the server, which had forgotten it: this generation is owed another.
        const isTakenOver = port.gathering !== run
        const isShort = this.#network.now() - since < MAX_PAUSE
        if (isTakenOver || this.#options.continualGathering === true) {
          this.#renew(server, index, port.address, isShort && !isTakenOver ? MIN_PAUSE : 0)
        }
      }
      this.#host.wake()
    }
    this.#addRelayed(port, result, url, index)
    this.#host.wake()
  }

  #renew(server: ParsedServer, index: number, from: LocalAddress, pause: number): void {
    const run = this.#run
    const begin = (): void => {
      this.#resume()
      this.#begin(() => this.#relay(server, index, from, run, pause))
    }
    if (pause === 0) {
      begin() // before anybody concludes that there is nothing left
      return
    }
    const timer = this.#network.setTimer(this.#network.now() + pause, () => {
      this.#renewals.delete(timer)
      begin()
    })
    this.#renewals.add(timer)
  }

  #addRelayed(port: Port, relay: RelaySocket, url: string, index: number): void {
    // Who wants to be reached through the server alone does not tell where he is.
    const isHidden = this.#relayOnly || this.#options.mdns === 'hide'
    this.#add(relayedCandidate(this.#foundations, port, relay, url, index, isHidden), port, relay.local)
  }

  #settle(result: ReflexiveResult): void {
    const { query, mapped } = result
    const port = this.ports.get(query.socket)
    if (port === undefined) return
    const local = this.#tellable(port)
    if (mapped === undefined) {
      if (query.isQuiet !== true) this.#fail(query.url, local, result.code, result.reason)
      return
    }
    this.#options.trace?.({ layer: 'ice', name: 'server-answered', data: { url: query.url, mapped } })
    // What a server made up: nobody can be reached there.
    const isUsable = usableAddress(mapped.address, mapped.port) !== undefined
    if (!isUsable || addressScope(mapped) !== addressScope(port.socket.local)) {
      this.#fail(query.url, local, 701, 'the STUN server tells an address that cannot be')
      return
    }
    this.#addReflexive(port, mapped, { url: query.url, server: query.server.address }, undefined)
  }

  #addReflexive(
    port: Port,
    mapped: TransportAddress,
    told: { readonly url: string; readonly server: string } | undefined,
    tcpType: TcpCandidateType | undefined,
  ): void {
    const { local } = port.socket
    // RFC 8445 §5.1.3: no NAT in between, or two servers that see the same, or what a rule has told. The mDNS draft §3.1.2.2: a name is
    // never redundant with the address that it hides, and a public address is no secret.
    if (port.name === undefined && mapped.address === local.address && mapped.port === local.port) return
    const candidate = reflexiveCandidate(this.#foundations, port, mapped, told, tcpType)
    const isKnown = this.#announced.some(
      ({ type, protocol, address, port: at }) =>
        type !== 'relay' && protocol === candidate.protocol && address === mapped.address && at === mapped.port,
    )
    if (!isKnown) this.#add(candidate, port, mapped)
  }

  #tellable(port: Port): { address: string; port: number | null } | undefined {
    return port.name === undefined ? port.socket.local : undefined
  }

  #fail(
    url: string,
    local: { readonly address: string; readonly port: number | null } | undefined,
    errorCode: number,
    errorText: string,
  ): void {
    // One event per server and local address, as in W3C WebRTC §4.8.2.
    const key = `${url} ${local?.address ?? ''}`
    if (this.#failedUrls.has(key)) return
    this.#failedUrls.add(key)
    this.#options.trace?.({ layer: 'ice', name: 'server-failed', data: { url, code: errorCode, reason: errorText } })
    const told = this.#options.mdns === 'hide' || this.#relayOnly ? undefined : local
    this.#host.addError({ address: told?.address ?? null, port: told?.port ?? null, url, errorCode, errorText })
  }

  #finishIfDone(): void {
    if (!this.#isRunning || this.#tasks > 0 || !this.#reflexive.isDone) return
    this.#isRunning = false
    this.#host.complete()
  }
}

/** The server's address that can be asked from a local one. One per family is enough: the others of its name tell the same. */
function nextTo(from: LocalAddress, found: readonly TransportAddress[]): TransportAddress | undefined {
  if (from.isLinkLocal) return undefined
  const local: TransportAddress = { address: from.address, port: 1, family: from.family }
  return found.find((one) => canReach(local, one) && from.isLoopback === (addressScope(one) === 'loopback'))
}

/** Trouble of this host's own: no server is to blame, so `url` is empty. */
function localError(address: string | null, errorText: string): CandidateError {
  return { address, port: null, url: '', errorCode: 701, errorText }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
