import type { Endpoint, Network, Timer } from '@kaon/net'
import { createTransactionId } from '../../builder.ts'
import { StunError } from '../../error.ts'
import { isSame } from '../../nat-mapping.ts'
import { localEndpoint } from '../local-endpoint.ts'
import { type ProbeOptions, type ProbeResult, ProbeSocket } from './probe-socket.ts'

export interface SessionOptions {
  readonly network: Network
  readonly family: 4 | 6
  readonly localAddress?: string | undefined
  readonly random?: ((length: number) => Uint8Array) | undefined
  readonly trace?: ((event: { layer: string; name: string; data?: unknown }) => void) | undefined
}

// Present on every platform with sockets, but not among what the portable projects declare.
declare const AbortController: new () => { readonly signal: AbortSignal; abort(reason?: unknown): void }

/** ms between the beginnings of two transactions: some NATs only make so many mappings at a time (RFC 5780 §4.5). */
const PACE = 50

/** What the tests of one discovery share: sockets that are closed together, a pace, and what was seen of ports on the way. */
export class Session {
  readonly network: Network
  readonly #options: SessionOptions
  readonly #sockets = new Set<ProbeSocket>()
  readonly #sleeping = new Map<Timer, () => void>()
  /** Whether the outside port was the local one, for every socket that was answered. */
  readonly #portsKept = new Map<ProbeSocket, boolean>()
  readonly #stop = new AbortController()
  #nextStart = -Infinity
  #closed = false

  constructor(options: SessionOptions) {
    this.network = options.network
    this.#options = options
  }

  /** @throws StunError `ERR_STUN_CLOSED`, or the network's error */
  async open(port?: number): Promise<ProbeSocket> {
    const { network, family, localAddress, random } = this.#options
    const udp = await network.bindUdp({
      family,
      ...(localAddress !== undefined && { address: localAddress }),
      ...(port !== undefined && { port }),
    })
    const socket = new ProbeSocket(network, udp, random)
    if (this.#closed) {
      socket.close()
      throw ended()
    }
    this.#sockets.add(socket)
    return socket
  }

  /**
   * Asks in its turn. `test` is for the trace.
   * @throws StunError `ERR_STUN_CLOSED`: what was not answered for that reason says nothing about the NAT
   */
  async ask(test: string, socket: ProbeSocket, to: Endpoint, options: ProbeOptions): Promise<ProbeResult> {
    const now = this.network.now()
    const start = Math.max(now, this.#nextStart)
    this.#nextStart = start + PACE
    if (start > now) await this.sleep(start - now)
    let result = await socket.ask(to, options)
    if (this.#closed) throw ended()
    // Addresses of another family than the socket's, and no port at all, are nonsense.
    if (result.type === 'answer' && (result.mapped.family !== to.family || result.mapped.port === 0)) {
      result = { type: 'refusal', code: undefined }
    }
    if (result.type === 'answer') this.#portsKept.set(socket, result.mapped.port === socket.local.port)
    this.#options.trace?.({ layer: 'stun', name: 'nat-test', data: { test, to, result: result.type } })
    return result
  }

  /** The own side as it is meant to be read, not the wildcard that the socket may be bound to. */
  localOf(socket: ProbeSocket, server: Endpoint, mapped: Endpoint): Endpoint {
    return localEndpoint(this.network, socket.local, server, mapped)
  }

  /** Undefined while no socket has been answered. */
  get keepsPorts(): boolean | undefined {
    if (this.#portsKept.size === 0) return undefined
    return [...this.#portsKept.values()].every(Boolean)
  }

  isLocal(socket: ProbeSocket, server: Endpoint, mapped: Endpoint): boolean {
    return isSame(this.localOf(socket, server, mapped), mapped)
  }

  transactionId(): Uint8Array {
    return createTransactionId(this.#options.random)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve()
        return
      }
      const timer = this.network.setTimer(this.network.now() + ms, () => {
        this.#sleeping.delete(timer)
        resolve()
      })
      this.#sleeping.set(timer, resolve)
    })
  }

  /** Everything that is asked gets no answer, everyone who sleeps wakes. Idempotent. */
  close(): void {
    this.#closed = true
    this.#stop.abort()
    for (const socket of this.#sockets) socket.close()
    for (const [timer, wake] of this.#sleeping) {
      timer.cancel()
      wake()
    }
    this.#sleeping.clear()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }
}

/** Three round trips, within reason: what is awaited here is often silence, and the first answer may have had to wake a radio. */
export function rtoFor(roundTripTime: number | undefined, initial: number): number {
  return roundTripTime === undefined ? initial : Math.min(initial, Math.max(100, 3 * roundTripTime))
}

function ended(): StunError {
  return new StunError('ERR_STUN_CLOSED', 'the discovery has ended')
}
