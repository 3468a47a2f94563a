import { padded, readUint32 } from '../bytes.ts'
import { SctpError } from '../errors.ts'
import type { SctpEvent } from '../events.ts'
import { encodeAbort, encodeError } from '../packet/abort.ts'
import { COMMON_HEADER_SIZE } from '../packet/common-header.ts'
import { PacketWriter } from '../packet/writer.ts'
import { OUT_OF_RESOURCE, plainCause, PROTOCOL_VIOLATION } from '../parameter/cause.ts'
import type { Capabilities } from '../parameter/capabilities.ts'
import { Ring } from '../ring.ts'
import { ReceiveWindow } from '../rx/receive-window.ts'
import { Receiver } from '../rx/receiver.ts'
import { createStats } from '../stats.ts'
import type { AssociationStats } from '../stats.ts'
import { RetransmissionTimeout } from '../tx/rto.ts'
import { SendQueue } from '../tx/send-queue.ts'
import { Sender } from '../tx/sender.ts'
import type { Settings } from './settings.ts'

/** States of RFC 9260 §4; `closed` is both the first and the last. */
export type AssociationState =
  | 'closed'
  | 'cookie-wait'
  | 'cookie-echoed'
  | 'established'
  | 'shutdown-pending'
  | 'shutdown-sent'
  | 'shutdown-received'
  | 'shutdown-ack-sent'

/** What the handshake settled. */
export interface Negotiated {
  /** Streams that we may send on: ids below this. */
  readonly outboundStreams: number
  readonly inboundStreams: number
  /** I-DATA both ways (RFC 8260). */
  readonly interleaving: boolean
  readonly partialReliability: boolean
  /** RE-CONFIG both ways (RFC 6525). */
  readonly streamReset: boolean
  /** We send a checksum of zero. */
  readonly zeroChecksumSent: boolean
  /** The peer may send a checksum of zero. */
  readonly zeroChecksumReceived: boolean
}

/** What both sides know when a handshake has got far enough for a transmission control block. */
export interface Agreement {
  readonly localTag: number
  readonly peerTag: number
  readonly localInitialTsn: number
  readonly peerInitialTsn: number
  readonly peerWindow: number
  readonly peerOutboundStreams: number
  readonly peerInboundStreams: number
  readonly peer: Capabilities
}

/** Control chunks and packets that may wait to be sent: whatever a flood asks for beyond is not answered. */
const MAX_CONTROL_CHUNKS = 64
const MAX_CONTROL_PACKETS = 8

/** What the parts of an association share: its transmission control block (RFC 9260 §14) and the way out. */
export class Core {
  readonly settings: Settings
  readonly stats: AssociationStats = createStats()
  readonly events: Ring<SctpEvent> = new Ring()
  readonly writer: PacketWriter
  readonly queue: SendQueue
  readonly rto: RetransmissionTimeout
  readonly cookieSecret: Uint8Array
  state: AssociationState = 'closed'
  /** Closed for good. */
  ended = false
  mtu: number
  localTag = 0
  peerTag = 0
  localInitialTsn = 0
  peerInitialTsn = 0
  negotiated: Negotiated | undefined
  sender: Sender | undefined
  receiver: Receiver | undefined
  /** Timeouts in a row without a sign of life (RFC 9260 §8.1). */
  errors = 0
  /** Chunks that go into the next packet, and packets that are whole already as they carry another tag. */
  readonly control: Ring<Uint8Array> = new Ring()
  readonly packets: Ring<Uint8Array> = new Ring()

  constructor(settings: Settings, mtu: number) {
    this.settings = settings
    this.mtu = mtu
    this.writer = new PacketWriter(settings.reusePackets)
    this.queue = new SendQueue(this.events, this.stats)
    this.rto = new RetransmissionTimeout({
      initial: settings.rtoInitial,
      min: settings.rtoMin,
      max: settings.rtoMax,
    })
    this.cookieSecret = settings.random(32)
  }

  get capabilities(): Capabilities {
    const { partialReliability, interleaving, zeroChecksum } = this.settings
    return { partialReliability, interleaving, zeroChecksum, streamReset: true }
  }

  random32(): number {
    return readUint32(this.settings.random(4), 0)
  }

  /** A verification tag: random and not 0 (RFC 9260 §5.3.1). */
  randomTag(): number {
    return this.random32() || 1
  }

  trace(name: string, data?: unknown): void {
    this.settings.trace?.({ layer: 'sctp', name, data })
  }

  enter(state: AssociationState): void {
    if (state === this.state) return
    this.trace('state', { from: this.state, to: state })
    this.state = state
  }

  /** The receive window to advertise at first. */
  get initialWindow(): number {
    return this.settings.initialReceiveBuffer
  }

