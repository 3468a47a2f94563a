import type { TransportAddress } from '@kaon/stun'
import type { TurnTransport } from '../uri.ts'
import type { PeerConnection } from './connections.ts'
import type { ServerAllocation } from './allocation.ts'
import { EndpointMap } from './endpoint-map.ts'

/**
 * A way by which clients come: a UDP socket with many, or a stream with one. A driver makes a subclass of it that knows its socket. What
 * else is in it belongs to the core.
 */
export class ClientLink {
  readonly transport: TurnTransport
  readonly local: TransportAddress
  /** A connection that ConnectionBind has given to a peer. */
  data: PeerConnection | undefined = undefined
  readonly #allocations = new EndpointMap<ServerAllocation>()

  constructor(transport: TurnTransport, local: TransportAddress) {
    this.transport = transport
    this.local = local
  }

  get reliable(): boolean {
    return this.transport !== 'udp'
  }

  find(from: TransportAddress): ServerAllocation | undefined {
    return this.#allocations.get(from)
  }

  add(allocation: ServerAllocation): void {
    this.#allocations.set(allocation.client, allocation)
  }

  remove(allocation: ServerAllocation): void {
    this.#allocations.delete(allocation.client)
  }

  allocations(): Iterable<ServerAllocation> {
    return this.#allocations.values()
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
