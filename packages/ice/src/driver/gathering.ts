// Gathering of candidates (RFC 8445 §5.1.1): host, server-reflexive and relayed ones, and those of interfaces that come later.
import type { Network } from '@kaon/net'
import type { TransportAddress } from '@kaon/stun'
import { addressScope, canReach, usableAddress } from '../address.ts'
import type { Candidate } from '../candidate.ts'
import type { LocalCandidate } from '../types.ts'
import { type LocalAddress, selectAddresses } from './addresses.ts'
import { GatheringErrors } from './gathering-errors.ts'
import type { GatheringParts } from './gathering-parts.ts'
import { GatheringRuns } from './gathering-runs.ts'
import { HostGatherer } from './host-gatherer.ts'
import { LocalCandidates } from './local-candidates.ts'
import type { CandidateError, IceConnectionOptions } from './options.ts'
import type { Port } from './port.ts'
import { Ports } from './ports.ts'
import { ReflexiveGatherer, type ReflexiveResult } from './reflexive.ts'
import { RelayGatherer } from './relay-gatherer.ts'
import { isTurn, type ParsedServer, parseServers } from './servers.ts'

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

/** The gathering of a connection, and the ports that it is based on. */
export class Gathering {
  readonly #network: Network
  readonly #options: IceConnectionOptions
  readonly #host: GatheringHost
  readonly #runs: GatheringRuns
  readonly #ports: Ports
  readonly #candidates: LocalCandidates
  readonly #errors: GatheringErrors
  readonly #hosts: HostGatherer
  readonly #reflexive: ReflexiveGatherer
  readonly #relays: RelayGatherer
  #servers: readonly ParsedServer[]
  #queries = 0

