import type { Candidate } from '../candidate.ts'
import type { IceParameters } from '../credentials.ts'
import { IceError } from '../error.ts'
import type { IceRole, IceState } from '../types.ts'
import type { CandidateError, IceConnectionOptions, SelectedCandidatePair } from './options.ts'
import type { IceConnectionStats } from './stats.ts'

/** W3C RTCIceGathererState. */
export type IceGatheringState = 'new' | 'gathering' | 'complete'

/**
 * An ICE transport over a `Network`: gathers, checks, nominates, and carries datagrams over the selected pair.
 * All callbacks run outside of the machine's own steps, so they may call anything here, `close()` included.
 */
export class IceConnection {
  /** Non-STUN bytes from a validated path (RFC 7983). The receiver owns them. */
  onDatagram: ((datagram: Uint8Array) => void) | undefined
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

  constructor(_options: IceConnectionOptions) {}

  get localParameters(): IceParameters {
    throw todo()
  }
  get remoteParameters(): IceParameters | undefined {
    throw todo()
  }
  get role(): IceRole {
    throw todo()
  }
  get state(): IceState {
    throw todo()
  }
  get gatheringState(): IceGatheringState {
    throw todo()
  }
  /** The local candidates of the current generation, as announced. */
  get localCandidates(): readonly Candidate[] {
    throw todo()
  }
  /** The remote candidates of the current generation that came by signalling. */
  get remoteCandidates(): readonly Candidate[] {
    throw todo()
  }
  /** The pair that data goes over, or undefined while there is none. */
  get selectedPair(): SelectedCandidatePair | undefined {
    throw todo()
  }
  /** Takes effect at once; pairs are sorted anew. */
  setRole(_role: IceRole): void {
    throw todo()
  }
  /** Replaces the servers for the next gathering. @throws IceError `ERR_ICE_SERVER_URL`. */
  setServers(_servers: IceConnectionOptions['iceServers'], _policy?: IceConnectionOptions['iceTransportPolicy']): void {
    throw todo()
  }
  /** Begins to gather; again after `restart()`. Does nothing while gathering or complete. */
  gather(): void {
    throw todo()
  }
  /**
   * The peer's credentials. The same ones again: nothing happens. Other ones: the peer has restarted; the local side restarts
   * too unless it already has (`localParameters` change then, and `gather()` is due).
   * @throws IceError `ERR_ICE_PARAMETERS`.
   */
  setRemoteParameters(_parameters: IceParameters): void {
    throw todo()
  }
  /**
   * A candidate of the peer; undefined: there are no more (RFC 8838 §14). May come before `setRemoteParameters`. A candidate
   * whose `usernameFragment` belongs to another generation is dropped.
   */
  addRemoteCandidate(_candidate: Candidate | undefined): void {
    throw todo()
  }
  /** New local credentials at once; the old pair carries data until a new one is nominated. Call `gather()` next. */
  restart(): void {
    throw todo()
  }
  /**
   * Sends one datagram over the selected pair; it owns the bytes from here on.
   * @returns false when there is no pair to send on; the datagram is dropped then.
   */
  send(_datagram: Uint8Array): boolean {
    throw todo()
  }
  stats(): IceConnectionStats {
    throw todo()
  }
  /** Releases sockets, timers and names. Idempotent and synchronous; no callback runs after it. */
  close(): void {}
}

function todo(): IceError {
  return new IceError('ERR_ICE_STATE', 'under construction')
}
