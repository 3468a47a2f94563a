import { readUint16 } from '../bytes.ts'
import { packetChecksum } from '../crc32c.ts'
import { SctpError } from '../errors.ts'
import type { SctpEvent } from '../events.ts'
import type { AssociationOptions } from '../options.ts'
import { encodeAbort } from '../packet/abort.ts'
import { checksum, COMMON_HEADER_SIZE, destinationPort, sourcePort, verificationTag } from '../packet/common-header.ts'
import { CHUNK_HEADER_SIZE, INIT } from '../packet/types.ts'
import { plainCause, USER_INITIATED_ABORT } from '../parameter/cause.ts'
import type { AssociationStats } from '../stats.ts'
import { ChunkHandlers } from './chunk-handlers.ts'
import { Core } from './core.ts'
import type { AssociationState, Negotiated } from './core.ts'
import { Handshake } from './handshake.ts'
import { Heartbeat } from './heartbeat.ts'
import { answerOutOfTheBlue, tagAccepted } from './out-of-the-blue.ts'
import { PacketBuilder } from './packet-builder.ts'
import { inRange, MAX_MTU, MIN_MTU, resolveSettings } from './settings.ts'
import { Shutdown } from './shutdown.ts'
import { StreamReset } from './stream-reset.ts'

/** A user message and how it is to be delivered. */
export interface OutgoingMessage {
  readonly streamId: number
  /** Payload protocol identifier, handed to the peer as it is. */
  readonly ppid: number
  /** At least one byte. Belongs to the association from now on. */
  readonly data: Uint8Array
  /** Delivered as soon as it is whole, regardless of other messages. Default false. */
  readonly unordered?: boolean
  /** Give the message up when a part of it would have to be sent more often than 1 + this. Default: never. */
  readonly maxRetransmits?: number
  /** Give the message up this many ms after `send`. It is sent once at least if there is a window for it at once: 0 means now. Default: never. */
  readonly lifetime?: number
}

/** An SCTP association (RFC 9260): a machine without I/O, clock or timers. */
export class Association {
  readonly stats: AssociationStats
  private readonly core: Core
  private readonly handshake: Handshake
  private readonly heartbeat: Heartbeat
  private readonly shutdowns: Shutdown
  private readonly resets: StreamReset
  private readonly handlers: ChunkHandlers
  private readonly builder: PacketBuilder
  private maxOutgoingSize: number

  /** Throws `ERR_SCTP_ARGUMENT` for an option out of its range. */
  constructor(options: AssociationOptions) {
    const settings = resolveSettings(options)
    this.core = new Core(settings, inRange('mtu', options.mtu ?? 1191, MIN_MTU, MAX_MTU))
    this.stats = this.core.stats
    this.maxOutgoingSize = messageSize(options.maxMessageSize ?? 262_144)
    this.handshake = new Handshake(this.core, (now, restarted) => this.onEstablished(now, restarted))
    this.heartbeat = new Heartbeat(this.core)
    this.shutdowns = new Shutdown(this.core)
    this.resets = new StreamReset(this.core)
    this.handlers = new ChunkHandlers(this.core, this.handshake, this.heartbeat, this.shutdowns, this.resets)
    this.builder = new PacketBuilder(this.core, this.handshake, this.shutdowns, this.resets)
  }

  get state(): AssociationState {
    return this.core.state
  }

  /** Undefined before `connected`. */
  get negotiated(): Negotiated | undefined {
    return this.core.negotiated
  }

  /** Sends an INIT. Both sides may (RFC 9260 §5.2.1), one suffices; without effect when the peer's came first. Throws `ERR_SCTP_STATE` when it has ended. */
  connect(now: number): void {
    if (this.core.ended) throw new SctpError('ERR_SCTP_STATE', 'The association has ended')
    if (this.core.state === 'closed') this.handshake.connect(now)
  }

