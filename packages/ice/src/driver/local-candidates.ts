// The local candidates of a generation: made of ports, told to the agent, and announced to the peer if it may know them.
import type { TransportAddress } from '@kaon/stun'
import type { RelaySocket } from '@kaon/turn/driver'
import type { Candidate, TcpCandidateType } from '../candidate.ts'
import { FoundationTable } from '../foundation.ts'
import type { LocalCandidate } from '../types.ts'
import { hostCandidate, outsideOf, reflexiveCandidate, relayedCandidate } from './candidates.ts'
import type { GatheringRuns } from './gathering-runs.ts'
import { HiddenNames } from './hidden-names.ts'
import { compileMappings, type CompiledMapping, findMapping } from './mapping.ts'
import type { IceConnectionOptions } from './options.ts'
import type { Port } from './port.ts'

/** `announced`: what the peer is to be told, if anything. */
type Tell = (local: LocalCandidate, announced: Candidate | undefined) => void

export class LocalCandidates {
  readonly #options: IceConnectionOptions
  readonly #runs: GatheringRuns
  readonly #tell: Tell
  readonly #foundations = new FoundationTable()
  readonly #mappings: readonly CompiledMapping[]
  readonly #names: HiddenNames
  #made: Candidate[] = []

  constructor(options: IceConnectionOptions, random: (length: number) => Uint8Array, runs: GatheringRuns, tell: Tell) {
    this.#options = options
    this.#runs = runs
    this.#tell = tell
    this.#mappings = compileMappings(options.addressMapping)
    this.#names = new HiddenNames(options.network, random)
  }

  /** A new generation. Names of addresses and foundations stay. */
  clear(): void {
    this.#made = []
  }

  /** Takes back the names of all other addresses. */
  keepNames(addresses: ReadonlySet<string>): void {
    this.#names.keep(addresses)
  }

  addHost(port: Port, tcpType: TcpCandidateType | undefined): void {
    const { local } = port.socket
    // Behind a mapped address somebody listens; where one connects from is the NAT's own choice.
    const isReachable = tcpType === undefined || tcpType === 'passive'
    const mapping = isReachable ? findMapping(this.#mappings, port.address) : undefined
    const outside = mapping?.as === 'srflx' ? undefined : mapping
    // A public address that stands for the local one has nothing to hide.
    if (this.#options.mdns === 'hide' && outside === undefined) port.name = this.#names.get(local.address)
    // An active candidate has nothing that a peer could use.
    this.#add(hostCandidate(this.#foundations, port, outside, tcpType), port, local, tcpType !== 'active')
    if (mapping?.as === 'srflx') this.addReflexive(port, outsideOf(mapping, local), undefined, tcpType)
  }

  /** `told`: the server that has told `mapped`, by its IP address; undefined: a rule has. */
  addReflexive(
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
    const isKnown = this.#made.some(
      ({ type, protocol, address, port: at }) =>
        type !== 'relay' && protocol === candidate.protocol && address === mapped.address && at === mapped.port,
    )
    if (!isKnown) this.#add(candidate, port, mapped)
  }

  /** `index`: the server's place in the list. */
  addRelayed(port: Port, relay: RelaySocket, url: string, index: number): void {
    // Who wants to be reached through the server alone does not tell where he is.
    const isHidden = this.#runs.purpose.relayOnly || this.#options.mdns === 'hide'
    this.#add(relayedCandidate(this.#foundations, port, relay, url, index, isHidden), port, relay.local)
  }

  #add(candidate: Candidate, port: Port, transportAddress: TransportAddress, isTold = true): void {
    const full = { ...candidate, usernameFragment: this.#runs.purpose.usernameFragment }
    const { candidateFilter } = this.#options
    const isAnnounced = isTold && (candidateFilter === undefined || candidateFilter(full, 'local'))
    this.#made.push(full)
    this.#tell({ ...full, socket: port.id, transportAddress }, isAnnounced ? full : undefined)
  }
}
