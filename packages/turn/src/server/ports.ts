import type { TransportAddress } from '@kaon/stun'
import type { TurnTransport } from '../uri.ts'
import type { PeerConnection } from './connections.ts'
import type { ServerAllocation } from './allocation.ts'

/**
 * A way by which clients come: a UDP socket with many, or a stream with one. A driver makes a subclass of it that knows its socket. What
 * else is in it belongs to the core.
 */
export class ClientLink {
  readonly transport: TurnTransport
  readonly local: TransportAddress
  /** A connection that ConnectionBind has given to a peer. */
  data: PeerConnection | undefined = undefined
  readonly #byAddress: Map<string, Map<number, ServerAllocation>> = new Map()
  // Traffic mostly comes in bursts of one client.
  #lastFrom: TransportAddress | undefined
  #last: ServerAllocation | undefined

  constructor(transport: TurnTransport, local: TransportAddress) {
    this.transport = transport
    this.local = local
  }

  get reliable(): boolean {
    return this.transport !== 'udp'
  }

  find(from: TransportAddress): ServerAllocation | undefined {
    if (from === this.#lastFrom) return this.#last
    const found = this.#byAddress.get(from.address)?.get(from.port)
    if (found !== undefined) {
      this.#lastFrom = from
      this.#last = found
    }
    return found
  }

  add(allocation: ServerAllocation): void {
    const { address, port } = allocation.client
    let ports = this.#byAddress.get(address)
    if (ports === undefined) {
      ports = new Map()
      this.#byAddress.set(address, ports)
    }
    ports.set(port, allocation)
  }

  remove(allocation: ServerAllocation): void {
    const { address, port } = allocation.client
    const ports = this.#byAddress.get(address)
    ports?.delete(port)
    if (ports?.size === 0) this.#byAddress.delete(address)
    this.#lastFrom = undefined
    this.#last = undefined
  }

  *allocations(): Iterable<ServerAllocation> {
    for (const ports of this.#byAddress.values()) yield* ports.values()
  }
}

/** A relayed address. A driver makes a subclass of it that knows its socket. */
export class RelayPort {
  /** As clients are told. */
  readonly endpoint: TransportAddress
  allocation: ServerAllocation | undefined = undefined

  constructor(endpoint: TransportAddress) {
    this.endpoint = endpoint
  }
}
