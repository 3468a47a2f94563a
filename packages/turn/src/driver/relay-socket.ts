import type { Endpoint, UdpSocket, UdpStats } from '@kaon/net'
import type { TurnAllocationStats, TurnEvent } from '../client/types.ts'
import type { TurnError } from '../error.ts'
import type { TurnTransport } from '../uri.ts'
import type { Session } from './session.ts'

/** What a server granted. */
export type Granted = TurnEvent & { readonly type: 'allocated' }

/**
 * A UDP socket on a TURN server. It looks like one of `@kaon/net`: `local` is the relayed address, `send` goes out there, and
 * `onmessage` has what came in there. Permissions, channels and refreshing are seen to. What is sent to an address is let in from there.
 */
export class RelaySocket implements UdpSocket {
  /** The relayed address; the IPv4 one when there are two. */
  readonly local: Endpoint
  /** All relayed addresses: one, or one per family. */
  readonly relayed: readonly Endpoint[]
  /** The own address as the server sees it. */
  readonly mapped: Endpoint
  readonly server: Endpoint
  /** The own end of the way to the server. */
  readonly base: Endpoint
  readonly transport: TurnTransport
  /** For `reservationToken` of another allocation, which gets the next port. */
  readonly reservationToken: Uint8Array | undefined
  readonly stats: Readonly<UdpStats>
  onmessage: ((data: Uint8Array, from: Endpoint) => void) | undefined = undefined
  /** The server lets nothing through to an address, or a datagram could not be sent; the socket stays usable. */
  onerror: ((error: Error) => void) | undefined = undefined
  /** Once, when the allocation is gone: the server forgot it, does not answer, or broke the connection. Not after `close`. */
  onclose: ((error: TurnError) => void) | undefined = undefined
  readonly #session: Session

  constructor(session: Session, granted: Granted) {
    this.#session = session
    this.relayed = granted.relayed
    this.local = granted.relayed.find(({ family }) => family === 4) ?? granted.relayed[0]!
    this.mapped = granted.mapped
    this.server = session.link.remote
    this.base = session.link.local
    this.transport = session.link.transport
    this.reservationToken = granted.reservationToken
    this.stats = new RelayStats(session.stats)
    session.onevent = (event) => this.#handle(event)
    session.onerror = (error) => this.onerror?.(error)
  }

  /** Counters of the allocation: channel data, drops by reason. */
  get turnStats(): Readonly<TurnAllocationStats> {
    return this.#session.stats
  }

  /** Takes ownership of `data`. Never throws: what cannot be sent is told to `onerror`. Ignored after `close`. */
  send(data: Uint8Array, to: Endpoint): void {
    try {
      this.#session.send(to, data)
    } catch (error) {
      queueMicrotask(() => this.onerror?.(error as Error))
    }
  }

  /**
   * Lets datagrams of this address in from now on, whether anything is sent to it or not. Ignored after `close`.
   * @throws StunError `ERR_STUN_ADDRESS`, TurnError `ERR_TURN_LIMIT`
   */
  permit(address: string): void {
    this.#session.permit(address)
  }

  /** Ends what `permit` began, within five minutes. */
  revoke(address: string): void {
    this.#session.revoke(address)
  }

  /** Gives the allocation back. Idempotent and immediate: no callback runs after it; the server is told in the background. */
  close(): void {
    this.onmessage = undefined
    this.onerror = undefined
    this.onclose = undefined
    this.#session.close()
  }

  ref(): void {
    this.#session.ref()
  }

  unref(): void {
    this.#session.unref()
  }

  #handle(event: TurnEvent): void {
    switch (event.type) {
      case 'data':
        this.onmessage?.(event.data, event.peer)
        break
      case 'refused':
        this.onerror?.(event.error)
        break
      case 'failed':
        this.onclose?.(event.error)
        break
      default:
    }
  }
}

/** The allocation's counters under the names of a socket's. */
class RelayStats implements UdpStats {
  readonly #stats: TurnAllocationStats

  constructor(stats: TurnAllocationStats) {
    this.#stats = stats
  }

  get datagramsSent(): number {
    return this.#stats.datagramsSent
  }

  get bytesSent(): number {
    return this.#stats.bytesSent
  }

  get datagramsReceived(): number {
    return this.#stats.datagramsReceived
  }

  get bytesReceived(): number {
    return this.#stats.bytesReceived
  }

  get sendErrors(): number {
    return this.#stats.droppedOutgoing
  }
}
