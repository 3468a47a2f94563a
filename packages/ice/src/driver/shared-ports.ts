import type { Endpoint, Network, TcpListener } from '@kaon/net'
import { IceError } from '../error.ts'
import { selectAddresses } from './addresses.ts'
import type { IceConnectionOptions } from './options.ts'
import { SharedUdp, type SharedUdpStats, type UdpShare, type UnhandledDatagram } from './shared-udp.ts'
import { Strangers } from './strangers.ts'
import { TcpPort } from './tcp-port.ts'

export interface SharedPortsOptions extends Pick<
  IceConnectionOptions,
  'includeLoopback' | 'includeLinkLocal' | 'interfaceFilter' | 'addressFilter'
> {
  readonly network: Network
  /** Of UDP on all addresses. Default 0: any free one, the same on all addresses. */
  readonly port?: number
  /** A TCP port too: true for the same number, or its own. Default false. */
  readonly tcp?: boolean | number
}

export interface SharedPortsStats extends SharedUdpStats {
  /** Connections that have a share of a UDP socket, counted once per address. */
  shares: number
  /** Entries of the tables that tell whose a datagram is. */
  entries: number
  /** TCP connections that have not said yet whose they are. */
  tcpWaiting: number
  tcpRefused: number
  tcpDismissed: number
}

/** How often a port number that some address has taken already is given up for another one. */
const ATTEMPTS = 10

/**
 * One UDP port, and one TCP port, for all connections that are given it as `sharedPorts`: one hole in a firewall, one mapping in a
 * cloud. It has a socket on each address of the host, so that answers leave from where they were asked.
 */
export class SharedPorts {
  /**
   * What is nobody's: requests with an unknown username fragment (or none), anything from an address that nothing authentic has come
   * from. The receiver owns the bytes; `local` says which socket it came in on. For protocols that share the port.
   */
  onUnhandledDatagram: UnhandledDatagram | undefined
  readonly #network: Network
  readonly #options: SharedPortsOptions
  readonly #udp = new Map<string, SharedUdp>()
  readonly #listeners = new Map<string, TcpListener>()
  readonly #tcpByFragment = new Map<string, Map<string, TcpPort>>()
  readonly #strangers = new Map<string, Strangers>()
  #port = 0
  #tcpPort = 0
  #closed = false
  #binding: Promise<void> = Promise.resolve()

  private constructor(options: SharedPortsOptions) {
    this.#network = options.network
    this.#options = options
  }

