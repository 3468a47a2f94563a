import { decodeMessage, methods, type TransportAddress } from '@kaon/stun'
import type { Candidate } from './candidate.ts'
import { checkParameters, type IceParameters } from './credentials.ts'
import { IceError } from './error.ts'
import { pathFailed, removeSocket } from './loss.ts'
import { Machine } from './machine.ts'
import type { CandidatePair, LocalEntry, RemoteCandidate } from './pair.ts'
import { addLocal, addRemote, dropForeign } from './pairing.ts'
import { receiveRequest } from './requests.ts'
import { receiveResponse } from './responses.ts'
import { tick } from './schedule.ts'
import { dataReceived } from './selection.ts'
import { makeSettings } from './settings.ts'
import { updateState } from './transport-state.ts'
import type { IceAgentOptions, IceAgentStats, IceEvent, IceRole, IceState, LocalCandidate, Transmit } from './types.ts'

/**
 * A full ICE agent (RFC 8445) for one data stream with one component, without sockets or clock: a driver tells it its local
 * candidates and the datagrams that arrive, and sends what it asks for. `IceConnection` in `@kaon/ice/driver` is such a driver.
 */
export class IceAgent {
  readonly #machine: Machine

  /** @throws IceError `ERR_ICE_OPTION`. */
  constructor(options: IceAgentOptions) {
    this.#machine = new Machine(makeSettings(options))
  }

  /** What the peer must be told; new ones after a restart. */
  get localParameters(): IceParameters {
    return this.#machine.current.local
  }

  get remoteParameters(): IceParameters | undefined {
    return this.#machine.current.remote
  }

  get role(): IceRole {
    return this.#machine.role
  }

  get state(): IceState {
    return this.#machine.state
  }

  /** The pair that data goes over: the nominated one, before there is one the best valid one. */
  get selectedPair(): CandidatePair | undefined {
    return this.#machine.path
  }

  /** The pairs of the current generation, by priority. */
  get pairs(): readonly CandidatePair[] {
    return this.#machine.current.checklist.pairs
  }

  /** The local candidates of the current generation, discovered ones included. */
  get localCandidates(): readonly Candidate[] {
    return this.#machine.current.locals.map((entry) => entry.candidate)
  }

  /** The remote candidates of the current generation, peer-reflexive ones included. */
  get remoteCandidates(): readonly Candidate[] {
    return this.#machine.current.remotes.map((entry) => entry.candidate)
  }

  /** The same with their identifiers, for statistics. */
  get localEntries(): readonly LocalEntry[] {
    return this.#machine.current.locals
  }

  get remoteEntries(): readonly RemoteCandidate[] {
    return this.#machine.current.remotes
  }

  get stats(): Readonly<IceAgentStats> {
    return this.#machine.stats
  }

  /** Changes whenever the answer of `lookup` may have. */
  get version(): number {
    return this.#machine.version
  }

  /** Takes effect at once; a check under way keeps the role it claims. */
  setRole(role: IceRole): void {
    this.#machine.setRole(role)
  }

