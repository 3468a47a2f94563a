// TCP of one virtual host: which segment belongs to which connection, who listens, who connects from where.

import { normalizeAddress, parseIp } from '../../address.ts'
import { NetError } from '../../errors.ts'
import type { Endpoint, TcpConnection, TcpConnectOptions, TcpListener, TcpListenOptions } from '../../network.ts'
import type { Core } from '../core.ts'
import { endpoint } from '../core.ts'
import type { VirtualHost } from '../host.ts'
import type { Packet } from '../packet.ts'
import { isWildcard, portBounds, Ports } from '../ports.ts'
import type { Scheduler } from '../scheduler.ts'
import { checkIdentity } from './certificate.ts'
import { VirtualTcpConnection } from './connection.ts'
import { TcpEndpoint } from './endpoint.ts'
import type { EndpointHost } from './endpoint.ts'
import { VirtualTcpListener } from './listener.ts'
import { ACK, EMPTY, NO_SACKS, RST, segmentLength, SYN, UNREACHABLE } from './segment.ts'
import type { TcpSegment } from './segment.ts'
import { acceptTls, connectTls } from './tls.ts'

/** Half-open connections of one listener: Node's default backlog. */
const BACKLOG = 511
/** Sequence numbers of different connections never meet. */
const SEQUENCE_STEP = 2 ** 32
/** Of several addresses each but the last is given so long, as Node does (RFC 8305 §5). */
const ATTEMPT_TIMEOUT = 250

export class TcpStack implements EndpointHost {
  readonly scheduler: Scheduler
  readonly #core: Core
  readonly #host: VirtualHost
  readonly #ports: Ports = new Ports()
  readonly #listeners: Map<number, VirtualTcpListener[]> = new Map()
  /** By local and remote endpoint. */
  readonly #endpoints: Map<string, TcpEndpoint> = new Map()
  /** How many endpoints have a local port that was chosen for them. */
  readonly #connectingPorts: Map<number, number> = new Map()
  readonly #connections: Set<VirtualTcpConnection> = new Set()
  #openListeners = 0

  constructor(core: Core, host: VirtualHost) {
    this.#core = core
    this.#host = host
    this.scheduler = core.scheduler
  }

  /** Listeners, and connections that their users still hold. */
  get openHandles(): number {
    return this.#openListeners + this.#connections.size
  }

  async listen(options: TcpListenOptions): Promise<TcpListener> {
    options.signal?.throwIfAborted()
    if (options.tls !== undefined) checkIdentity(options.tls)
    const address = this.#host.bindableAddress(options)
    const family = address.includes(':') ? 6 : 4
    const port = this.#ports.choose(options, address, (candidate) => this.#mayListen(address, family, candidate))
    const listener = new VirtualTcpListener(this.scheduler, endpoint(address, port, family), options.tls, () => {
      const list = this.#listeners.get(port)!
      list.splice(list.indexOf(listener), 1)
      if (list.length === 0) this.#listeners.delete(port)
      this.#openListeners--
    })
    const list = this.#listeners.get(port)
    if (list === undefined) this.#listeners.set(port, [listener])
    else list.push(listener)
    this.#openListeners++
    // As on a system, the socket listens at once, and its user hears of it a little later.
    await Promise.resolve()
    if (options.signal?.aborted === true) listener.close()
    options.signal?.throwIfAborted()
    return listener
  }