  constructor(
    options: IceConnectionOptions,
    checkIntervalMs: number,
    random: (length: number) => Uint8Array,
    host: GatheringHost,
  ) {
    this.#network = options.network
    this.#options = options
    this.#host = host
    this.#servers = parseServers(options.iceServers)
    const { gatherTimeoutMs = 9500 } = options
    this.#reflexive = new ReflexiveGatherer({ random, checkIntervalMs, gatherTimeoutMs }, (socket, to, data) =>
      this.#ports.byId.get(socket)?.socket.send(data, to),
    )
    this.#runs = new GatheringRuns({
      isDone: () => this.#reflexive.isDone,
      failed: (error) => this.#errors.gatheringFailed(error),
      wake: () => host.wake(),
      resume: () => host.resume(),
      complete: () => host.complete(),
    })
    this.#ports = new Ports(
      (port) => host.addPort(port),
      (port) => host.dropPort(port),
    )
    this.#errors = new GatheringErrors(options, this.#runs, (error) => host.addError(error))
    this.#candidates = new LocalCandidates(options, random, this.#runs, (local, announced) =>
      host.addCandidate(local, announced),
    )
    const parts: GatheringParts = {
      options,
      random,
      runs: this.#runs,
      ports: this.#ports,
      candidates: this.#candidates,
      errors: this.#errors,
      wake: () => host.wake(),
    }
    this.#hosts = new HostGatherer(parts)
    this.#relays = new RelayGatherer(parts)
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
    this.#candidates.clear()
    this.#errors.clear()
    this.#reflexive.clear()
    this.#queries = 0
    this.#runs.start({ usernameFragment, relayOnly, isSound })
    this.#runs.begin((run) => this.#gather(selectAddresses(this.#network.interfaces(), this.#options), run))
  }

  /** The host's addresses have changed. */
  refresh(): void {
    if (this.#runs.isClosed || this.#runs.current === 0) return
    const found = selectAddresses(this.#network.interfaces(), this.#options)
    for (const port of this.ports.values()) {
      if (!found.some(({ address }) => address === port.address.address)) this.#ports.lose(port)
    }
    this.#candidates.keepNames(this.#ports.addresses)
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
    this.#runs.resume()
    this.#runs.begin((run) => this.#gather(fresh, run))
    this.#hosts.moreActive(fresh)
  }

  /** The peer has TCP candidates to connect to. */
  addActive(): void {
    this.#hosts.addActive()
  }

  /** Ends the gathering under way without a word. */
  cancel(): void {
    this.#runs.cancel()
    this.#reflexive.clear()
    this.#relays.cancel()
  }

  /** A STUN message that may be a server's answer; true when it was. */
  receive(datagram: Uint8Array, port: Port, from: TransportAddress, now: number): boolean {
    const result = this.#reflexive.receive(datagram, port.id, from, now)
    if (result === undefined) return false
    this.#settle(result)
    this.#runs.finishIfDone()
    return true
  }

  get deadline(): number {
    return this.#reflexive.deadline
  }

  tick(now: number): void {
    if (now < this.#reflexive.deadline) return
    for (const result of this.#reflexive.tick(now)) this.#settle(result)
    this.#runs.finishIfDone()
  }

  /** A pair is in use. */
  stopKeepalive(): void {
    this.#reflexive.stopKeepalive()
  }

  /** A restart is complete: closes the ports that the latest gathering has not found any more, but not `used`. */
  closeUnused(used: number | undefined): void {
    this.#ports.closeUnused(this.#runs.current, used, this.#runs.purpose.usernameFragment)
    this.#candidates.keepNames(this.#ports.addresses)
  }

  close(): void {
    this.#runs.close()
    this.#reflexive.clear()
    this.#relays.cancel()
    this.#ports.closeAll()
    this.#candidates.keepNames(new Set())
  }

  async #gather(addresses: readonly LocalAddress[], run: number): Promise<void> {
    const { relayOnly } = this.#runs.purpose
    const ports = relayOnly ? [] : await this.#hosts.addUdp(addresses, run)
    if (!this.#runs.isCurrent(run)) return
    this.#host.wake()
    const listening = relayOnly ? undefined : this.#hosts.addListening(addresses, run)
    const servers = this.#options.lite === true ? [] : this.#servers // RFC 8445 §5.2: host candidates only
    await Promise.all([listening, ...servers.map((server, index) => this.#ask(server, index, addresses, ports, run))])
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
      this.#errors.serverFailed(server.url, undefined, 701, 'STUN over TCP or TLS makes no UDP candidates')
      return
    }
    if (addresses.length === 0 || (this.#runs.purpose.relayOnly && !isRelay)) return
    const found = await this.#lookup(server, run)
    if (!this.#runs.isCurrent(run)) return
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
    const usable = addresses.filter((address) => nextTo(address, found) !== undefined)
    await Promise.all(usable.map((from) => this.#relays.add({ server, index, from }, run)))
  }

  async #lookup({ url, server }: ParsedServer, run: number): Promise<TransportAddress[]> {
    const { stops } = this.#runs
    const stop = stops.begin()
    try {
      const found = await this.#network.lookup(server.host, { signal: stop.signal })
      return found.map((address) => ({ address, port: server.port, family: address.includes(':') ? 6 : 4 }))
    } catch {
      const reason = `the name ${server.host} cannot be resolved`
      if (this.#runs.isCurrent(run)) this.#errors.serverFailed(url, undefined, 701, reason)
      return []
    } finally {
      stops.end(stop)
    }
  }

  #settle(result: ReflexiveResult): void {
    const { query, mapped } = result
    const port = this.ports.get(query.socket)
    if (port === undefined) return
    const local = port.name === undefined ? port.socket.local : undefined
    if (mapped === undefined) {
      if (query.isQuiet !== true) this.#errors.serverFailed(query.url, local, result.code, result.reason)
      return
    }
    this.#options.trace?.({ layer: 'ice', name: 'server-answered', data: { url: query.url, mapped } })
    // What a server made up: nobody can be reached there.
    const isUsable = usableAddress(mapped.address, mapped.port) !== undefined
    if (!isUsable || addressScope(mapped) !== addressScope(port.socket.local)) {
      this.#errors.serverFailed(query.url, local, 701, 'the STUN server tells an address that cannot be')
      return
    }
    this.#candidates.addReflexive(port, mapped, { url: query.url, server: query.server.address }, undefined)
  }
}

/** The server's address that can be asked from a local one. One per family is enough: the others of its name tell the same. */
function nextTo(from: LocalAddress, found: readonly TransportAddress[]): TransportAddress | undefined {
  if (from.isLinkLocal) return undefined
  const local: TransportAddress = { address: from.address, port: 1, family: from.family }
  return found.find((one) => canReach(local, one) && from.isLoopback === (addressScope(one) === 'loopback'))
}
