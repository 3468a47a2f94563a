import { defaultProvider } from '@kaon/crypto'
import type { Endpoint, InterfaceWatch, Network } from '@kaon/net'
import { IceAgent } from '../agent.ts'
import type { Candidate } from '../candidate.ts'
import type { IceParameters } from '../credentials.ts'
import { IceError } from '../error.ts'
import type { IceEvent, IceRole, IceState } from '../types.ts'
import { checkIceOptions } from './check-options.ts'
import { DataPath } from './data-path.ts'
import { Gathering } from './gathering.ts'
import { withoutInternals } from './announced.ts'
import type { CandidateError, IceConnectionOptions, SelectedCandidatePair } from './options.ts'
import { isStun, type Port } from './port.ts'
import { RemoteCandidates } from './remote-candidates.ts'
import { UdpShare } from './shared-udp.ts'
import { type IceConnectionStats, snapshot } from './stats.ts'
import { TcpPort } from './tcp-port.ts'
import { Wakeups } from './wakeups.ts'

/** W3C RTCIceGathererState. */
export type IceGatheringState = 'new' | 'gathering' | 'complete'

/** The least time between two looks at the interfaces because a socket has failed, ms. */
const LOOK_INTERVAL = 100

/**
 * An ICE transport over a `Network`: gathers, checks, nominates, and carries datagrams over the selected pair.
 * All callbacks run outside of the machine's own steps, so they may call anything here, `close()` included.
 */
export class IceConnection {
  /** Non-STUN bytes from a validated path (RFC 7983). The receiver owns them. */
  onDatagram: ((datagram: Uint8Array) => void) | undefined
  /**
   * What came in on one of the sockets and is nobody's here: no check has vouched for where it comes from. The receiver owns the bytes.
   */
  onUnhandledDatagram: ((datagram: Uint8Array, from: Endpoint) => void) | undefined
  /** Once after each burst of `onDatagram`: drain the machines above here. */
  onBurstEnd: (() => void) | undefined
  /** A new local candidate; undefined: gathering is complete. */
  onCandidate: ((candidate: Candidate | undefined) => void) | undefined
  onCandidateError: ((error: CandidateError) => void) | undefined
  onStateChange: ((state: IceState) => void) | undefined
  onGatheringStateChange: ((state: IceGatheringState) => void) | undefined
  onSelectedPairChange: ((pair: SelectedCandidatePair | undefined) => void) | undefined
  /** The role changed by itself: a conflict was resolved (RFC 8445 §7.3.1.1), or the peer is ICE-lite. */
  onRoleChange: ((role: IceRole) => void) | undefined

  readonly #network: Network
  readonly #options: IceConnectionOptions
  readonly #agent: IceAgent
  readonly #gathering: Gathering
  readonly #data: DataPath
  readonly #remote: RemoteCandidates
  readonly #wakeups: Wakeups
  #relayOnly: boolean
  #state: IceState = 'new'
  #gatheringState: IceGatheringState = 'new'
  /** The path worked when ICE was restarted. */
  #wasSound = true
  #localCandidates: Candidate[] = []

  readonly #notifications: (() => void)[] = []
  #hasBurst = false
  readonly #watch: InterfaceWatch | undefined
  #lookedAt = -Infinity