  addLocalCandidate(candidate: LocalCandidate): void {
    addLocal(this.#machine, candidate)
    this.#machine.wake()
  }

  /** After `endOfLocalCandidates`: there are more to come after all. */
  moreLocalCandidates(): void {
    this.#machine.current.localEnd = false
  }

  /** No more local candidates will come in this generation. */
  endOfLocalCandidates(): void {
    this.#machine.current.localEnd = true
    this.#machine.wake()
  }

  /**
   * The peer's credentials. Other ones than before are a restart by the peer, which restarts this side too: a restart
   * changes both sides' (RFC 8445 §9).
   * @throws IceError `ERR_ICE_PARAMETERS`.
   */
  setRemoteParameters(parameters: IceParameters, now: number): void {
    checkParameters(parameters)
    const machine = this.#machine
    if (machine.state === 'closed') return
    const known = machine.current.remote
    if (known !== undefined) {
      const isSame = known.usernameFragment === parameters.usernameFragment && known.password === parameters.password
      if (isSame) return
      this.restart(now)
    }
    machine.current.setRemote(parameters, machine.crypto, now)
    dropForeign(machine, machine.current)
    // RFC 8445 §6.1.1: a lite agent never controls.
    if (parameters.iceLite === true && machine.role === 'controlled') {
      machine.setRole('controlling')
      machine.emit({ type: 'role', role: 'controlling' })
    }
    machine.wake()
  }

  /**
   * A candidate of the peer; it may come before `setRemoteParameters`. What cannot be used is counted and left aside.
   * `resolved` is the IP address of a candidate whose address is a host name.
   */
  addRemoteCandidate(candidate: Candidate, resolved?: string): void {
    if (this.#machine.state === 'closed') return
    addRemote(this.#machine, candidate, resolved)
    this.#machine.wake()
  }

  /** The peer has no more candidates in this generation (RFC 8838 §14). */
  endOfRemoteCandidates(): void {
    this.#machine.current.remoteEnd = true
    this.#machine.wake()
  }

  /**
   * A new generation with new credentials (RFC 8445 §9); the driver tells its candidates again. The old path carries data
   * until a pair of the new generation is nominated. `credentials` are those that a description has announced already.
   * @throws IceError `ERR_ICE_PARAMETERS`.
   */
  restart(now: number, credentials?: { readonly usernameFragment: string; readonly password: string }): void {
    const machine = this.#machine
    if (machine.state === 'closed') throw new IceError('ERR_ICE_STATE', 'the ICE agent is closed')
    if (credentials !== undefined) checkParameters(credentials)
    const { path } = machine
    const carrier = path === undefined ? undefined : machine.generationOf(path)
    machine.previous = carrier
    machine.checks.endWhere((check) => check.generation !== carrier)
    machine.forgetQuiet = path === undefined ? machine.state !== 'new' : machine.quiet
    machine.wasConnected = path !== undefined && !machine.quiet
    machine.current = machine.makeGeneration(credentials)
    machine.version++
    if (machine.state === 'failed') machine.state = 'new'
    updateState(machine, now)
    machine.wake()
  }

  /**
   * One datagram that came in on a socket; anything but STUN is dropped. `from` and the bytes belong to the agent from
   * here on.
   */
  receive(datagram: Uint8Array, socket: number, from: TransportAddress, now: number): void {
    const machine = this.#machine
    if (machine.state === 'failed' || machine.state === 'closed') return
    const message = decodeMessage(datagram)
    if (message === undefined || message.method !== methods.binding) {
      machine.stats.malformed++
      return
    }
    switch (message.messageClass) {
      case 'request':
        receiveRequest(machine, message, socket, from, now)
        break
      case 'success':
      case 'error':
        receiveResponse(machine, message, socket, from, now)
        break
      case 'indication': // a keepalive (RFC 8445 §11): nothing to do
    }
  }

  /** The pair that data from there belongs to, if it may be accepted: something authentic has come that way before. */
  lookup(socket: number, from: TransportAddress): CandidatePair | undefined {
    const { current, previous } = this.#machine
    const pair = current.checklist.find(socket, from)
    if (pair?.trusted === true) return pair
    const old = previous?.checklist.find(socket, from)
    return old?.trusted === true ? old : undefined
  }

  /** Data (not STUN) has come in over a pair that `lookup` gave; once per burst is enough. */
  dataReceived(pair: CandidatePair, now: number): void {
    dataReceived(this.#machine, pair, now)
  }

  /** A socket is no more: its candidates and pairs go, and data moves to another path as soon as there is one. */
  removeSocket(socket: number, now: number): void {
    if (this.#machine.state !== 'closed') removeSocket(this.#machine, socket, now)
  }

  /** The TCP connection to there could not be made, or has broken. */
  pathFailed(socket: number, remote: TransportAddress, now: number): void {
    if (this.#machine.state !== 'closed') pathFailed(this.#machine, socket, remote, now)
  }

  /** When `tick` is due, monotonic ms; 0 when at once, Infinity when never. */
  get deadline(): number {
    return this.#machine.deadline
  }

  tick(now: number): void {
    if (now >= this.#machine.deadline) tick(this.#machine, now)
  }

  /** The next datagram to send. */
  pollTransmit(now: number): Transmit | undefined {
    const machine = this.#machine
    if (machine.owed.length > 0) {
      const owed = machine.owed.shift()!
      machine.stats.responsesSent++
      if (owed.pair !== undefined) owed.pair.stats.responsesSent++
      const data =
        owed.code === 0
          ? machine.writer.success(owed.transactionId, owed.to, owed.key)
          : machine.writer.error(owed.transactionId, owed.code, owed.key, owed.unknown)
      return { socket: owed.socket, to: owed.to, data }
    }
    if (now >= machine.deadline) tick(machine, now)
    return machine.out.length > 0 ? machine.out.shift() : undefined
  }

  pollEvent(): IceEvent | undefined {
    const { events } = this.#machine
    return events.length > 0 ? events.shift() : undefined
  }

  /** Everything stops; no event tells. Idempotent. */
  close(): void {
    const machine = this.#machine
    machine.state = 'closed'
    machine.path = undefined
    machine.deadline = Infinity
    machine.previous = undefined
    machine.version++
    machine.out.length = 0
    machine.owed.length = 0
    machine.events.length = 0
    machine.checks.endWhere(() => true)
    machine.consent.follow(undefined, 0)
  }
}
