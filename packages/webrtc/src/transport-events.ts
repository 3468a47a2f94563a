/** What the transport tells becomes tasks, states and events: W3C WebRTC 1.0 §5.5, §5.6 and §6.1.1. */
import type { ChannelEvent } from '@kaon/datachannel'
import type { Candidate } from '@kaon/ice'
import type { MediaSection } from '@kaon/sdp'
import type { CandidateError, SelectedCandidatePair } from '@kaon/ice/driver'
import type { Connection } from './connection.ts'
import type { DataMedia } from './data-media.ts'
import { RTCErrorEvent, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent } from './events.ts'
import { exposeCandidate } from './ice-candidate.ts'
import type { Description } from './jsep/description.ts'
import type { IceCredentials } from './jsep/sections.ts'
import { attributeValue, Transport, type TransportObserver } from './transport/transport.ts'
import { toDtlsError } from './transport/dtls-error.ts'
import type { IceSettings } from './transport/settings.ts'
import type { RTCDtlsTransportState, RTCIceGatheringState, RTCIceTransportState } from './types.ts'

interface IceChange {
  state?: RTCIceTransportState
  pair?: SelectedCandidatePair | null
}

/** A transport of a connection with its events. A rollback may replace both; what is queued for the old one is dropped. */
export class TransportEvents implements TransportObserver {
  readonly transport: Transport
  readonly #connection: Connection
  readonly #iceChanges: IceChange[] = []
  #early: { usernameFragment: string; task: () => void }[] = []

  constructor(connection: Connection, credentials: IceCredentials | undefined) {
    this.#connection = connection
    const { configuration, network, trace } = connection
    const keyLog = configuration.dtls?.keyLog
    const dtls = keyLog === undefined ? configuration.dtls : { ...configuration.dtls, keyLog: connection.guard(keyLog) }
    const ice = this.#guardHook(configuration.ice)
    this.transport = new Transport({ ...configuration, dtls, ice, trace }, network, this, credentials)
  }

