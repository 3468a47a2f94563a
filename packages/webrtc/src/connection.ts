/** What an `RTCPeerConnection` is inside: its slots, its states, and what its transport tells. */
import { defaultProvider, type CryptoProvider } from '@kaon/crypto'
import type { Candidate } from '@kaon/ice'
import type { SelectedCandidatePair } from '@kaon/ice/driver'
import { createNetwork, type Network } from '@kaon/net'
import { createCertificate, RTCCertificate } from './certificate.ts'
import { DataChannels } from './channels.ts'
import type { Configuration } from './configuration.ts'
import type { DataChannelCore } from './data-channel-core.ts'
import {
  RTCDataChannelEvent,
  RTCErrorEvent,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
} from './events.ts'
import { exposeCandidate } from './ice-candidate.ts'
import type { Description } from './jsep/description.ts'
import { readTransport } from './jsep/sections.ts'
import { Session } from './jsep/session.ts'
import { OperationsChain } from './operations-chain.ts'
import { RTCError } from './rtc-error.ts'
import { deriveConnectionState, deriveIceConnectionState } from './states.ts'
import { TaskQueue } from './task-queue.ts'
import { attributeValue, DataTransport } from './transport/data-transport.ts'
import { toDtlsError } from './transport/dtls-error.ts'
import type {
  RTCDtlsTransportState,
  RTCIceConnectionState,
  RTCIceGatheringState,
  RTCIceTransportState,
  RTCPeerConnectionState,
} from './types.ts'

/** Our `a=sctp-port`; RFC 8841 §5.1 has no other in use. */
export const SCTP_PORT = 5000
const DEFAULT_MAX_MESSAGE_SIZE = 262_144
/** Unsent bytes of one channel, as in Chromium; what is beyond is the application's mistake and would be its memory. */
const DEFAULT_SEND_BUFFER_SIZE = 16 * 1024 * 1024

let sharedNetwork: Network | undefined

/** This machine's network, opened when the first connection wants it. */
function defaultNetwork(): Network {
  return (sharedNetwork ??= createNetwork())
}

export class Connection {
  readonly target: EventTarget
  readonly network: Network
  readonly crypto: CryptoProvider
  readonly tasks: TaskQueue
  readonly chain: OperationsChain
  readonly session: Session
  readonly channels: DataChannels
  readonly maxMessageSize: number
  readonly sendBufferSize: number
  configuration: Configuration
  closed = false
  canTrickle: boolean | null = null
  /** Exists from the first offer or answer on; `[[SctpTransport]]` once a description with it is set. */
  transport: DataTransport | null = null
  sctpActive = false
  iceConnectionState: RTCIceConnectionState = 'new'
  iceGatheringState: RTCIceGatheringState = 'new'
  connectionState: RTCPeerConnectionState = 'new'
  #certificate: RTCCertificate | undefined
  #negotiationNeeded = false
  #updateNegotiationNeededOnEmptyChain = false
  #iceChanges: { state?: RTCIceTransportState; pair?: SelectedCandidatePair | null }[] = []