  /** Takes one SCTP packet; it belongs to the association from now on. */
  receive(packet: Uint8Array, now: number): void {
    const { core, stats } = this
    stats.packetsReceived++
    stats.bytesReceived += packet.length
    if (packet.length < COMMON_HEADER_SIZE + CHUNK_HEADER_SIZE) {
      stats.dropped.shortPacket++
      return
    }
    const { settings } = core
    if (sourcePort(packet) !== settings.remotePort || destinationPort(packet) !== settings.localPort) {
      stats.dropped.ports++
      return
    }
    const first = packet[COMMON_HEADER_SIZE]!
    const sum = checksum(packet)
    // RFC 9653 §5.2: zero where it was agreed on, and never with an INIT.
    const zero = sum === 0 && settings.zeroChecksum && first !== INIT
    if (!zero && packetChecksum(packet) !== sum) {
      stats.dropped.checksum++
      return
    }
    const tag = verificationTag(packet)
    if (core.state === 'closed' && answerOutOfTheBlue(core, packet, tag)) return
    if (!tagAccepted(core, packet, tag)) {
      stats.dropped.verificationTag++
      return
    }
    this.readChunks(packet, tag, now)
  }

  private readChunks(packet: Uint8Array, tag: number, now: number): void {
    const { handlers, stats } = this
    handlers.beginPacket(packet, tag)
    let offset = COMMON_HEADER_SIZE
    while (offset + CHUNK_HEADER_SIZE <= packet.length) {
      const length = readUint16(packet, offset + 2)
      if (length < CHUNK_HEADER_SIZE || offset + length > packet.length) {
        stats.dropped.malformedChunk++
        break
      }
      if (!handlers.onChunk(packet[offset]!, offset, length, now) || this.core.ended) break
      offset += (length + 3) & ~3
    }
    handlers.endPacket(now)
  }

  /** When `tick` is due, absolute ms; Infinity when idle. */
  get deadline(): number {
    const { core } = this
    const { sender, receiver } = core
    let at = Math.min(this.handshake.deadline, this.heartbeat.deadline, this.shutdowns.deadline, this.resets.deadline)
    if (core.ended) return Infinity
    if (sender !== undefined && core.state !== 'cookie-echoed') at = Math.min(at, sender.deadline)
    if (receiver !== undefined) at = Math.min(at, receiver.tracker.sackDeadline)
    return at
  }

  tick(now: number): void {
    const { core } = this
    if (core.ended) return
    this.handshake.onTime(now)
    this.heartbeat.onTime(now)
    this.shutdowns.onTime(now)
    this.resets.onTime(now)
    core.receiver?.tracker.onTime(now)
    // Data that rides along with a COOKIE ECHO is repeated with it, or after it.
    if (core.sender !== undefined && core.state !== 'cookie-echoed' && core.sender.onTime(now)) {
      core.trace('timeout', { errors: core.errors + 1, rto: core.rto.value })
      core.countError()
    }
  }

  /** The next packet to send. Call until undefined after any number of inputs. */
  pollTransmit(now: number): Uint8Array | undefined {
    const packet = this.core.packets.shift() ?? this.builder.build(now)
    if (packet === undefined) return undefined
    this.stats.packetsSent++
    this.stats.bytesSent += packet.length
    return packet
  }

  /** The next event. A message occupies the receive window until it is taken here. */
  pollEvent(): SctpEvent | undefined {
    const event = this.core.events.shift()
    if (event !== undefined) {
      if (event.type === 'message') this.core.receiver?.onTaken(event.data.length)
      else if (event.type === 'message-discarded') this.core.receiver?.onTaken(0)
      else if (event.type === 'incoming-reset') this.resets.onTaken()
    }
    return event
  }