  /** @throws IceError `ERR_ICE_SERVER_URL`, `ERR_ICE_OPTION`. */
  constructor(options: IceConnectionOptions) {
    checkIceOptions(options)
    this.#network = options.network
    this.#options = options
    const crypto = options.crypto ?? defaultProvider
    const random = options.agent?.random ?? ((length: number) => crypto.random(length))
    this.#agent = new IceAgent({
      ...(options.continualGathering === true && { standby: true }),
      ...options.agent,
      ...(options.lite === true && { lite: true }),
      ...(options.checkIntervalMs === undefined ? undefined : { checkIntervalMs: options.checkIntervalMs }),
      ...(options.role === undefined ? undefined : { role: options.role }),
      ...(options.trace === undefined ? undefined : { trace: options.trace }),
      crypto,
      now: options.network.now(),
    })
    this.#data = new DataPath(options.network, this.#agent)
    this.#relayOnly = options.iceTransportPolicy === 'relay'
    this.#wakeups = new Wakeups(options.network, {
      run: () => this.#run(),
      deadline: () => Math.min(this.#agent.deadline, this.#gathering.deadline),
    })
    this.#remote = new RemoteCandidates(options, options.network.mdns, this.#agent, () => this.#wakeups.schedule())
    this.#gathering = new Gathering(options, this.#agent.localParameters.pacing ?? 50, random, {
      addPort: (port) => this.#addPort(port),
      dropPort: (port) => {
        this.#agent.removeSocket(port.id, this.#network.now())
        this.#wakeups.schedule()
      },
      addCandidate: (local, announced) => {
        this.#agent.addLocalCandidate(local)
        this.#wakeups.schedule()
        if (announced === undefined) return
        this.#localCandidates.push(announced)
        this.#notify(() => this.onCandidate?.(announced))
      },
      addError: (error) => this.#notify(() => this.onCandidateError?.(error)),
      wake: () => this.#wakeups.schedule(),
      resume: () => {
        this.#agent.moreLocalCandidates()
        this.#setGatheringState('gathering')
      },
      complete: () => {
        this.#agent.endOfLocalCandidates()
        this.#setGatheringState('complete')
        this.#notify(() => this.onCandidate?.(undefined))
      },
    })
    if (options.continualGathering === true) {
      this.#watch = options.network.watchInterfaces(() => this.#gathering.refresh())
    }
  }

  /** What the peer must be told; new after a restart. */
  get localParameters(): IceParameters {
    return this.#agent.localParameters
  }

  get remoteParameters(): IceParameters | undefined {
    return this.#agent.remoteParameters
  }

  get role(): IceRole {
    return this.#agent.role
  }

  /** RTCIceTransportState, as last told to `onStateChange`. */
  get state(): IceState {
    return this.#state
  }

  get gatheringState(): IceGatheringState {
    return this.#gatheringState
  }

  /** The local candidates of the current generation, as announced. */
  get localCandidates(): readonly Candidate[] {
    return this.#localCandidates
  }

  /** The remote candidates of the current generation that came by signalling. */
  get remoteCandidates(): readonly Candidate[] {
    return this.#remote.list
  }

  /** The pair that data goes over, or undefined while there is none. */
  get selectedPair(): SelectedCandidatePair | undefined {
    const { pair } = this.#data
    return pair && { local: withoutInternals(pair.local.candidate), remote: pair.remote.candidate }
  }

  /** Takes effect at once; pairs are sorted anew. */
  setRole(role: IceRole): void {
    this.#agent.setRole(role)
    this.#wakeups.schedule()
  }

  /** Replaces the servers and the policy for the next gathering. @throws IceError `ERR_ICE_SERVER_URL`. */
  setServers(
    servers: IceConnectionOptions['iceServers'],
    policy?: NonNullable<IceConnectionOptions['iceTransportPolicy']>,
  ): void {
    this.#gathering.setServers(servers)
    if (policy !== undefined) this.#relayOnly = policy === 'relay'
  }

  /**
   * Begins to gather; again after `restart()`. Does nothing while gathering or complete.
   * @throws IceError `ERR_ICE_STATE` after `close()`.
   */
  gather(): void {
    if (this.#state === 'closed') throw new IceError('ERR_ICE_STATE', 'the ICE connection is closed')
    if (this.#gatheringState !== 'new') return
    this.#setGatheringState('gathering')
    this.#gathering.start(this.localParameters.usernameFragment, this.#relayOnly, this.#wasSound)
    if (this.#remote.hasPassive) this.#gathering.addActive()
  }

  /**
   * The peer's credentials. The same ones again: nothing happens. Other ones: the peer has restarted, and the local side
   * restarts too (`localParameters` change, and `gather()` is due), unless it already has.
   * @throws IceError `ERR_ICE_PARAMETERS`.
   */
  setRemoteParameters(parameters: IceParameters): void {
    const before = this.#agent.localParameters
    this.#agent.setRemoteParameters(parameters, this.#network.now())
    if (this.#agent.localParameters !== before) this.#restarted()
    this.#wakeups.schedule()
  }

  /**
   * A candidate of the peer; undefined: there are no more (RFC 8838 §14). May come before `setRemoteParameters`. A candidate
   * whose `usernameFragment` belongs to another generation is dropped.
   */
  addRemoteCandidate(candidate: Candidate | undefined): void {
    if (this.#state === 'closed') return
    if (candidate === undefined) this.#remote.end()
    else if (this.#remote.add(candidate) && candidate.tcpType === 'passive') this.#gathering.addActive()
    this.#wakeups.schedule()
  }

  /**
   * New local credentials at once (fresh ones, or those that an offer has announced); the old pair carries data until a new
   * one is nominated. Call `gather()` next.
   * @throws IceError `ERR_ICE_STATE` after `close()`, `ERR_ICE_PARAMETERS`.
   */
  restart(credentials?: { readonly usernameFragment: string; readonly password: string }): void {
    this.#agent.restart(this.#network.now(), credentials)
    this.#restarted()
    this.#wakeups.schedule()
  }

  /**
   * Sends one datagram over the selected pair; it owns the bytes from here on. `now`, in ms on the network's clock, saves it a look.
   * @returns false when there is no pair to send on; the datagram is dropped then.
   */
  send(datagram: Uint8Array, now: number = this.#network.now()): boolean {
    return this.#data.send(datagram, now)
  }

  stats(): IceConnectionStats {
    return snapshot(this.#agent, this.#state, this.#data.totals)
  }

  /** Releases sockets, timers and names. Idempotent and synchronous; no callback runs after it. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#wakeups.close()
    this.#agent.close()
    this.#gathering.close()
    this.#remote.close()
    this.#watch?.close()
    this.#data.close()
    this.#notifications.length = 0
  }

  #restarted(): void {
    if (this.#state !== 'checking') this.#wasSound = this.#state === 'connected' || this.#state === 'completed'
    this.#gathering.cancel()
    this.#localCandidates = []
    this.#remote.clear()
    this.#setGatheringState('new')
  }

  #addPort(port: Port): void {
    const { socket } = port
    socket.onmessage = (datagram, from) => this.#receive(port, datagram, from)
    if (socket instanceof UdpShare || socket instanceof TcpPort) {
      socket.isTrusted = (from) => this.#agent.lookup(port.id, from) !== undefined
    }
    if (socket instanceof TcpPort) {
      socket.onfailed = (remote) => {
        this.#agent.pathFailed(port.id, remote, this.#network.now())
        this.#wakeups.schedule()
      }
    }
    // Unreachable hosts are found out by checks that go unanswered. But an address that has gone makes errors at once, while the
    // system may only be asked for its interfaces every few seconds.
    socket.onerror = (error) => {
      this.#options.trace?.({ layer: 'ice', name: 'socket-error', data: error })
      if (this.#watch !== undefined) this.#lookAround()
    }
  }

  #lookAround(): void {
    const now = this.#network.now()
    if (now < this.#lookedAt + LOOK_INTERVAL) return
    this.#lookedAt = now
    this.#network.defer(() => this.#gathering.refresh())
  }

  #receive(port: Port, datagram: Uint8Array, from: Endpoint): void {
    if (datagram.length === 0) return
    this.#wakeups.schedule()
    if (isStun(datagram[0]!)) {
      const now = this.#network.now()
      if (this.#gathering.receive(datagram, port, from, now)) return
      this.#agent.receive(datagram, port.id, from, now)
      return
    }
    if (!this.#data.receive(port, datagram, from)) {
      this.onUnhandledDatagram?.(datagram, from)
      return
    }
    this.#hasBurst = true
    this.onDatagram?.(datagram)
  }

  #run(): void {
    const now = this.#network.now()
    this.#data.report(now)
    this.#gathering.tick(now)
    this.#flush(now)
    for (let event = this.#agent.pollEvent(); event !== undefined; event = this.#agent.pollEvent()) this.#handle(event)
    try {
      while (this.#notifications.length > 0) this.#notifications.shift()!() // `close` empties the list
      if (this.#hasBurst) {
        this.#hasBurst = false
        this.onBurstEnd?.()
      }
    } finally {
      // A callback that throws stops neither the others nor the clock.
      if (this.#notifications.length > 0) this.#wakeups.schedule()
      this.#wakeups.arm()
    }
  }

  #flush(now: number): void {
    for (let next = this.#agent.pollTransmit(now); next !== undefined; next = this.#agent.pollTransmit(now)) {
      this.#gathering.ports.get(next.socket)?.socket.send(next.data, next.to)
    }
  }

  #handle(event: IceEvent): void {
    switch (event.type) {
      case 'state':
        this.#notify(() => {
          this.#state = event.state
          if (event.state === 'connected' || event.state === 'completed') this.#gathering.stopKeepalive()
          this.onStateChange?.(event.state)
        })
        break
      case 'selected-pair': {
        const pair = this.#agent.selectedPair
        this.#data.select(pair, pair && this.#gathering.ports.get(pair.socket)?.socket)
        this.#notify(() => this.onSelectedPairChange?.(this.selectedPair))
        break
      }
      case 'role':
        this.#notify(() => this.onRoleChange?.(event.role))
        break
      case 'restarted':
        this.#gathering.closeUnused(this.#agent.selectedPair?.socket)
    }
  }

  #notify(callback: () => void): void {
    if (this.#state === 'closed') return
    this.#notifications.push(callback)
    this.#wakeups.schedule()
  }

  #setGatheringState(state: IceGatheringState): void {
    if (this.#gatheringState === state) return
    this.#gatheringState = state
    this.#notify(() => this.onGatheringStateChange?.(state))
  }
}