  constructor(target: EventTarget, configuration: Configuration) {
    this.target = target
    this.configuration = configuration
    this.network = configuration.net ?? defaultNetwork()
    this.crypto = configuration.crypto ?? defaultProvider
    this.tasks = new TaskQueue(this.network)
    this.chain = new OperationsChain(() => this.#chainIsEmpty())
    this.maxMessageSize = configuration.sctp?.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE
    this.sendBufferSize = configuration.sctp?.sendBufferSize ?? DEFAULT_SEND_BUFFER_SIZE
    this.session = new Session({
      sessionId: sessionId(this.crypto),
      sctpPort: SCTP_PORT,
      maxMessageSize: this.maxMessageSize,
    })
    this.channels = this.#createChannels()
  }

  fire(event: Event): void {
    this.configuration.trace?.({ layer: 'webrtc', name: event.type, data: this.#state(event.type) })
    this.target.dispatchEvent(event)
  }

  /** What a state change changed to, for the trace. */
  #state(type: string): string | undefined {
    switch (type) {
      case 'signalingstatechange':
        return this.session.signalingState
      case 'icegatheringstatechange':
        return this.iceGatheringState
      case 'iceconnectionstatechange':
        return this.iceConnectionState
      case 'connectionstatechange':
        return this.connectionState
      default:
        return undefined
    }
  }

  #createChannels(): DataChannels {
    // The getters read the connection; the object is made once and serves every channel.
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const connection = this
    return new DataChannels(
      {
        get now(): number {
          return connection.network.now()
        },
        get maxMessageSize(): number {
          return connection.transport?.sctpSlots.maxMessageSize ?? Infinity
        },
        get maxBufferSize(): number {
          return connection.transport?.sctpSlots.maxBufferSize ?? Infinity
        },
        queueTask: (task) => this.tasks.queue(task),
        transmit: () => this.transport?.peer.scheduleDrain(),
        forget: (core) => this.channels.cores.delete(core),
      },
      (core: DataChannelCore) => this.fire(new RTCDataChannelEvent('datachannel', { channel: core.facade })),
    )
  }

  /** The first of the configured certificates, or one made for this connection. */
  get certificate(): RTCCertificate {
    this.#certificate ??=
      this.configuration.certificates[0] ??
      createCertificate(this.network.wallClock(), undefined, undefined, this.crypto)
    return this.#certificate
  }

  get hasCertificate(): boolean {
    return this.#certificate !== undefined
  }

  // -- negotiation-needed (§4.7.3)

  updateNegotiationNeeded(): void {
    if (this.#deferNegotiationNeeded()) return
    this.tasks.queue(() => {
      if (this.#deferNegotiationNeeded()) return
      if (this.session.signalingState !== 'stable') return
      if (!this.session.negotiationNeeded) {
        this.#negotiationNeeded = false
        return
      }
      if (this.#negotiationNeeded) return
      this.#negotiationNeeded = true
      this.fire(new Event('negotiationneeded'))
    })
  }

  #deferNegotiationNeeded(): boolean {
    if (this.chain.length === 0) return false
    this.#updateNegotiationNeededOnEmptyChain = true
    return true
  }

  #chainIsEmpty(): void {
    if (!this.#updateNegotiationNeededOnEmptyChain) return
    this.#updateNegotiationNeededOnEmptyChain = false
    this.updateNegotiationNeeded()
  }

  clearNegotiationNeeded(): void {
    this.#negotiationNeeded = false
  }

  // -- the transport

  ensureTransport(): DataTransport {
    this.transport ??= this.#createTransport()
    return this.transport
  }

  #createTransport(): DataTransport {
    const transport: DataTransport = new DataTransport(this.configuration, this.network, {
      gatheringStarted: () => {
        const { usernameFragment } = transport.generation
        this.#task(transport, () => this.#whenShown(usernameFragment, () => this.#gatheringChanged('gathering')))
      },
      candidateGathered: (candidate, usernameFragment) => {
        const surface = (): void =>
          candidate === undefined
            ? this.#generationComplete(usernameFragment)
            : this.#surfaceCandidate(candidate, usernameFragment)
        this.#task(transport, () => this.#whenShown(usernameFragment, surface))
        if (candidate !== undefined) return
        const finish = (): void => {
          if (!transport.generation.complete) return // another generation is being gathered
          this.#gatheringChanged('complete')
          this.fire(new RTCPeerConnectionIceEvent('icecandidate', { candidate: null }))
        }
        this.#task(transport, () => this.#whenShown(usernameFragment, finish))
      },
      candidateError: (error) =>
        this.#task(transport, () => this.fire(new RTCPeerConnectionIceErrorEvent('icecandidateerror', error))),
      iceChanged: (change) => this.#queueIceChange(transport, change),
      roleChanged: () => this.#task(transport, () => (transport.iceSlots.role = transport.ice.role)),
      dtlsStateChanged: (state) => this.#task(transport, () => this.#dtlsChanged(transport, state)),
      channelEvent: (event) => {
        if (event.type === 'connected') this.#task(transport, () => this.#sctpConnected(transport))
        this.channels.handle(event)
        if (event.type === 'ended') this.#task(transport, () => this.#sctpClosed(transport))
      },
      drained: () => this.channels.updateBufferedAmounts(),
    })
    return transport
  }

  /** A task on behalf of a transport, unless a rollback has replaced it meanwhile. */
  #task(transport: DataTransport, task: () => void): void {
    this.tasks.queue(() => {
      if (this.transport === transport) task()
    })
  }

  /** Gives the transport up with everything on it; `channels` keep waiting unless they are stopped too. */
  discardTransport(): void {
    const { transport } = this
    this.transport = null
    this.sctpActive = false
    this.#iceChanges = []
    this.#early = []
    transport?.close()
  }

  /** The descriptions that show a generation of ours, each with the section that does. */
  *#localSections(usernameFragment: string): Generator<[Description, NonNullable<Description['data']>]> {
    for (const description of [this.session.pendingLocal, this.session.currentLocal]) {
      const section = description?.data
      if (section !== undefined && section.iceUfrag === usernameFragment) yield [description!, section]
    }
  }

