/** A transport as the application sees it: its ICE and DTLS objects over one driver. */
import type { Candidate } from '@kaon/ice'
import { formatCandidate, parseCandidate } from '@kaon/ice'
import { IceConnection, type CandidateError, type SelectedCandidatePair } from '@kaon/ice/driver'
import type { ChannelEvent } from '@kaon/datachannel'
import type { Configuration } from '../configuration.ts'
import { RTCDtlsTransport, type DtlsTransportSlots } from '../dtls-transport.ts'
import {
  exposeCandidate,
  exposePair,
  type CandidateOrigin,
  type RTCIceCandidate,
  type RTCIceCandidatePair,
} from '../ice-candidate.ts'
import { createIceTransportSlots, RTCIceTransport, type IceTransportSlots } from '../ice-transport.ts'
import { MAX_CANDIDATES } from '../jsep/description.ts'
import { sameCredentials, type IceCredentials, type TransportDescription } from '../jsep/sections.ts'
import type { Network } from '@kaon/net'
import type { RTCDtlsTransportState, RTCIceTransportState } from '../types.ts'
import { INTERNAL } from '../webidl.ts'
import { PeerTransport } from './peer-transport.ts'

/** Local candidates of one ICE generation, as attribute values. */
export interface Generation {
  readonly usernameFragment: string
  readonly candidates: string[]
  complete: boolean
}

export interface RemoteIce extends IceCredentials {
  readonly iceLite: boolean
  readonly renomination: boolean
  readonly pacing: number | undefined
  /** Attribute values. */
  readonly candidates: readonly string[]
  readonly endOfCandidates: boolean
}

/** What the transport reports to the connection. Called outside of tasks: the connection queues them. */
export interface TransportObserver {
  gatheringStarted(): void
  /** Undefined when a generation is complete. */
  candidateGathered(candidate: Candidate | undefined, usernameFragment: string): void
  candidateError(error: CandidateError): void
  iceChanged(change: { state?: RTCIceTransportState; pair?: SelectedCandidatePair | null }): void
  roleChanged(): void
  dtlsStateChanged(state: RTCDtlsTransportState): void
  channelEvent(event: ChannelEvent): void
  drained(): void
}

export class Transport {
  readonly ice: IceConnection
  readonly peer: PeerTransport
  readonly iceSlots: IceTransportSlots = createIceTransportSlots()
  readonly dtlsSlots: DtlsTransportSlots = { state: 'new', remoteCertificates: [] }
  readonly iceTransport: RTCIceTransport
  readonly dtlsTransport: RTCDtlsTransport
  /** The section that stands for the transport in the descriptions, the tagged one of its BUNDLE group: its mid and its index. */
  mid = ''
  index = 0
  /** The servers or the policy changed since the last gathering began (RFC 9429 §4.1.18). */
  needsRestart = false
  generation: Generation
  /** What the peer's certificate was announced with when DTLS started. */
  remoteFingerprints: TransportDescription | undefined
  #next: IceCredentials | undefined
  #remote: IceCredentials | undefined
  readonly #fed = new Set<string>()
  #dtlsState: RTCDtlsTransportState = 'new'
  #gathering = false

  /** `credentials` are those of the connection's other transports, with which this one shares them. */
  constructor(
    configuration: Configuration,
    network: Network,
    observer: TransportObserver,
    credentials: IceCredentials | undefined,
  ) {
    const { crypto, trace } = configuration
    const { onUnhandledDatagram, ...ice } = configuration.ice ?? {}
    this.ice = new IceConnection({
      ...ice,
      network,
      iceServers: configuration.usableServers,
      iceTransportPolicy: configuration.iceTransportPolicy,
      ...(crypto === undefined ? {} : { crypto }),
      ...(trace === undefined ? {} : { trace }),
    })
    this.ice.onUnhandledDatagram = onUnhandledDatagram
    if (credentials !== undefined) this.ice.restart({ ...credentials })
    this.generation = { ...this.#localGeneration(), candidates: [], complete: false }
    this.peer = new PeerTransport(
      { network, crypto, ice: this.ice, dtls: configuration.dtls, sctp: configuration.sctp, trace },
      {
        dtlsStateChanged: () => this.#dtlsStateChanged(observer),
        channelEvent: (event) => observer.channelEvent(event),
        drained: () => observer.drained(),
      },
    )
    this.iceTransport = new RTCIceTransport(INTERNAL, this.iceSlots)
    this.dtlsTransport = new RTCDtlsTransport(INTERNAL, this.iceTransport, this.dtlsSlots)
    this.#listen(observer)
  }

  #listen(observer: TransportObserver): void {
    const { ice } = this
    ice.onGatheringStateChange = (state) => {
      if (state === 'gathering') observer.gatheringStarted()
    }
    ice.onCandidate = (candidate) => {
      const { generation } = this
      if (candidate === undefined) generation.complete = true
      else generation.candidates.push(attributeValue(candidate))
      observer.candidateGathered(candidate, generation.usernameFragment)
    }
    ice.onCandidateError = (error) => observer.candidateError(error)
    let interrupted = false
    ice.onStateChange = (state) => {
      observer.iceChanged({ state })
      this.peer.writable()
      if (state === 'disconnected' || state === 'failed') interrupted = true
      if (interrupted && (state === 'connected' || state === 'completed')) {
        interrupted = false
        this.peer.pathChanged()
      }
    }
    ice.onSelectedPairChange = (pair) => {
      observer.iceChanged({ pair: pair ?? null })
      if (pair !== undefined) this.peer.pathChanged()
    }
    ice.onRoleChange = () => observer.roleChanged()
  }

