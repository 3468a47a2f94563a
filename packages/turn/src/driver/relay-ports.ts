// Relayed addresses: sockets on the server's own addresses, under the names that clients are told.
import type { Endpoint, Network, TcpListener, UdpSocket } from '@kaon/net'
import { TurnError } from '../error.ts'
import { RelayPort } from '../server/ports.ts'
import type { BindRequest } from '../server/types.ts'

/** One of the server's addresses to relay from. */
export interface RelayAddress {
  /** A local address. */
  readonly address: string
  /** What clients are told instead, where a NAT maps it one to one. */
  readonly publicAddress?: string
}

/**
 * Behind a NAT that maps one to one, another relayed address of this server is reached by its local name: not every such NAT sends back
 * inside what goes to its own outside.
 */
export class UdpRelay extends RelayPort {
  readonly socket: UdpSocket
  readonly #isMapped: boolean
  // The last translations, since endpoints are the same objects in a row.
  #lastTo: Endpoint | undefined
  #lastLocal: Endpoint | undefined
  #lastFrom: Endpoint | undefined
  #lastKnown: Endpoint | undefined

  constructor(socket: UdpSocket, endpoint: Endpoint) {
    super(endpoint)
    this.socket = socket
    this.#isMapped = endpoint.address !== socket.local.address
  }

  send(data: Uint8Array, to: Endpoint): void {
    this.socket.send(data, this.#isMapped && to.address === this.endpoint.address ? this.#asLocal(to) : to)
  }

  /** A sender as clients know it. */
  asKnown(from: Endpoint): Endpoint {
    if (!this.#isMapped || from.address !== this.socket.local.address) return from
    if (from !== this.#lastFrom || this.#lastKnown === undefined) {
      this.#lastFrom = from
      this.#lastKnown = { ...from, address: this.endpoint.address }
    }
    return this.#lastKnown
  }

  #asLocal(to: Endpoint): Endpoint {
    if (to !== this.#lastTo || this.#lastLocal === undefined) {
      this.#lastTo = to
      this.#lastLocal = { ...to, address: this.socket.local.address }
    }
    return this.#lastLocal
  }

  close(): void {
    this.socket.close()
  }
}

export class TcpRelayPort extends RelayPort {
  readonly listener: TcpListener
  /** The local address that connections to peers come from. */
  readonly localAddress: string

  constructor(listener: TcpListener, endpoint: Endpoint) {
    super(endpoint)
    this.listener = listener
    this.localAddress = listener.local.address
  }

  close(): void {
    this.listener.close()
  }
}

export type Relay = UdpRelay | TcpRelayPort

/** How many random even ports are tried: with half of a range in use, one search in a million fails for pairs. */
const EVEN_TRIES = 50

export class RelayPorts {
  readonly #network: Network
  readonly addresses: readonly RelayAddress[]
  readonly #range: readonly [min: number, max: number]
  readonly #random: (length: number) => Uint8Array

  constructor(
    network: Network,
    addresses: readonly RelayAddress[],
    range: readonly [min: number, max: number],
    random: (length: number) => Uint8Array,
  ) {
    if (!(range[0] >= 1 && range[0] <= range[1] && range[1] <= 65_535)) {
      throw new TurnError('ERR_TURN_OPTION', `not a port range: ${range.join(' to ')}`)
    }
    this.#network = network
    this.addresses = addresses
    this.#range = range
    this.#random = random
  }

  get families(): (4 | 6)[] {
    return ([4, 6] as const).filter((family) => this.#addressOf(family) !== undefined)
  }

  /** As many of the wanted addresses as can be had; none when the first cannot. */
  async bind(request: BindRequest): Promise<{ relays: Relay[]; reserved: Relay | undefined }> {
    const relays: Relay[] = []
    for (const family of request.families) {
      const address = this.#addressOf(family)
      if (address === undefined) continue
      if (relays.length === 0 && request.even) {
        const [first, reserved] = await this.#bindEven(address, request.pair)
        if (first === undefined) break
        relays.push(first)
        if (request.pair) return { relays, reserved }
        continue
      }
      try {
        relays.push(await this.#bindOne(address, request.transport, undefined))
      } catch {
        if (relays.length === 0) break
      }
    }
    return { relays, reserved: undefined }
  }

  async #bindEven(address: RelayAddress, pair: boolean): Promise<[Relay, Relay | undefined] | [undefined, undefined]> {
    const [min, max] = this.#range
    const first = min + (min % 2)
    const count = Math.floor((max - (pair ? 1 : 0) - first) / 2) + 1
    if (count < 1) return [undefined, undefined]
    for (let tries = 0; tries < EVEN_TRIES; tries++) {
      const bytes = this.#random(2)
      const port = first + 2 * (((bytes[0]! << 8) | bytes[1]!) % count)
      let even: Relay | undefined
      try {
        even = await this.#bindOne(address, 'udp', port)
        if (!pair) return [even, undefined]
        return [even, await this.#bindOne(address, 'udp', port + 1)]
      } catch {
        even?.close()
      }
    }
    return [undefined, undefined]
  }

  async #bindOne({ address, publicAddress }: RelayAddress, transport: 'udp' | 'tcp', port?: number): Promise<Relay> {
    const where = { address, ...(port === undefined ? { portRange: this.#range } : { port }) }
    const told = (local: Endpoint): Endpoint =>
      publicAddress === undefined ? local : { ...local, address: publicAddress }
    if (transport === 'tcp') {
      const listener = await this.#network.listenTcp(where)
      return new TcpRelayPort(listener, told(listener.local))
    }
    const socket = await this.#network.bindUdp(where)
    return new UdpRelay(socket, told(socket.local))
  }

  #addressOf(family: 4 | 6): RelayAddress | undefined {
    return this.addresses.find(({ address }) => address.includes(':') === (family === 6))
  }
}
