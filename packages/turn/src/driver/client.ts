import type { Endpoint, Network, TlsOptions } from '@kaon/net'
import { type ClientCredentials, LongTermCredentials, parseHostPort, transportAddress } from '@kaon/stun'
import { type Link, type LinkOptions, openLink } from '@kaon/stun/driver/link'
import type { TurnAllocationOptions, TurnEvent } from '../client/types.ts'
import { TurnError } from '../error.ts'
import { TurnFramer } from '../framer.ts'
import { parseTurnUri, type TurnTransport } from '../uri.ts'
import { race } from './race.ts'
import { type Granted, RelaySocket } from './relay-socket.ts'
import { Session } from './session.ts'
import { TcpRelay } from './tcp-relay.ts'

export interface TurnClientOptions {
  readonly network: Network
  /** A `turn:` or `turns:` URI (RFC 7065), or `turn.example.org`, `192.0.2.1:3478`, `[2001:db8::1]:3478`. */
  readonly server: string
  /** Default: what the URI says, else UDP. */
  readonly transport?: TurnTransport
  readonly username?: string
  readonly password?: string
  /** Instead of username and password: new credentials, for each server that is asked. */
  readonly credentials?: () => ClientCredentials
  /** Reach the server over this family only. Default: the first that works, in the system's order. */
  readonly family?: 4 | 6
  readonly localAddress?: string
  readonly localPort?: number
  /** For `turns:`: authorities of one's own, a certificate's other name, … */
  readonly tls?: TlsOptions
  /** ms that an allocation may take in all, challenges, redirections and connecting included. Default 15,000. */
  readonly timeout?: number
  readonly software?: string
  readonly rto?: number
  readonly maxTransmissions?: number
  readonly random?: (length: number) => Uint8Array
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

export interface AllocateOptions extends Pick<
  TurnAllocationOptions,
  'families' | 'lifetime' | 'evenPort' | 'reservationToken' | 'keepaliveInterval' | 'bindChannels' | 'maxPeers'
> {
  readonly signal?: AbortSignal
}

/** What a server is asked at and how. */
interface Target {
  readonly remote: Endpoint
  readonly serverName: string
}

interface Allocated {
  readonly session: Session
  readonly granted: Granted
  readonly target: Target
  readonly credentials: ClientCredentials
}

const MAX_REDIRECTIONS = 5
/** A 5-tuple that the server still knows from before is left for a new port (RFC 8656 §7.4). */
const MAX_MISMATCHES = 2
/** ms before the host's next address is tried beside the one that does not answer. */
const NEXT_ADDRESS = 2000

/** Asks one TURN server for allocations, each over a socket or connection of its own. */
export class TurnClient {
  readonly #options: TurnClientOptions
  readonly #host: string
  readonly #port: number
  readonly transport: TurnTransport

  /** @throws TurnError `ERR_TURN_OPTION`, StunError `ERR_STUN_CREDENTIALS` for what cannot be sent. Contacts nobody. */
  constructor(options: TurnClientOptions) {
    const isUri = /^turns?:/i.test(options.server)
    const uri = isUri ? parseTurnUri(options.server) : undefined
    const place = isUri ? uri : parseHostPort(options.server)
    if (place === undefined) throw new TurnError('ERR_TURN_OPTION', `not a TURN server: ${options.server}`)
    const { username, password, credentials } = options
    if (credentials === undefined) {
      if (username === undefined || password === undefined) {
        throw new TurnError('ERR_TURN_OPTION', 'a TURN server wants username and password, or other credentials')
      }
    }
    this.#options = options
    this.#credentials() // throws for text that cannot be sent
    this.transport = options.transport ?? uri?.transport ?? 'udp'
    this.#host = place.host
    this.#port = place.port ?? (this.transport === 'tls' ? 5349 : 3478)
  }