  /**
   * Runs a task about a generation once a local description shows it. What comes before that, since candidates are
   * gathered into a pool, is early: `releaseEarlyCandidates` brings it.
   */
  #whenShown(usernameFragment: string, task: () => void): void {
    const shown = !this.#localSections(usernameFragment).next().done
    const waiting = this.#early.some((early) => early.usernameFragment === usernameFragment)
    if (shown && !waiting) task()
    else this.#early.push({ usernameFragment, task })
  }

  #early: { usernameFragment: string; task: () => void }[] = []

  releaseEarlyCandidates(): void {
    const { transport } = this
    if (transport === null) return
    for (const { usernameFragment, task } of this.#early.splice(0)) {
      // A generation that was given up before it was shown never will be.
      if (usernameFragment !== transport.generation.usernameFragment) continue
      this.#task(transport, () => this.#whenShown(usernameFragment, task))
    }
  }

  /** "Surface the candidate". */
  #surfaceCandidate(candidate: Candidate, usernameFragment: string): void {
    const transport = this.transport!
    const value = attributeValue(candidate)
    for (const [description, section] of this.#localSections(usernameFragment)) {
      if (!section.attributes('candidate').includes(value)) description.addCandidate(section, value, true)
    }
    const exposed = exposeCandidate(candidate, { ...transport.origin, usernameFragment })
    transport.iceSlots.localCandidates.push(exposed)
    this.fire(new RTCPeerConnectionIceEvent('icecandidate', { candidate: exposed, url: candidate.url ?? null }))
  }

  #generationComplete(usernameFragment: string): void {
    for (const [description, section] of this.#localSections(usernameFragment)) description.endCandidates(section)
    const origin = { ...this.transport!.origin, usernameFragment }
    this.fire(new RTCPeerConnectionIceEvent('icecandidate', { candidate: exposeCandidate(undefined, origin) }))
  }

  #gatheringChanged(state: RTCIceGatheringState): void {
    const transport = this.transport!
    if (transport.iceSlots.gatheringState === state) return
    transport.iceSlots.gatheringState = state
    if (state === 'gathering') transport.iceSlots.localCandidates = []
    const changed = this.iceGatheringState !== state
    this.iceGatheringState = state
    transport.iceTransport.dispatchEvent(new Event('gatheringstatechange'))
    if (changed) this.fire(new Event('icegatheringstatechange'))
  }

  /** The selected pair and the state are handled in one task when they changed together. */
  #queueIceChange(
    transport: DataTransport,
    change: { state?: RTCIceTransportState; pair?: SelectedCandidatePair | null },
  ): void {
    const last = this.#iceChanges.at(-1)
    if (last !== undefined && !Object.keys(change).some((key) => key in last)) {
      Object.assign(last, change)
      return
    }
    this.#iceChanges.push(change)
    this.#task(transport, () => {
      const next = this.#iceChanges.shift()
      if (next !== undefined) this.#iceChanged(transport, next)
    })
  }

  #iceChanged(
    transport: DataTransport,
    change: { state?: RTCIceTransportState; pair?: SelectedCandidatePair | null },
  ): void {
    const { iceSlots, iceTransport } = transport
    const stateChanged = change.state !== undefined && change.state !== iceSlots.state
    if (change.pair !== undefined)
      iceSlots.selectedPair = change.pair === null ? null : transport.exposePair(change.pair)
    if (stateChanged) iceSlots.state = change.state!
    const iceBefore = this.iceConnectionState
    const before = this.connectionState
    this.#deriveStates()
    if (change.pair !== undefined) iceTransport.dispatchEvent(new Event('selectedcandidatepairchange'))
    if (stateChanged) iceTransport.dispatchEvent(new Event('statechange'))
    // A listener may have closed the connection.
    if (iceBefore !== this.iceConnectionState && !this.closed) this.fire(new Event('iceconnectionstatechange'))
    if (before !== this.connectionState && !this.closed) this.fire(new Event('connectionstatechange'))
  }

  #deriveStates(): void {
    if (this.closed) return
    const ice = this.sctpActive ? this.transport?.iceSlots.state : undefined
    const dtls = this.sctpActive ? this.transport?.dtlsSlots.state : undefined
    this.iceConnectionState = deriveIceConnectionState(ice)
    this.connectionState = deriveConnectionState(ice, dtls)
  }

  /** After the set of transports changed. */
  updateStates(): void {
    const { iceConnectionState, connectionState, iceGatheringState } = this
    this.#deriveStates()
    this.iceGatheringState = (this.sctpActive ? this.transport?.iceSlots.gatheringState : undefined) ?? 'new'
    if (iceGatheringState !== this.iceGatheringState) this.fire(new Event('icegatheringstatechange'))
    if (iceConnectionState !== this.iceConnectionState && !this.closed) this.fire(new Event('iceconnectionstatechange'))
    if (connectionState !== this.connectionState && !this.closed) this.fire(new Event('connectionstatechange'))
  }

  #dtlsChanged(transport: DataTransport, state: RTCDtlsTransportState): void {
    const { dtlsSlots, dtlsTransport, peer } = transport
    if (dtlsSlots.state === state) return
    dtlsSlots.state = state
    if (state === 'connected') dtlsSlots.remoteCertificates = peer.dtls?.remoteCertificates ?? []
    // The connection's own state first: whoever hears of one finds the other to match.
    const before = this.connectionState
    this.#deriveStates()
    if (state === 'failed') {
      const error: RTCError = toDtlsError(peer.dtlsError)
      dtlsTransport.dispatchEvent(new RTCErrorEvent('error', { error }))
    }
    dtlsTransport.dispatchEvent(new Event('statechange'))
    if (before !== this.connectionState && !this.closed) this.fire(new Event('connectionstatechange'))
  }

  #sctpConnected(transport: DataTransport): void {
    const negotiated = transport.peer.association?.negotiated
    const { sctpSlots, sctpTransport } = transport
    if (negotiated !== undefined) {
      sctpSlots.maxChannels = Math.min(negotiated.inboundStreams, negotiated.outboundStreams)
    }
    sctpSlots.state = 'connected'
    sctpTransport.dispatchEvent(new Event('statechange'))
  }

  #sctpClosed(transport: DataTransport): void {
    if (transport.sctpSlots.state === 'closed') return
    transport.sctpSlots.state = 'closed'
    transport.sctpTransport.dispatchEvent(new Event('statechange'))
  }

  /** The remote side's word on trickling (RFC 9429 §4.1.17). */
  updateCanTrickle(description: Description): void {
    const { model } = description
    this.canTrickle = model.media.some((section) => readTransport(model, section).trickle)
  }

  // -- the end

  /** §4.4.2: silent, idempotent, and releases everything. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.session.close()
    this.tasks.close()
    this.chain.close()
    this.channels.abandon()
    this.transport?.close()
    this.iceConnectionState = 'closed'
    this.connectionState = 'closed'
  }
}

/** RFC 9429 §5.2.1: 64 random bits, the highest of them zero. */
function sessionId(crypto: CryptoProvider): string {
  let id = 0n
  for (const byte of crypto.random(8)) id = (id << 8n) | BigInt(byte)
  return (id & 0x7fffffffffffffffn).toString()
}
