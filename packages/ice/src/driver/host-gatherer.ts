// Host candidates (RFC 8445 §5.1.1.1, RFC 6544 §5.1): a port for each local address and kind, opened, or used again.
import type { TcpCandidateType } from '../candidate.ts'
import { type LocalAddress, selectAddresses } from './addresses.ts'
import type { GatheringParts } from './gathering-parts.ts'
import type { Port } from './port.ts'
import { openTcp, openUdp, type Opened } from './sockets.ts'

export class HostGatherer {
  readonly #parts: GatheringParts
  /** The gathering that has made active TCP candidates. */
  #activeRun = 0

  constructor(parts: GatheringParts) {
    this.#parts = parts
  }

  /** The ports for UDP, once all of them have become candidates. */
  async addUdp(addresses: readonly LocalAddress[], run: number): Promise<Port[]> {
    const { runs, candidates } = this.#parts
    const bound = await Promise.all(addresses.map((address) => this.#bindUdp(address, run)))
    if (!runs.isCurrent(run)) return []
    const ports = bound.filter((port) => port !== undefined)
    for (const port of ports) candidates.addHost(port, undefined)
    return ports
  }

  /** Passive and simultaneous-open ones. */
  addListening(addresses: readonly LocalAddress[], run: number): Promise<void> {
    const { tcp = ['active'] } = this.#parts.options
    const listening = tcp.filter((type) => type !== 'active')
    return this.#addTcp(addresses, listening, run)
  }

  /** The peer has TCP candidates to connect to. */
  addActive(): void {
    const { runs, options } = this.#parts
    const { current } = runs
    if (this.#activeRun === current || runs.purpose.relayOnly || options.lite === true || current === 0) return
    if (!(options.tcp ?? ['active']).includes('active')) return
    this.#activeRun = current
    runs.begin((run) => this.#addTcp(selectAddresses(options.network.interfaces(), options), ['active'], run))
  }

  /** New addresses, when the peer has TCP candidates. */
  moreActive(addresses: readonly LocalAddress[]): void {
    const { runs } = this.#parts
    if (this.#activeRun === runs.current) runs.begin((run) => this.#addTcp(addresses, ['active'], run))
  }

  async #addTcp(addresses: readonly LocalAddress[], types: readonly TcpCandidateType[], run: number): Promise<void> {
    const { options, runs, candidates } = this.#parts
    const wanted = addresses.flatMap((address) => types.map((type) => ({ address, type })))
    const open = async ({ address, type }: { address: LocalAddress; type: TcpCandidateType }): Promise<void> => {
      const key = `tcp ${type} ${address.address}`
      const port = await this.#bind(key, address, 'TCP port', run, () => openTcp(options, address, type))
      if (port !== undefined && runs.isCurrent(run)) candidates.addHost(port, type)
    }
    await Promise.all(wanted.map(open))
    this.#parts.wake()
  }

  #bindUdp(address: LocalAddress, run: number): Promise<Port | undefined> {
    const open = (): Promise<Opened | undefined> => openUdp(this.#parts.options, address)
    return this.#bind(`udp ${address.address}`, address, 'UDP socket', run, open)
  }

  async #bind(
    key: string,
    address: LocalAddress,
    what: string,
    run: number,
    open: () => Promise<Opened | undefined>,
  ): Promise<Port | undefined> {
    const { options, ports, runs, errors } = this.#parts
    const known = ports.find(key)
    if (known !== undefined) {
      ports.reuse(known, address, run, runs.purpose.usernameFragment)
      return known
    }
    let opened: Opened | undefined
    try {
      opened = await open()
    } catch (error) {
      // The address has just gone, or the range is used up: others may still do.
      options.trace?.({ layer: 'ice', name: 'bind-failed', data: { address: address.address, error } })
      if (runs.isCurrent(run)) errors.socketFailed(address.address, what, error)
      return undefined
    }
    if (opened === undefined) return undefined
    if (!runs.isCurrent(run)) {
      opened.socket.close()
      return undefined
    }
    const port = ports.addOpened(key, opened, address, run, runs.purpose.usernameFragment)
    if (port !== undefined) return port
    // Two transports with the same credentials behind one port: only the first can be told.
    errors.hostFailed('another connection has this username fragment on the shared port')
    return undefined
  }
}