  async connect(options: TcpConnectOptions): Promise<TcpConnection> {
    const { signal, tls, host, port } = options
    signal?.throwIfAborted()
    portBounds({ port })
    if (tls !== undefined && tls !== false) {
      const inner = await this.#connectPlain(options)
      return connectTls(inner, host, tls === true ? {} : tls, this.#core, signal)
    }
    return this.#connectPlain(options)
  }

  /** From the wire, or from this host itself; `from` and `to` with zones. */
  receive(packet: Packet, from: string, to: string): void {
    const segment = packet.segment!
    const local = endpoint(to, packet.destinationPort, packet.family)
    const remote = endpoint(from, packet.sourcePort, packet.family)
    let found = this.#endpoints.get(keyOf(local, remote))
    const isFirst = (segment.flags & (SYN | ACK | RST)) === SYN
    const listener = isFirst ? this.#findListener(local) : undefined
    if (found?.isTimeWait === true && listener !== undefined) {
      // A new connection between the same ports: sequence numbers never repeat here (RFC 9293 §3.10.7.4).
      found.vanish()
      found = undefined
    }
    if (found !== undefined) {
      this.#tellDelivered(packet)
      found.receive(segment, packet.data)
    } else if (listener !== undefined && listener.halfOpen < BACKLOG) {
      this.#tellDelivered(packet)
      this.#accept(listener, local, remote, segment)
    } else {
      this.#core.drop(this.#host.name, 'port', packet)
      if (listener === undefined) this.#refuse(packet, local, remote)
    }
  }

  transmit(local: Endpoint, remote: Endpoint, segment: TcpSegment, data: Uint8Array): boolean {
    return this.#host.sendSegment(local, remote, segment, data)
  }

  forget(gone: TcpEndpoint): void {
    const key = keyOf(gone.local, gone.remote)
    if (this.#endpoints.get(key) !== gone) return
    this.#endpoints.delete(key)
    if (!gone.isPassive) this.#countPort(gone.local.port, -1)
  }

  /** Power off: nobody is told. */
  crash(): void {
    for (const connection of this.#connections) connection.vanish()
    for (const found of this.#endpoints.values()) found.vanish()
    for (const list of this.#listeners.values()) while (list.length > 0) list[0]!.close()
  }

  async #connectPlain(options: TcpConnectOptions): Promise<TcpConnection> {
    const { signal, host, port } = options
    let addresses: string[]
    try {
      addresses = await this.#host.lookup(host, signal === undefined ? {} : { signal })
    } catch (error) {
      signal?.throwIfAborted()
      const systemCode = error instanceof NetError ? error.systemCode : undefined
      throw new NetError('ERR_NET_CONNECT', `No address of ${host} is known`, { systemCode, cause: error })
    }
    let failure: unknown
    for (const [index, address] of addresses.entries()) {
      signal?.throwIfAborted()
      const remote = endpoint(address, port, address.includes(':') ? 6 : 4)
      const limit = index < addresses.length - 1 ? ATTEMPT_TIMEOUT : Infinity
      try {
        return await this.#connectOnce(this.#localFor(remote, options), remote, limit, signal)
      } catch (error) {
        signal?.throwIfAborted()
        failure = error
      }
    }
    throw failure
  }

  #connectOnce(
    local: Endpoint,
    remote: Endpoint,
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<TcpConnection> {
    return new Promise((resolve, reject) => {
      const settle = (error: unknown): void => {
        signal?.removeEventListener('abort', onAbort)
        timer.cancel()
        this.scheduler.touched = true
        if (error === undefined) resolve(connection)
        else reject(error)
      }
      const onAbort = (): void => {
        connection.close()
        settle(signal?.reason)
      }
      const timer = this.#host.setTimer(this.scheduler.now + limit, () => {
        connection.close()
        settle(connectError('ETIMEDOUT', remote))
      })
      const connecting = this.#makeEndpoint(local, remote, false)
      const connection = this.#makeConnection(connecting, settle)
      this.#countPort(local.port, 1)
      signal?.addEventListener('abort', onAbort, { once: true })
      connecting.connect(connection)
    })
  }

  #accept(listener: VirtualTcpListener, local: Endpoint, remote: Endpoint, segment: TcpSegment): void {
    const accepted = this.#makeEndpoint(local, remote, true)
    listener.halfOpen++
    const connection = this.#makeConnection(accepted, (error) => {
      listener.halfOpen--
      if (error !== undefined) return
      if (listener.tls === undefined) listener.offer(connection)
      else acceptTls(connection, listener.tls, this.#core, (secure) => listener.offer(secure))
    })
    accepted.accept(segment, connection)
  }