  /**
   * A socket on the server.
   * @throws TurnError `ERR_TURN_CREDENTIALS`, `ERR_TURN_RESPONSE` (with `responseCode`: 486 quota, 508 capacity, 440 family, …),
   * `ERR_TURN_TIMEOUT`, `ERR_TURN_INTEGRITY`, `ERR_TURN_UNREACHABLE`, `ERR_TURN_MALFORMED`, `ERR_TURN_ABORTED`, `ERR_TURN_OPTION`.
   */
  async allocate(options: AllocateOptions = {}): Promise<RelaySocket> {
    const { session, granted } = await this.#allocate(options, 'udp')
    return new RelaySocket(session, granted)
  }

  /** An address on the server for TCP connections (RFC 6062). Throws what `allocate` does. */
  async allocateTcp(options: Pick<AllocateOptions, 'families' | 'lifetime' | 'signal'> = {}): Promise<TcpRelay> {
    if (this.transport === 'udp') {
      throw new TurnError('ERR_TURN_OPTION', 'TCP is relayed for clients that come over TCP or TLS')
    }
    const { session, granted, target, credentials } = await this.#allocate(options, 'tcp')
    return new TcpRelay(session, granted, this.#linkOptions(target, undefined), credentials, this.#options)
  }

  async #allocate(options: AllocateOptions, relay: 'udp' | 'tcp'): Promise<Allocated> {
    const { network, timeout = 15_000 } = this.#options
    if (!(timeout > 0)) throw new TurnError('ERR_TURN_OPTION', `timeout must be above 0, not ${timeout}`)
    const deadline = network.now() + timeout
    const addresses = await this.#addresses(options.signal)
    const attempts = addresses.map((address) => (signal: AbortSignal) => {
      const target = { remote: transportAddress(address, this.#port), serverName: this.#host }
      return this.#ask(target, options, relay, deadline, signal)
    })
    return race(network, attempts, {
      stagger: NEXT_ADDRESS,
      signal: options.signal,
      discard: ({ session }) => session.close(),
    })
  }

  async #addresses(signal: AbortSignal | undefined): Promise<string[]> {
    const { network, family, localAddress } = this.#options
    const wanted = family ?? (localAddress === undefined ? undefined : localAddress.includes(':') ? 6 : 4)
    let found: string[]
    try {
      found = await network.lookup(this.#host, { ...(wanted && { family: wanted }), ...(signal && { signal }) })
    } catch (cause) {
      if (signal?.aborted) throw new TurnError('ERR_TURN_ABORTED', 'aborted', { cause: signal.reason })
      throw new TurnError('ERR_TURN_UNREACHABLE', `no address for ${this.#host}: ${describe(cause)}`, { cause })
    }
    const usable = found.filter((address) => wanted === undefined || address.includes(':') === (wanted === 6))
    if (usable.length > 0) return usable.slice(0, 4)
    throw new TurnError('ERR_TURN_UNREACHABLE', `no IPv${wanted ?? ''} address for ${this.#host}`)
  }

  /** One address of the server, and where it sends us. */
  async #ask(
    first: Target,
    options: AllocateOptions,
    relay: 'udp' | 'tcp',
    deadline: number,
    signal: AbortSignal,
  ): Promise<Allocated> {
    const asked = new Set<string>()
    let target = first
    let mismatches = 0
    for (;;) {
      const { remote } = target
      asked.add(`${remote.address} ${remote.port}`)
      const credentials = this.#credentials()
      const { session, event } = await this.#try(target, credentials, options, relay, deadline, signal)
      if (event.type === 'allocated') return { session, granted: event, target, credentials }
      if (event.type === 'redirected') {
        // RFC 8489 §10: the same family and transport, and nowhere twice.
        const { server, domain } = event
        const isNew = !asked.has(`${server.address} ${server.port}`) && server.family === remote.family
        if (!isNew || asked.size > MAX_REDIRECTIONS) {
          throw new TurnError('ERR_TURN_RESPONSE', 'the server sends its clients in circles', { responseCode: 300 })
        }
        target = { remote: server, serverName: domain ?? target.serverName }
      } else if (event.type === 'failed') {
        if (event.error.responseCode !== 437 || mismatches++ >= MAX_MISMATCHES) throw event.error
      }
    }
  }

  async #try(
    target: Target,
    credentials: ClientCredentials,
    options: AllocateOptions,
    relay: 'udp' | 'tcp',
    deadline: number,
    signal: AbortSignal,
  ): Promise<{ session: Session; event: TurnEvent }> {
    const { network, software, rto, maxTransmissions, random, trace } = this.#options
    const { families, lifetime, evenPort, reservationToken, keepaliveInterval, bindChannels, maxPeers } = options
    const link = await this.#open(target, deadline, signal)
    return new Promise((resolve, reject) => {
      const timer = network.setTimer(deadline, () => stop(timedOut(this.#host)))
      const onAbort = (): void => stop(new TurnError('ERR_TURN_ABORTED', 'aborted', { cause: signal.reason }))
      const release = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
      }
      const stop = (error: TurnError): void => {
        release()
        session.close()
        reject(error)
      }
      const session = new Session(
        network,
        link,
        {
          credentials,
          relay,
          ...(families && { families }),
          ...(lifetime !== undefined && { lifetime }),
          ...(evenPort && { evenPort }),
          ...(reservationToken && { reservationToken }),
          ...(keepaliveInterval !== undefined && { keepaliveInterval }),
          ...(bindChannels !== undefined && { bindChannels }),
          ...(maxPeers !== undefined && { maxPeers }),
          ...(software !== undefined && { software }),
          ...(rto !== undefined && { rto }),
          ...(maxTransmissions !== undefined && { maxTransmissions }),
          ...(random && { random }),
          ...(trace && { trace }),
        },
        (event) => {
          release()
          resolve({ session, event })
        },
      )
      // Nothing was sent yet that could be answered: the system refuses, so this address is no good.
      session.onerror = (cause) => stop(new TurnError('ERR_TURN_UNREACHABLE', describe(cause), { cause }))
      if (signal.aborted) {
        onAbort()
        return
      }
      signal.addEventListener('abort', onAbort, { once: true })
      session.allocate()
    })
  }

  async #open(target: Target, deadline: number, signal: AbortSignal): Promise<Link> {
    const { network } = this.#options
    const stop = new AbortController()
    const onAbort = (): void => stop.abort(signal.reason)
    const timer = network.setTimer(deadline, () => stop.abort(timedOut(this.#host)))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await openLink(this.#linkOptions(target, stop.signal))
    } catch (cause) {
      if (cause instanceof TurnError) throw cause
      if (signal.aborted) throw new TurnError('ERR_TURN_ABORTED', 'aborted', { cause: signal.reason })
      throw new TurnError('ERR_TURN_UNREACHABLE', `cannot reach ${this.#host}: ${describe(cause)}`, { cause })
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
    }
  }

  #linkOptions({ remote, serverName }: Target, signal: AbortSignal | undefined): LinkOptions {
    const { network, localAddress, localPort, tls } = this.#options
    const framer = (): TurnFramer => new TurnFramer()
    return { network, transport: this.transport, remote, serverName, framer, localAddress, localPort, tls, signal }
  }

  #credentials(): ClientCredentials {
    const { credentials, username, password } = this.#options
    return credentials?.() ?? new LongTermCredentials({ username: username!, password: password! })
  }
}

/**
 * Asks several servers, the next one as soon as the one before has failed or `stagger` ms (default 250) have passed, and takes the first
 * allocation; the others are given back. @throws the first error when none gives one
 */
export function allocateFirst(
  clients: readonly TurnClient[],
  options: AllocateOptions & { readonly network: Network; readonly stagger?: number },
): Promise<RelaySocket> {
  const { network, stagger = 250, signal, ...rest } = options
  return race(
    network,
    clients.map((client) => (stop: AbortSignal) => client.allocate({ ...rest, signal: stop })),
    { stagger, signal, discard: (socket) => socket.close() },
  )
}

function timedOut(host: string): TurnError {
  return new TurnError('ERR_TURN_TIMEOUT', `no allocation from ${host} in time`)
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}

// Present on every platform with sockets, but not among what the portable projects declare.
declare const AbortController: new () => { readonly signal: AbortSignal; abort(reason?: unknown): void }