  #guardHook(ice: IceSettings | undefined): IceSettings | undefined {
    const hook = ice?.onUnhandledDatagram
    if (hook === undefined) return ice
    const guarded = this.#connection.guard(([datagram, from]: Parameters<typeof hook>) => hook(datagram, from))
    return { ...ice, onUnhandledDatagram: (datagram, from) => guarded([datagram, from]) }
  }

  #task(task: () => void): void {
    this.#connection.tasks.queue(() => {
      if (this.#connection.transports.has(this.transport)) task()
    })
  }

  // -- gathering

  gatheringStarted(): void {
    const { usernameFragment } = this.transport.generation
    this.#task(() => this.#whenShown(usernameFragment, () => this.#gatheringChanged('gathering')))
  }

  candidateGathered(candidate: Candidate | undefined, usernameFragment: string): void {
    if (candidate !== undefined) {
      this.#task(() => this.#whenShown(usernameFragment, () => this.#surface(candidate, usernameFragment)))
      return
    }
    this.#task(() => this.#whenShown(usernameFragment, () => this.#generationComplete(usernameFragment)))
    const finish = (): void => {
      if (!this.transport.generation.complete) return // another generation is being gathered
      this.#gatheringChanged('complete')
      if (this.#connection.iceGatheringState !== 'complete') return // another transport is at it
      this.#connection.fire(new RTCPeerConnectionIceEvent('icecandidate', { candidate: null }))
    }
    this.#task(() => this.#whenShown(usernameFragment, finish))
  }

  candidateError(error: CandidateError): void {
    this.#task(() => this.#connection.fire(new RTCPeerConnectionIceErrorEvent('icecandidateerror', error)))
  }

  /** The descriptions that show a generation of ours, each with the section that does. */
  *#localSections(usernameFragment: string): Generator<[Description, MediaSection]> {
    const { pendingLocal, currentLocal } = this.#connection.session
    for (const description of [pendingLocal, currentLocal]) {
      const section = description?.section(this.transport.mid)
      if (section !== undefined && section.iceUfrag === usernameFragment) yield [description!, section]
    }
  }

  /**
   * Runs a task about a generation once a local description shows it. What comes before that, since candidates are
   * gathered into a pool, is early: `releaseEarly` brings it.
   */
  #whenShown(usernameFragment: string, task: () => void): void {
    const shown = !this.#localSections(usernameFragment).next().done
    const waiting = this.#early.some((early) => early.usernameFragment === usernameFragment)
    if (shown && !waiting) task()
    else this.#early.push({ usernameFragment, task })
  }

  /** "Release early candidates". */
  releaseEarly(): void {
    for (const { usernameFragment, task } of this.#early.splice(0)) {
      // A generation that was given up before it was shown never will be.
      if (usernameFragment !== this.transport.generation.usernameFragment) continue
      this.#task(() => this.#whenShown(usernameFragment, task))
    }
  }

  /** "Surface the candidate". */
  #surface(candidate: Candidate, usernameFragment: string): void {
    const value = attributeValue(candidate)
    for (const [description, section] of this.#localSections(usernameFragment)) {
      if (!section.attributes('candidate').includes(value)) description.addCandidate(section, value, true)
    }
    const exposed = exposeCandidate(candidate, { ...this.transport.origin, usernameFragment })
    this.transport.iceSlots.localCandidates.push(exposed)
    const init = { candidate: exposed, url: candidate.url ?? null }
    this.#connection.fire(new RTCPeerConnectionIceEvent('icecandidate', init))
  }

  #generationComplete(usernameFragment: string): void {
    for (const [description, section] of this.#localSections(usernameFragment)) description.endCandidates(section)
    const candidate = exposeCandidate(undefined, { ...this.transport.origin, usernameFragment })
    this.#connection.fire(new RTCPeerConnectionIceEvent('icecandidate', { candidate }))
  }

  #gatheringChanged(state: RTCIceGatheringState): void {
    const connection = this.#connection
    const { iceSlots, iceTransport } = this.transport
    if (iceSlots.gatheringState === state) return
    iceSlots.gatheringState = state
    if (state === 'gathering') iceSlots.localCandidates = []
    const { iceGatheringState } = connection
    connection.deriveStates()
    const changed = connection.iceGatheringState !== iceGatheringState
    connection.fire(new Event('gatheringstatechange'), iceTransport)
    if (changed) connection.fire(new Event('icegatheringstatechange'))
  }

  // -- ICE

  /** The selected pair and the state are handled in one task when they changed together. */
  iceChanged(change: IceChange): void {
    const last = this.#iceChanges.at(-1)
    if (last !== undefined && !Object.keys(change).some((key) => key in last)) {
      Object.assign(last, change)
      return
    }
    this.#iceChanges.push(change)
    this.#task(() => this.#applyIceChange(this.#iceChanges.shift()!))
  }

  #applyIceChange({ state, pair }: IceChange): void {
    const connection = this.#connection
    const { iceSlots, iceTransport } = this.transport
    const stateChanged = state !== undefined && state !== iceSlots.state
    if (pair !== undefined) iceSlots.selectedPair = pair === null ? null : this.transport.exposePair(pair)
    if (stateChanged) iceSlots.state = state
    const { iceConnectionState, connectionState } = connection
    connection.deriveStates()
    const iceConnectionChanged = connection.iceConnectionState !== iceConnectionState
    const connectionChanged = connection.connectionState !== connectionState
    if (pair !== undefined) connection.fire(new Event('selectedcandidatepairchange'), iceTransport)
    if (stateChanged) connection.fire(new Event('statechange'), iceTransport)
    if (iceConnectionChanged) connection.fire(new Event('iceconnectionstatechange'))
    if (connectionChanged) connection.fire(new Event('connectionstatechange'))
  }

  roleChanged(): void {
    this.#task(() => (this.transport.iceSlots.role = this.transport.ice.role))
  }

  // -- DTLS and SCTP

  dtlsStateChanged(state: RTCDtlsTransportState): void {
    this.#task(() => this.#applyDtlsState(state))
  }

  #applyDtlsState(state: RTCDtlsTransportState): void {
    const connection = this.#connection
    const { dtlsSlots, dtlsTransport, peer } = this.transport
    if (dtlsSlots.state === state) return
    dtlsSlots.state = state
    if (state === 'connected') dtlsSlots.remoteCertificates = peer.dtls?.remoteCertificates ?? []
    // The connection's own state first: whoever hears of one finds the other to match.
    const { connectionState } = connection
    connection.deriveStates()
    const connectionChanged = connection.connectionState !== connectionState
    if (state === 'failed') {
      connection.fire(new RTCErrorEvent('error', { error: toDtlsError(peer.dtlsError) }), dtlsTransport)
    }
    connection.fire(new Event('statechange'), dtlsTransport)
    if (connectionChanged) connection.fire(new Event('connectionstatechange'))
  }

  channelEvent(event: ChannelEvent): void {
    // The transport's own event comes before those of its channels when it begins, and after them when it ends.
    if (event.type === 'connected') this.#task(() => this.#sctpConnected())
    this.#connection.channels.handle(event)
    if (event.type === 'ended') this.#task(() => this.#sctpClosed())
  }

  get #data(): DataMedia | undefined {
    const { data } = this.#connection
    return data?.transport === this.transport ? data : undefined
  }

  #sctpConnected(): void {
    const data = this.#data
    if (data === undefined) return
    const { slots, sctpTransport } = data
    const negotiated = this.transport.peer.association?.negotiated
    if (negotiated !== undefined) {
      slots.maxChannels = Math.min(negotiated.inboundStreams, negotiated.outboundStreams)
    }
    slots.state = 'connected'
    this.#connection.fire(new Event('statechange'), sctpTransport)
  }

  #sctpClosed(): void {
    const data = this.#data
    if (data === undefined || data.slots.state === 'closed') return
    data.slots.state = 'closed'
    this.#connection.fire(new Event('statechange'), data.sctpTransport)
  }

  drained(): void {
    this.#connection.channels.updateBufferedAmounts()
  }
}