  #makeEndpoint(local: Endpoint, remote: Endpoint, isPassive: boolean): TcpEndpoint {
    const initial = this.#core.nextSequence
    this.#core.nextSequence += SEQUENCE_STEP
    const maxSegment = this.#host.maxSegment(local.address, remote.address)
    const made = new TcpEndpoint(this, local, remote, { initial, maxSegment, isPassive })
    this.#endpoints.set(keyOf(local, remote), made)
    return made
  }

  #makeConnection(from: TcpEndpoint, onSettled: (error: NetError | undefined) => void): VirtualTcpConnection {
    const connection = new VirtualTcpConnection(from, this.scheduler, onSettled, () => {
      this.#connections.delete(connection)
    })
    this.#connections.add(connection)
    return connection
  }

  /** @throws NetError `ERR_NET_CONNECT` */
  #localFor(remote: Endpoint, options: TcpConnectOptions): Endpoint {
    const { localAddress, localPort } = options
    const bound = localAddress === undefined ? undefined : normalizeAddress(localAddress)
    if (localAddress !== undefined && (bound === undefined || !this.#host.isOwn(bound))) {
      throw connectError('EADDRNOTAVAIL', remote)
    }
    if (bound !== undefined && parseIp(bound)!.family !== remote.family) throw connectError('EINVAL', remote)
    const address = bound ?? this.#host.sourceFor(remote.address)
    if (address === undefined) throw connectError('ENETUNREACH', remote)
    if (remote.port === 0) throw connectError('ECONNREFUSED', remote)
    try {
      const port = this.#ports.choose({ port: localPort ?? 0 }, address, (candidate, isChosen) => {
        const local = endpoint(address, candidate, remote.family)
        const present = this.#endpoints.get(keyOf(local, remote))
        if (isChosen && present?.isTimeWait === true) present.vanish()
        else if (present !== undefined) return false
        return this.#findListener(local) === undefined && (isChosen || !this.#connectingPorts.has(candidate))
      })
      return endpoint(address, port, remote.family)
    } catch (error) {
      if (!(error instanceof NetError) || error.code === 'ERR_NET_ARGUMENT') throw error
      throw connectError('EADDRINUSE', remote)
    }
  }

  #mayListen(address: string, family: 4 | 6, port: number): boolean {
    for (const { local } of this.#listeners.get(port) ?? []) {
      if (local.family !== family) continue
      if (local.address === address || isWildcard(address) || isWildcard(local.address)) return false
    }
    return true
  }

  #findListener(local: Endpoint): VirtualTcpListener | undefined {
    const list = this.#listeners.get(local.port)
    const wildcard = local.family === 4 ? '0.0.0.0' : '::'
    return (
      list?.find((candidate) => candidate.local.address === local.address) ??
      list?.find((candidate) => candidate.local.address === wildcard)
    )
  }

  /** RFC 9293 §3.10.7.1: nobody is here. */
  #refuse(packet: Packet, local: Endpoint, remote: Endpoint): void {
    const { flags, sequence, acknowledgement } = packet.segment!
    if ((flags & (RST | UNREACHABLE)) !== 0) return
    const isAck = (flags & ACK) !== 0
    const answer = {
      flags: isAck ? RST : RST | ACK,
      sequence: isAck ? acknowledgement : 0,
      acknowledgement: sequence + segmentLength(packet.segment!, packet.data),
      window: 0,
      sacks: NO_SACKS,
      maxSegment: 0,
    }
    this.transmit(local, remote, answer, EMPTY)
  }

  #tellDelivered(packet: Packet): void {
    if (this.#core.taps.size > 0) this.#core.tell('delivered', this.#host.name, packet)
  }

  #countPort(port: number, change: number): void {
    const count = (this.#connectingPorts.get(port) ?? 0) + change
    if (count === 0) this.#connectingPorts.delete(port)
    else this.#connectingPorts.set(port, count)
  }
}

function keyOf(local: Endpoint, remote: Endpoint): string {
  return `${local.address}|${local.port}|${remote.address}|${remote.port}`
}

function connectError(systemCode: string, remote: Endpoint): NetError {
  const message = `connect ${systemCode} ${remote.address}:${remote.port}`
  return new NetError('ERR_NET_CONNECT', message, { systemCode, remote })
}