  /**
   * Queues a message, before `connected` too. Throws `ERR_SCTP_STATE`, `ERR_SCTP_STREAM_ID`, `ERR_SCTP_STREAM_RESETTING`,
   * `ERR_SCTP_EMPTY_MESSAGE`, `ERR_SCTP_MESSAGE_TOO_LARGE`, `ERR_SCTP_BUFFER_FULL`, `ERR_SCTP_ARGUMENT`.
   */
  send(message: OutgoingMessage, now: number): void {
    const { core } = this
    const { streamId, data, maxRetransmits, lifetime } = message
    if (core.ended || core.state.startsWith('shutdown')) {
      throw new SctpError('ERR_SCTP_STATE', 'The association has ended or is shutting down')
    }
    this.checkStream(streamId)
    if (data.length === 0) throw new SctpError('ERR_SCTP_EMPTY_MESSAGE', 'SCTP cannot carry an empty message')
    if (data.length > this.maxOutgoingSize) {
      throw new SctpError(
        'ERR_SCTP_MESSAGE_TOO_LARGE',
        `A message of ${data.length} bytes exceeds the peer's limit of ${this.maxOutgoingSize}`,
      )
    }
    if (core.queue.bufferedAmount + data.length > core.settings.maxBufferedAmount) {
      throw new SctpError('ERR_SCTP_BUFFER_FULL', `More than ${core.settings.maxBufferedAmount} bytes would be queued`)
    }
    if (maxRetransmits !== undefined && !(maxRetransmits >= 0)) {
      throw new SctpError('ERR_SCTP_ARGUMENT', 'maxRetransmits must not be negative')
    }
    if (lifetime !== undefined && !(lifetime >= 0)) {
      throw new SctpError('ERR_SCTP_ARGUMENT', 'lifetime must not be negative')
    }
    if (core.queue.get(streamId)?.reset === 'queued' || core.queue.get(streamId)?.reset === 'requested') {
      throw new SctpError('ERR_SCTP_STREAM_RESETTING', `Stream ${streamId} is being reset`)
    }
    core.queue.add({
      streamId,
      ppid: message.ppid >>> 0,
      data,
      unordered: message.unordered ?? false,
      maxRetransmits: maxRetransmits ?? Infinity,
      expiresAt: lifetime === undefined ? Infinity : now + lifetime,
    })
  }

  /** Bytes given to `send` for this stream that were not yet handed out by `pollTransmit` for the first time. */
  bufferedAmount(streamId: number): number {
    return this.core.queue.get(streamId)?.bufferedAmount ?? 0
  }

  /** The same for all streams together. */
  get totalBufferedAmount(): number {
    return this.core.queue.bufferedAmount
  }

  /** A `buffered-amount-low` event fires when `bufferedAmount` falls to this or below. Default 0. Throws `ERR_SCTP_STREAM_ID`. */
  setBufferedAmountLowThreshold(streamId: number, bytes: number): void {
    this.checkStream(streamId)
    this.core.queue.open(streamId).lowThreshold = bytes
  }

  /**
   * Share of the stream when several have data, 1 to 65535 (RFC 8260 §3.6; WebRTC: 128, 256, 512, 1024). Default 256. Survives a
   * reset. Throws `ERR_SCTP_STREAM_ID`, `ERR_SCTP_ARGUMENT`.
   */
  setStreamPriority(streamId: number, priority: number): void {
    this.checkStream(streamId)
    this.core.queue.open(streamId).weight = inRange('priority', priority, 1, 65_535)
  }

  /**
   * Resets outgoing streams (RFC 6525): what is queued on them is sent first, then an `outgoing-reset` event answers.
   * Until then `send` on them throws. An id that waits already is left alone. Throws `ERR_SCTP_STATE`, `ERR_SCTP_STREAM_ID`.
   */
  resetStreams(streamIds: readonly number[]): void {
    if (this.core.ended) throw new SctpError('ERR_SCTP_STATE', 'The association has ended')
    for (const id of streamIds) this.checkStream(id)
    for (const id of streamIds) this.core.queue.requestReset(id)
  }