  /** Makes the transmission control block. */
  agree(agreement: Agreement, now: number): void {
    const { settings } = this
    const { peer } = agreement
    this.localTag = agreement.localTag
    this.peerTag = agreement.peerTag
    this.localInitialTsn = agreement.localInitialTsn
    this.peerInitialTsn = agreement.peerInitialTsn
    this.negotiated = {
      outboundStreams: Math.min(settings.outboundStreams, agreement.peerInboundStreams),
      inboundStreams: Math.min(settings.inboundStreams, agreement.peerOutboundStreams),
      interleaving: settings.interleaving && peer.interleaving,
      partialReliability: settings.partialReliability && peer.partialReliability,
      streamReset: peer.streamReset,
      zeroChecksumSent: settings.zeroChecksum && peer.zeroChecksum,
      zeroChecksumReceived: settings.zeroChecksum,
    }
    this.errors = 0
    this.queue.interleaved = this.negotiated.interleaving
    this.queue.interleavingBudget = agreement.peerWindow / 2
    this.queue.limitStreams(this.negotiated.outboundStreams)
    this.sender = new Sender({
      initialTsn: agreement.localInitialTsn,
      interleaved: this.negotiated.interleaving,
      partialReliability: this.negotiated.partialReliability,
      peerWindow: agreement.peerWindow,
      mtu: this.mtu,
      queue: this.queue,
      rto: this.rto,
      controller: settings.congestionController(this.mtu),
      stats: this.stats,
    })
    this.makeReceiver(now)
    this.trace('negotiated', this.negotiated)
  }

  private makeReceiver(now: number): void {
    const { settings } = this
    const window = new ReceiveWindow(settings.initialReceiveBuffer, settings.maxReceiveBuffer, now)
    const receiver = new Receiver({
      initialTsn: this.peerInitialTsn,
      interleaved: this.negotiated!.interleaving,
      inboundStreams: this.negotiated!.inboundStreams,
      maxMessageSize: settings.maxReceiveMessageSize,
      window,
      events: this.events,
      stats: this.stats,
    })
    if (this.receiver !== undefined) receiver.inherit(this.receiver)
    this.receiver = receiver
  }

  /** Queues a chunk for the next packet. */
  sendControl(chunk: Uint8Array): void {
    if (this.control.length >= MAX_CONTROL_CHUNKS) this.stats.dropped.limit++
    else this.control.push(chunk)
  }

  /** Reports error causes (RFC 9260 §3.3.10). */
  sendError(causes: readonly Uint8Array[]): void {
    this.sendControl(encodeError(causes))
  }

  /** A packet of its own, with a real checksum: INIT, INIT ACK and answers to strangers (RFC 9653 §5.2). */
  sendPacket(tag: number, chunk: Uint8Array): void {
    if (this.packetsFull) {
      this.stats.dropped.limit++
      return
    }
    // A writer of its own: the packet waits, and may be overtaken by those of `core.writer`.
    const writer = new PacketWriter(true)
    writer.begin(COMMON_HEADER_SIZE + padded(chunk.length), this.settings.localPort, this.settings.remotePort, tag)
    writer.append(chunk)
    this.packets.push(writer.finish(false))
  }

  /** Packets that wait are as many as may. */
  get packetsFull(): boolean {
    return this.packets.length >= MAX_CONTROL_PACKETS
  }

  /** One more timeout. Returns false, and ends the association, when it was one too many. */
  countError(): boolean {
    this.errors++
    if (this.errors <= this.settings.maxRetransmissions) return true
    this.fail(new SctpError('ERR_SCTP_TIMEOUT', `The peer left ${this.errors} transmissions in a row unanswered`))
    return false
  }

  /** Tells the peer and ends (RFC 9260 §9.1). */
  abortWith(error: SctpError, cause: Uint8Array): void {
    const tag = this.peerTag
    this.fail(error)
    if (tag !== 0) this.sendPacket(tag, encodeAbort([cause], false))
  }

  protocolViolation(reason: string): void {
    const cause = plainCause(PROTOCOL_VIOLATION, new TextEncoder().encode(reason))
    this.abortWith(new SctpError('ERR_SCTP_PROTOCOL_VIOLATION', reason), cause)
  }

  outOfResource(): void {
    const error = new SctpError('ERR_SCTP_RESOURCES', 'The receive buffer is full of messages that cannot be completed')
    this.abortWith(error, plainCause(OUT_OF_RESOURCE))
  }

  /** Ends abruptly without telling the peer. */
  fail(error: SctpError): void {
    if (this.ended) return
    this.trace('aborted', { code: error.code, message: error.message })
    this.end()
    this.events.push({ type: 'aborted', error })
  }

  /** Ends gracefully. */
  finish(): void {
    if (this.ended) return
    this.end()
    this.events.push({ type: 'closed' })
  }

  private end(): void {
    this.ended = true
    this.enter('closed')
    this.control.clear()
    this.queue.end()
    this.sender = undefined
  }
}