  #localGeneration(): { usernameFragment: string } {
    return { usernameFragment: this.ice.localParameters.usernameFragment }
  }

  get origin(): CandidateOrigin {
    return { mid: this.mid, index: this.index, usernameFragment: this.generation.usernameFragment }
  }

  get credentials(): IceCredentials {
    const { usernameFragment, password } = this.ice.localParameters
    return { usernameFragment, password }
  }

  /** Credentials for a description that restarts ICE, the same until one with them is applied. */
  nextCredentials(generate: () => IceCredentials): IceCredentials {
    this.#next ??= generate()
    return this.#next
  }

  /** A local description is applied: gathers, anew when its credentials are new ones. */
  applyLocal(credentials: IceCredentials, current: IceCredentials | undefined): void {
    this.iceSlots.localParameters = { ...credentials }
    const own = this.credentials
    if (!sameCredentials(credentials, own) && !sameCredentials(credentials, current)) {
      this.ice.restart(credentials)
      this.#next = undefined
      this.needsRestart = false
      this.generation = { ...this.#localGeneration(), candidates: [], complete: false }
    }
    this.gather()
  }

  /** For the next gathering phase. */
  setServers(now: Configuration, before: Configuration): void {
    const changed =
      now.iceTransportPolicy !== before.iceTransportPolicy ||
      JSON.stringify(now.usableServers) !== JSON.stringify(before.usableServers)
    if (!changed) return
    this.ice.setServers(now.usableServers, now.iceTransportPolicy)
    if (this.#gathering) this.needsRestart = true
  }

  gather(): void {
    this.#gathering = true
    this.ice.gather()
  }

  get gatheringBegan(): boolean {
    return this.#gathering
  }

  /** The peer's side was agreed on. */
  applyRemote(remote: RemoteIce): void {
    const { usernameFragment, password, iceLite, renomination, pacing } = remote
    if (!sameCredentials(this.#remote, remote)) {
      this.#remote = { usernameFragment, password }
      this.#fed.clear()
      this.iceSlots.remoteParameters = { usernameFragment, password }
      this.iceSlots.remoteCandidates = []
      this.ice.setRemoteParameters({
        usernameFragment,
        password,
        iceLite,
        renomination,
        ...(pacing === undefined ? {} : { pacing }),
      })
    }
    for (const candidate of remote.candidates) this.addRemoteCandidate(candidate)
    if (remote.endOfCandidates) this.endRemoteCandidates()
  }

  get remoteUsernameFragment(): string | undefined {
    return this.#remote?.usernameFragment
  }

  addRemoteCandidate(value: string): void {
    if (this.#fed.has(value) || this.#fed.size > MAX_CANDIDATES) return
    const candidate = parseCandidate(value)
    if (candidate === undefined) return
    this.#fed.add(value)
    this.iceSlots.remoteCandidates.push(this.exposeRemote(candidate))
    this.ice.addRemoteCandidate(candidate)
  }

  endRemoteCandidates(): void {
    if (this.#fed.has('')) return
    this.#fed.add('')
    this.ice.addRemoteCandidate(undefined)
  }

  exposeRemote(candidate: Candidate): RTCIceCandidate {
    return exposeCandidate(candidate, {
      mid: this.mid,
      index: this.index,
      usernameFragment: candidate.usernameFragment ?? this.#remote?.usernameFragment ?? '',
    })
  }

  exposePair(pair: SelectedCandidatePair): RTCIceCandidatePair {
    return exposePair(exposeCandidate(pair.local, this.origin), this.exposeRemote(pair.remote))
  }

  #dtlsStateChanged(observer: TransportObserver): void {
    const state = this.peer.dtls?.state ?? 'new'
    if (state === this.#dtlsState) return
    this.#dtlsState = state
    observer.dtlsStateChanged(state)
  }

  /** What scripts see. */
  closeSlots(): void {
    this.iceSlots.state = 'closed'
    this.dtlsSlots.state = 'closed'
  }

  close(): void {
    this.closeSlots()
    this.peer.close()
  }
}

/** What stands behind `a=candidate:`. */
export function attributeValue(candidate: Candidate): string {
  return formatCandidate(candidate).replace(/^candidate:/, '')
}
