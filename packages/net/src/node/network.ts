import { normalizeAddress } from '../address.ts'
import type {
  InterfaceWatch,
  LookupOptions,
  Mdns,
  Network,
  NetworkInterface,
  NetworkOptions,
  TcpConnection,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  Timer,
  TimerOptions,
  UdpBindOptions,
  UdpSocket,
} from '../network.ts'
import { whenAborted } from './abort.ts'
import { defer, now, setTimer } from './clock.ts'
import { wrapError } from './errors.ts'
import { listInterfaces } from './interfaces.ts'
import { NodeMdns } from './mdns.ts'
import { bindUdp } from './udp.ts'
import { InterfacePoll } from './watch.ts'

class NodeNetwork implements Network {
  readonly mdns: Mdns
  readonly #interfacePoll: InterfacePoll

  constructor(options: NetworkOptions) {
    this.#interfacePoll = new InterfacePoll(listInterfaces, options.interfacePollInterval ?? 2000)
    this.mdns = new NodeMdns(options.mdns)
  }

  now(): number {
    return now()
  }

  wallClock(): number {
    return Date.now()
  }

  setTimer(at: number, callback: () => void, options?: TimerOptions): Timer {
    return setTimer(at, callback, options)
  }

  defer(callback: () => void): void {
    defer(callback)
  }

  interfaces(): NetworkInterface[] {
    return listInterfaces()
  }

  watchInterfaces(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch {
    return this.#interfacePoll.add(callback)
  }

  bindUdp(options?: UdpBindOptions): Promise<UdpSocket> {
    return bindUdp(options)
  }

  // TCP, TLS and DNS are loaded when they are needed: most connections need none of them, and start quickly.
  async connectTcp(options: TcpConnectOptions): Promise<TcpConnection> {
    const { connectTcp } = await import('./tcp.ts')
    return connectTcp(options)
  }

  async listenTcp(options?: TcpListenOptions): Promise<TcpListener> {
    const { listenTcp } = await import('./tcp.ts')
    return listenTcp(options)
  }

  async lookup(hostname: string, options: LookupOptions = {}): Promise<string[]> {
    const { signal } = options
    signal?.throwIfAborted()
    const literal = normalizeAddress(hostname)
    if (literal !== undefined) return [literal]
    const dns = await import('node:dns/promises')
    signal?.throwIfAborted()
    let stopWatching = (): void => {}
    // The system's look-up cannot be stopped: its answer is left alone.
    const aborted = new Promise<never>((_resolve, reject) => {
      stopWatching = whenAborted(signal, () => reject(signal?.reason))
    })
    try {
      const found = dns.lookup(hostname, { all: true, family: options.family ?? 0 })
      const list = await Promise.race([found, aborted])
      return list.map(({ address }) => normalizeAddress(address) ?? address)
    } catch (error) {
      signal?.throwIfAborted()
      throw wrapError('ERR_NET_LOOKUP', error)
    } finally {
      stopWatching()
    }
  }
}

/** The network of this machine. Nothing is opened before it is asked for. */
export function createNetwork(options: NetworkOptions = {}): Network {
  return new NodeNetwork(options)
}
