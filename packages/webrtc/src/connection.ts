/** What an `RTCPeerConnection` is inside: its slots and its states. */
import { defaultProvider, type CryptoProvider } from '@kaon/crypto'
import { createNetwork, type Network } from '@kaon/net'
import { createCertificate, RTCCertificate } from './certificate.ts'
import { DataChannels } from './channels.ts'
import type { Configuration } from './configuration.ts'
import type { DataChannelCore } from './data-channel-core.ts'
import { RTCDataChannelEvent } from './events.ts'
import type { Description } from './jsep/description.ts'
import { readTransport } from './jsep/sections.ts'
import { Session } from './jsep/session.ts'
import { Transceivers } from './rtp/transceivers.ts'
import { OperationsChain } from './operations-chain.ts'
import { deriveConnectionState, deriveIceConnectionState, deriveIceGatheringState } from './states.ts'
import type { ReceiverCore } from './rtp/receiver.ts'
import type { SenderCore } from './rtp/sender.ts'
import { StatsCollector } from './stats.ts'
import type { RTCStatsReport } from './stats-report.ts'
import { TaskQueue } from './task-queue.ts'
import type { DataMedia } from './data-media.ts'
import { Transports } from './transport/transports.ts'
import type { Trace } from './transport/settings.ts'
import type { RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState } from './types.ts'

/** Our `a=sctp-port`; RFC 8841 §5.1 has no other in use. */
export const SCTP_PORT = 5000
const DEFAULT_MAX_MESSAGE_SIZE = 262_144
/** Unsent bytes of one channel, as in Chromium; what is beyond is the application's mistake and would be its memory. */
const DEFAULT_SEND_BUFFER_SIZE = 16 * 1024 * 1024

let sharedNetwork: Network | undefined

/** This machine's network, opened when the first connection wants it. */
export function defaultNetwork(): Network {
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
  /** The application's listener, safe to be called in the middle of what it listens to. */
  readonly trace: Trace | undefined
  configuration: Configuration
  closed = false
  canTrickle: boolean | null = null
  readonly transports: Transports
  readonly transceivers: Transceivers
  /** `[[SctpTransport]]`: not null once a description with a data section is set. */
  data: DataMedia | null = null
  iceConnectionState: RTCIceConnectionState = 'new'
  iceGatheringState: RTCIceGatheringState = 'new'
  connectionState: RTCPeerConnectionState = 'new'
  #certificate: RTCCertificate | undefined
  #negotiationNeeded = false
  #updateNegotiationNeededOnEmptyChain = false
  /** Listeners that are being called from within a machine. */
  #guarded = 0
  #isReleased = false
  #stats: StatsCollector | undefined

  constructor(target: EventTarget, configuration: Configuration, network: Network) {
    this.target = target
    this.configuration = configuration
    this.network = network
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
    if (configuration.trace !== undefined) this.trace = this.guard(configuration.trace)
    this.transports = new Transports(this)
    this.transceivers = new Transceivers(this)
    this.channels = this.#createChannels()
  }

  /**
   * For listeners of the application that machines call in the middle of their work: what one throws is an uncaught
   * exception, as it is of event listeners, and breaks nothing below; it may call `close()`; and none is called afterwards.
   */
  guard<T>(listener: (value: T) => void): (value: T) => void {
    return (value) => {
      if (this.#isReleased) return
      this.#guarded++
      try {
        listener(value)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      } finally {
        this.#guarded--
      }
    }
  }

  /** Fires at the connection, or at one of its transports; not any more when a listener before has closed it. */
  fire(event: Event, target: EventTarget = this.target): void {
    if (this.closed) return
    this.trace?.({ layer: 'webrtc', name: event.type, data: this.#state(event.type) })
    if (!this.closed) target.dispatchEvent(event)
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
        get closed(): boolean {
          return connection.closed
        },
        get maxMessageSize(): number {
          return connection.data?.slots.maxMessageSize ?? Infinity
        },
        get maxBufferSize(): number {
          return connection.data?.slots.maxBufferSize ?? Infinity
        },
        queueTask: (task) => this.tasks.queue(task),
        transmit: (core) => {
          this.channels.noteUnsent(core)
          this.data?.transport.peer.scheduleDrain()
        },
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
      if (!this.session.negotiationNeeded && !this.transceivers.negotiationNeeded) {
        this.#negotiationNeeded = false
        return
      }
      if (this.#negotiationNeeded) return
      this.#negotiationNeeded = true
      this.fire(new Event('negotiationneeded'))
    })
  }

  /** What a description would show has changed. */
  negotiationMayBeNeeded(): void {
    this.session.revision++
    this.updateNegotiationNeeded()
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

  // -- the states of all transports

  deriveStates(): void {
    if (this.closed) return
    const transports = this.transports.all
    const ice = transports.map(({ iceSlots }) => iceSlots.state)
    this.iceConnectionState = deriveIceConnectionState(ice)
    this.connectionState = deriveConnectionState(
      ice,
      transports.map(({ dtlsSlots }) => dtlsSlots.state),
    )
    this.iceGatheringState = deriveIceGatheringState(transports.map(({ iceSlots }) => iceSlots.gatheringState))
  }

  /** After the set of transports changed. */
  updateStates(): void {
    const { iceConnectionState, connectionState, iceGatheringState } = this
    this.deriveStates()
    if (iceGatheringState !== this.iceGatheringState) this.fire(new Event('icegatheringstatechange'))
    if (iceConnectionState !== this.iceConnectionState) this.fire(new Event('iceconnectionstatechange'))
    if (connectionState !== this.connectionState) this.fire(new Event('connectionstatechange'))
  }

  /** Data was refused or ended: its channels end with it. */
  discardData(): void {
    const { data } = this
    this.data = null
    if (data !== null) {
      data.slots.state = 'closed'
      data.transport.peer.stopSctp()
    }
    this.channels.stop()
  }

  /** The remote side's word on trickling (RFC 9429 §4.1.17). */
  updateCanTrickle(description: Description): void {
    const { model } = description
    this.canTrickle = model.media.some((section) => readTransport(model, section).trickle)
  }

  /** A snapshot, of all or of what concerns a sender or receiver. */
  stats(selector: SenderCore | ReceiverCore | undefined): RTCStatsReport {
    this.#stats ??= new StatsCollector(this)
    return this.#stats.collect(selector)
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
    this.transceivers.close()
    this.iceConnectionState = 'closed'
    this.connectionState = 'closed'
    // A machine that is at work finishes first.
    if (this.#guarded > 0) queueMicrotask(() => this.transports.close())
    else this.transports.close()
    this.transports.closeSlots()
    if (this.data !== null) this.data.slots.state = 'closed'
    this.#isReleased = true
  }
}

/** RFC 9429 §5.2.1: 64 random bits, the highest of them zero. */
function sessionId(crypto: CryptoProvider): string {
  let id = 0n
  for (const byte of crypto.random(8)) id = (id << 8n) | BigInt(byte)
  return (id & 0x7fffffffffffffffn).toString()
}