  /** Ends gracefully: what is queued is delivered first (RFC 9260 §9.2). `send` throws from now on; `closed` follows. Before the handshake is done it ends at once. */
  shutdown(): void {
    const { core } = this
    if (core.ended) return
    if (core.state === 'closed' || core.state === 'cookie-wait' || core.state === 'cookie-echoed') {
      const tag = core.peerTag
      core.finish()
      // §9.2 speaks of established associations; the peer of a half-made one learns by an ABORT.
      if (tag !== 0) core.sendPacket(tag, encodeAbort([], false))
      return
    }
    this.shutdowns.request()
  }

  /** Ends at once: an ABORT is sent, `aborted` with `ERR_SCTP_ABORTED` follows (RFC 9260 §9.1). */
  abort(reason: string = ''): void {
    const cause = plainCause(USER_INITIATED_ABORT, new TextEncoder().encode(reason))
    if (!this.core.ended) this.core.abortWith(new SctpError('ERR_SCTP_ABORTED', reason || 'Aborted'), cause)
  }

  /** The path was replaced or came back: what waits for a timeout is sent now, and path measurements start anew. */
  pathChanged(now: number): void {
    const { core } = this
    core.errors = 0
    if (core.sender !== undefined && core.state !== 'cookie-echoed') core.sender.onPathChange(now)
    this.handshake.hurry(now)
    this.resets.hurry(now)
    this.shutdowns.hurry(now)
  }

  /** Largest SCTP packet from now on, bytes (path MTU discovery). Throws `ERR_SCTP_ARGUMENT` below 512 and above 65535. */
  setMtu(mtu: number): void {
    this.core.mtu = inRange('mtu', mtu, MIN_MTU, MAX_MTU)
    this.core.sender?.setMtu(mtu)
  }

  /** The peer's `a=max-message-size`; Infinity for any size. Throws `ERR_SCTP_ARGUMENT`. */
  setMaxMessageSize(bytes: number): void {
    this.maxOutgoingSize = messageSize(bytes)
  }

  /** Largest message that `send` takes, bytes. */
  get maxMessageSize(): number {
    return this.maxOutgoingSize
  }

  get mtu(): number {
    return this.core.mtu
  }

  /** ms; undefined before the first measurement. */
  get smoothedRoundTripTime(): number | undefined {
    return this.core.rto.smoothed
  }

  /** ms. */
  get retransmissionTimeout(): number {
    return this.core.rto.value
  }

  /** Bytes. */
  get congestionWindow(): number {
    return this.core.sender?.controller.congestionWindow ?? 0
  }

  /** Bytes; Infinity before the first loss. */
  get slowStartThreshold(): number {
    return this.core.sender?.controller.slowStartThreshold ?? Infinity
  }

  /** The peer's last advertised window less what is in flight, bytes. */
  get peerReceiveWindow(): number {
    const { sender } = this.core
    return sender === undefined ? 0 : Math.max(0, sender.peerWindow - sender.data.inFlightPayload)
  }

  /** Size of our receive window, bytes; it grows with the path. */
  get receiveWindow(): number {
    return this.core.receiver?.window.capacity ?? 0
  }

  /** Bytes of chunks sent and neither acknowledged, nor found lost, nor given up. */
  get bytesInFlight(): number {
    return this.core.sender?.data.inFlight ?? 0
  }

  private onEstablished(now: number, restarted: boolean): void {
    const { core } = this
    core.enter('established')
    this.resets.start()
    this.shutdowns.onEstablished()
    this.heartbeat.start(now)
    core.sender!.start(now)
    if (!restarted) core.events.push({ type: 'connected' })
  }

  private checkStream(streamId: number): void {
    const limit = Math.min(this.core.queue.streamLimit, 65_535)
    if (!Number.isInteger(streamId) || streamId < 0 || streamId >= limit) {
      throw new SctpError('ERR_SCTP_STREAM_ID', `There is no stream ${streamId}: ids are below ${limit}`)
    }
  }
}

function messageSize(bytes: number): number {
  if (!(bytes >= 1)) throw new SctpError('ERR_SCTP_ARGUMENT', `maxMessageSize must be at least 1, not ${bytes}`)
  return bytes
}