  /** Opens the sockets. Rejects with the network's error and leaves nothing open when one cannot be had. @throws IceError `ERR_ICE_OPTION`. */
  static async open(options: SharedPortsOptions): Promise<SharedPorts> {
    const { port = 0, tcp = false } = options
    for (const one of [port, tcp]) {
      if (typeof one === 'number' && !(Number.isInteger(one) && one >= 0 && one < 65_536)) {
        throw new IceError('ERR_ICE_OPTION', `not a port: ${one}`)
      }
    }
    for (let attempt = 1; ; attempt++) {
      const shared = new SharedPorts(options)
      try {
        await shared.refresh()
        return shared
      } catch (error) {
        shared.close()
        if (port !== 0 || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** The UDP port. */
  get port(): number {
    return this.#port
  }

  /** The TCP port, 0 when there is none. */
  get tcpPort(): number {
    return this.#tcpPort
  }

  get endpoints(): Endpoint[] {
    return Array.from(this.#udp.values(), ({ local }) => local)
  }

  get stats(): SharedPortsStats {
    const sum: SharedPortsStats = {
      datagramsReceived: 0,
      unknownFragment: 0,
      unknownTransaction: 0,
      unknownAddress: 0,
      shares: 0,
      entries: 0,
      tcpWaiting: 0,
      tcpRefused: 0,
      tcpDismissed: 0,
    }
    for (const udp of this.#udp.values()) {
      sum.datagramsReceived += udp.stats.datagramsReceived
      sum.unknownFragment += udp.stats.unknownFragment
      sum.unknownTransaction += udp.stats.unknownTransaction
      sum.unknownAddress += udp.stats.unknownAddress
      sum.shares += udp.size
      sum.entries += udp.entries
    }
    for (const ports of this.#tcpByFragment.values()) sum.entries += ports.size
    for (const { size, stats } of this.#strangers.values()) {
      sum.tcpWaiting += size
      sum.tcpRefused += stats.refused
      sum.tcpDismissed += stats.dismissed
    }
    return sum
  }

  /**
   * Opens the port on addresses that have come since, and closes it on those that have gone. Connections that gather continually see
   * to it themselves.
   */
  refresh(): Promise<void> {
    this.#binding = this.#binding.catch(() => {}).then(() => this.#bind())
    return this.#binding
  }

  /** Closes the ports; connections that use them lose these paths. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const udp of this.#udp.values()) udp.close()
    for (const listener of this.#listeners.values()) listener.close()
    for (const strangers of this.#strangers.values()) strangers.close()
    this.#udp.clear()
    this.#listeners.clear()
    this.#tcpByFragment.clear()
  }

  /** @internal A share of the socket on that address. */
  shareUdp(address: string): UdpShare | undefined {
    return this.#udp.get(address)?.share()
  }

  /** @internal The TCP side of one connection on that address, for requests that name one of the fragments claimed with it. */
  shareTcp(address: string): SharedTcp | undefined {
    const listener = this.#listeners.get(address)
    if (listener === undefined) return undefined
    const port = new TcpPort(this.#network, listener.local, 'passive')
    return new SharedTcp(port, this.#portsOf(address))
  }

  async #bind(): Promise<void> {
    if (this.#closed) throw new IceError('ERR_ICE_STATE', 'the shared ports are closed')
    const { tcp = false } = this.#options
    const addresses = selectAddresses(this.#network.interfaces(), this.#options).map(({ address }) => address)
    for (const [address, udp] of this.#udp) {
      if (addresses.includes(address)) continue
      udp.close()
      this.#udp.delete(address)
      this.#listeners.get(address)?.close()
      this.#listeners.delete(address)
      this.#strangers.get(address)?.close()
      this.#strangers.delete(address)
    }
    for (const address of addresses) {
      if (this.#udp.has(address)) continue
      const port = this.#port === 0 ? (this.#options.port ?? 0) : this.#port
      const socket = await this.#network.bindUdp({ address, port })
      if (this.#closed) {
        socket.close()
        return
      }
      this.#port = socket.local.port
      const udp = new SharedUdp(socket)
      udp.onunhandled = (datagram, from, local) => this.onUnhandledDatagram?.(datagram, from, local)
      this.#udp.set(address, udp)
      if (tcp === false) continue
      const wanted = this.#tcpPort !== 0 ? this.#tcpPort : tcp === true ? this.#port : tcp
      const listener = await this.#network.listenTcp({ address, port: wanted })
      if (this.#closed) {
        listener.close()
        return
      }
      this.#tcpPort = listener.local.port
      this.#listeners.set(address, listener)
      const strangers = new Strangers(this.#network, (fragment) => this.#portsOf(address).get(fragment))
      strangers.listen(listener)
      this.#strangers.set(address, strangers)
    }
  }

  #portsOf(address: string): Map<string, TcpPort> {
    let ports = this.#tcpByFragment.get(address)
    if (ports === undefined) {
      ports = new Map()
      this.#tcpByFragment.set(address, ports)
    }
    return ports
  }
}

/** One connection's part of a shared TCP port. */
export class SharedTcp {
  readonly port: TcpPort
  readonly #ports: Map<string, TcpPort>
  readonly #fragments = new Set<string>()

  constructor(port: TcpPort, ports: Map<string, TcpPort>) {
    this.port = port
    this.#ports = ports
    port.onclose = () => this.keepFragment(undefined)
  }

  claimFragment(fragment: string): boolean {
    const known = this.#ports.get(fragment)
    if (known === undefined) {
      this.#ports.set(fragment, this.port)
      this.#fragments.add(fragment)
    }
    return known === undefined || known === this.port
  }

  keepFragment(fragment: string | undefined): void {
    for (const one of this.#fragments) {
      if (one === fragment) continue
      this.#fragments.delete(one)
      this.#ports.delete(one)
    }
  }
}
