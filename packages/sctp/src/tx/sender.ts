import { padded } from '../bytes.ts'
import {
  DATA_HEADER_SIZE,
  FLAG_BEGINNING,
  FLAG_END,
  FLAG_IMMEDIATE,
  FLAG_UNORDERED,
  I_DATA_HEADER_SIZE,
} from '../packet/data.ts'
import { COMMON_HEADER_SIZE } from '../packet/common-header.ts'
import type { SackView } from '../packet/sack.ts'
import type { PacketWriter } from '../packet/writer.ts'
import type { AssociationStats } from '../stats.ts'
import type { AckSample, CongestionController } from './congestion.ts'
import { LossRecovery } from './loss-recovery.ts'
import { OutstandingData } from './outstanding-data.ts'
import type { AckResult } from './outstanding-data.ts'
import { Pacer } from './pacer.ts'
import { PartialReliability } from './partial-reliability.ts'
import type { RetransmissionTimeout } from './rto.ts'
import type { SendQueue } from './send-queue.ts'
import { TailLossProbe } from './tail-loss-probe.ts'
import { writeTxChunk } from './tx-chunk.ts'
import type { TxChunk } from './tx-chunk.ts'

/** A fragment shorter than this is not worth squeezing into the rest of a packet, bytes. */
const MIN_FRAGMENT = 128

export interface SenderOptions {
  readonly initialTsn: number
  readonly interleaved: boolean
  readonly partialReliability: boolean
  /** The peer's advertised receiver window, bytes. */
  readonly peerWindow: number
  readonly mtu: number
  readonly queue: SendQueue
  readonly rto: RetransmissionTimeout
  readonly controller: CongestionController
  readonly stats: AssociationStats
}

/** The sending half of an association: from queued messages to DATA chunks in packets, until they are acknowledged or given up. */
export class Sender {
  readonly data: OutstandingData
  readonly controller: CongestionController
  /** Bytes that the peer said it can take, less nothing. */
  peerWindow: number
  /** When the retransmission timer T3-rtx runs out, absolute ms (RFC 9260 §6.3). */
  t3Deadline: number = Infinity
  /** The last SACK acknowledged something new. */
  progressed = false
  private mtu: number
  private readonly interleaved: boolean
  private readonly partial: PartialReliability
  private readonly headerSize: number
  private readonly queue: SendQueue
  private readonly rto: RetransmissionTimeout
  private readonly stats: AssociationStats
  private readonly recovery: LossRecovery
  private readonly pacer = new Pacer()
  private readonly probe = new TailLossProbe()
  private packetNumber = 0
  private lastSentAt: number | undefined
  private roundEnd = -1
  private windowLimited = false
  private readonly sample: AckSample = {
    now: 0,
    ackedBytes: 0,
    priorInFlight: 0,
    inFlight: 0,
    windowLimited: false,
    roundTripTime: 0,
    smoothedRoundTripTime: 0,
    minRoundTripTime: 0,
    roundStart: false,
  }

  constructor(options: SenderOptions) {
    this.data = new OutstandingData(options.initialTsn)
    this.controller = options.controller
    this.peerWindow = options.peerWindow
    this.mtu = options.mtu
    this.interleaved = options.interleaved
    this.headerSize = options.interleaved ? I_DATA_HEADER_SIZE : DATA_HEADER_SIZE
    this.queue = options.queue
    this.rto = options.rto
    this.stats = options.stats
    const { controller, rto, stats, mtu } = options
    this.recovery = new LossRecovery(this.data, controller, rto, this.probe, stats, mtu)
    this.partial = new PartialReliability(this.data, options.queue, options.stats, {
      interleaved: options.interleaved,
      enabled: options.partialReliability,
      headerSize: this.headerSize,
    })
  }

  /** The handshake is done: what went with the COOKIE ECHO is timed from here. */
  start(now: number): void {
    this.rearm(now, true)
  }

  /** The earliest time at which `onTime` has something to do; packets that wait for their pace included. */
  get deadline(): number {
    const pace = this.pacer.deadline === 0 ? Infinity : this.pacer.deadline
    return Math.min(this.t3Deadline, this.probe.deadline, this.recovery.deadline, pace)
  }

  /** Nothing queued, nothing unacknowledged, nothing to forward. */
  get idle(): boolean {
    return this.queue.empty && this.data.empty
  }

  /** The peer takes no full packet: what is sent probes its window (RFC 9260 §6.1 A). */
  get windowClosed(): boolean {
    return this.peerWindow < this.mtu
  }

  get lastAssignedTsn(): number {
    return this.data.tsn(this.data.next - 1)
  }

  // --- acknowledgements

  /** Takes a SACK. Returns false for one that is old or makes no sense. */
  onSack(sack: SackView, now: number): boolean {
    const { data } = this
    if (!data.plausible(sack)) return false
    if (data.unwrap(sack.cumulativeTsnAck) < data.cumulative) return false
    const priorInFlight = data.inFlight
    const result = data.acknowledge(sack)
    this.progressed = result.advanced || result.ackedBytes > 0
    const wasClosed = this.windowClosed
    this.peerWindow = sack.receiverWindow
    if (sack.duplicateCount > 0) this.recovery.onDuplicates(sack)
    this.afterAck(result, priorInFlight, now)
    // A window that opens again: what was sent into the closed one was thrown away (RFC 9260 §6.1 A).
    if (wasClosed && !this.windowClosed && data.oldest !== undefined && !result.advanced) {
      if (data.inFlightPayload <= this.mtu) data.markAllLost()
    }
    this.partial.onSack(now, this.rto.smoothed ?? this.rto.value)
    this.rearm(now, result.advanced)
    return true
  }

  /** Takes the cumulative ack of a SHUTDOWN. Returns whether it acknowledged something new. */
  onShutdownAck(tsn: number, now: number): boolean {
    const priorInFlight = this.data.inFlight
    const result = this.data.acknowledgeCumulative(tsn)
    if (result === undefined) return false
    this.afterAck(result, priorInFlight, now)
    this.rearm(now, result.advanced)
    return result.advanced
  }

  private afterAck(result: AckResult, priorInFlight: number, now: number): void {
    const { data, rto } = this
    const roundTripTime = result.sampleSentAt >= 0 ? Math.max(0.001, now - result.sampleSentAt) : 0
    if (roundTripTime > 0) rto.measure(roundTripTime, now)
    else if (result.advanced) rto.onProgress()
    const smoothed = rto.smoothed ?? rto.value
    const min = rto.min === Infinity ? smoothed : rto.min
    const roundStart = data.cumulative >= this.roundEnd
    if (roundStart) this.roundEnd = data.next - 1
    this.recovery.onAck(result, priorInFlight, now, smoothed, min)

    const { sample } = this
    sample.now = now
    sample.ackedBytes = result.ackedBytes
    sample.priorInFlight = priorInFlight
    sample.inFlight = data.inFlight
    sample.windowLimited = this.windowLimited
    sample.roundTripTime = roundTripTime
    sample.smoothedRoundTripTime = smoothed
    sample.minRoundTripTime = min
    sample.roundStart = roundStart
    if (result.ackedBytes > 0) this.controller.onAck(sample)
    this.recovery.afterAck(result.ackedBytes)
    this.partial.advance()
  }

  /** The peer will never know of what was sent so far: all of it goes back to the queue, to be sent anew. */
  takeBack(): void {
    this.data.forEachMessageBackwards((message) => this.queue.restore(message))
    this.queue.renumber()
  }

  // --- timers

  /** Runs what is due. Returns whether T3-rtx ran out, which counts against the peer (RFC 9260 §8.1). */
  onTime(now: number): boolean {
    if (this.recovery.onTime(now)) this.partial.advance()
    if (this.probe.onTime(now, this.data)) {
      this.stats.tailLossProbes++
      this.t3Deadline = now + this.rto.value
    }
    if (now < this.t3Deadline) return false
    this.onT3(now)
    return true
  }

  private onT3(now: number): void {
    this.stats.retransmissionTimeouts++
    this.rto.backOff()
    const probing = this.windowClosed && this.data.inFlightPayload <= this.mtu
    this.loseAll()
    // A probe of a closed window says nothing about the path.
    if (!probing) this.controller.onTimeout(now, this.data.inFlight)
    this.partial.onTimeout()
    this.rearm(now, true)
  }

  private loseAll(): void {
    this.data.markAllLost()
    this.recovery.reset()
    this.probe.reset()
    this.partial.advance()
  }

  /** The path is another one, or is back: sends again at once what waits for a timeout. */
  onPathChange(now: number): void {
    this.loseAll()
    this.rto.reset()
    this.controller.onPathChange(this.mtu)
    this.partial.onTimeout()
    this.rearm(now, true)
  }

  setMtu(mtu: number): void {
    if (mtu !== this.mtu) this.controller.onMtuChange(mtu)
    this.mtu = mtu
    this.recovery.mtu = mtu
  }

  /** Sets T3-rtx and the probe. `restart`: the earliest outstanding chunk was acknowledged (RFC 9260 §6.3.2 R3). */
  private rearm(now: number, restart: boolean): void {
    const { data } = this
    const outstanding = data.oldest !== undefined || this.partial.outstanding || data.peekLost() !== undefined
    if (!outstanding) {
      this.t3Deadline = Infinity
      this.probe.deadline = Infinity
      if (this.queue.empty) this.pacer.deadline = 0 // nothing is left to wait for its pace
      return
    }
    if (restart || this.t3Deadline === Infinity) this.t3Deadline = now + this.rto.value
    this.probe.arm(data, this.rto, now, this.t3Deadline)
  }

  // --- sending

  /** Whether a packet may go now, as far as windows and pace say. */
  ready(now: number): boolean {
    this.partial.prune(now)
    if (this.probe.pending) return true
    if (!this.hasWork(now)) {
      this.pacer.deadline = 0
      return false
    }
    const { controller, rto } = this
    const slowStart = controller.congestionWindow < controller.slowStartThreshold
    const rate = controller.pacingRate || Pacer.rate(controller.congestionWindow, rto.smoothed, slowStart)
    return this.pacer.maySend(now, rate, this.mtu)
  }

  private hasWork(now: number): boolean {
    const { data, controller } = this
    const lost = data.peekLost()
    // Unless the window is what holds us back, it counts as used when more than half of it is (RFC 9260 §7.2.1).
    this.windowLimited = data.inFlight * 2 > controller.congestionWindow
    if (lost === undefined && this.queue.empty) return false
    if (!this.recovery.windowOpen) {
      this.windowLimited = true
      this.queue.wait()
      return false
    }
    if (lost !== undefined) return true
    const message = data.full ? undefined : this.partial.nextMessage(now)
    if (message !== undefined && this.peerAccepts(Math.min(message.data.length - message.offset, this.mtu))) return true
    this.queue.wait()
    return false
  }

  /** Bytes of packet that the next chunk to be sent again needs, as it cannot be cut anew when the MTU has shrunk. */
  get requiredSize(): number {
    const lost = this.data.peekLost()
    return lost === undefined ? 0 : lost.size + COMMON_HEADER_SIZE
  }

  /** RFC 9260 §6.1 A: within the peer's window, or one chunk to probe it. */
  private peerAccepts(length: number): boolean {
    const { data } = this
    return data.inFlightPayload + length <= this.peerWindow || data.oldest === undefined
  }

  /** Fills the packet with what may go. `ready` has allowed it. */
  writeData(packet: PacketWriter, now: number): void {
    const { data } = this
    const before = data.inFlight
    const number = this.packetNumber
    if (this.lastSentAt !== undefined && data.oldest === undefined && data.peekLost() === undefined) {
      this.controller.onIdle(now - this.lastSentAt, this.rto.value)
    }
    let wrote = false
    for (let first = true; ; first = false) {
      if (!first && !this.recovery.windowOpen) break
      const lost = data.peekLost()
      if (lost !== undefined) {
        if (lost.size > packet.room || this.partial.givesUp(lost, now)) break
        data.takeLost()
        this.writeChunk(packet, lost, now, 0)
        this.stats.retransmittedChunks++
        this.recovery.onRetransmitted()
        wrote = true
        continue
      }
      if (!this.writeNew(packet, now)) break
      wrote = true
    }
    if (this.probe.pending) {
      if (!wrote) wrote = this.writeProbe(packet, now)
      this.probe.onSent(wrote)
    }
    if (!wrote) return
    const sent = data.inFlight - before
    this.pacer.onSent(sent)
    this.recovery.onSent(sent)
    this.packetNumber = number + 1
    this.lastSentAt = now
    if (this.t3Deadline === Infinity) this.t3Deadline = now + this.rto.value
    this.probe.arm(data, this.rto, now, this.t3Deadline)
  }

  /** Cuts the next chunk off the queue. Returns false when there is none, or no room for it. */
  private writeNew(packet: PacketWriter, now: number): boolean {
    const { data, queue, headerSize } = this
    if (data.full) return false
    const message = queue.next(now)
    if (message === undefined || this.partial.tooOld(message, now)) return false
    const rest = message.data.length - message.offset
    const room = (packet.room - headerSize) & ~3
    let length = rest
    if (length > room) {
      // What fits into one packet is not cut in two.
      const whole = (this.mtu - COMMON_HEADER_SIZE - headerSize) & ~3
      if (room < MIN_FRAGMENT || (rest <= whole && room < whole)) return false
      length = room
    }
    if (!this.peerAccepts(length)) return false
    let flags = message.unordered ? FLAG_UNORDERED : 0
    if (message.offset === 0) flags |= FLAG_BEGINNING
    if (length === rest) flags |= FLAG_END
    const chunk = data.insert(message, message.offset, length, headerSize + padded(length), flags, message.nextFragment)
    // When nothing more can follow, a delayed SACK would only hold us up (RFC 7053 §5.1).
    const stuck = data.inFlight + chunk.size >= this.controller.congestionWindow && !queue.isLast(message, length)
    queue.take(message, length)
    this.writeChunk(packet, chunk, now, stuck ? FLAG_IMMEDIATE : 0)
    this.stats.dataChunksSent++
    return true
  }

  private writeChunk(packet: PacketWriter, chunk: TxChunk, now: number, extraFlags: number): void {
    writeTxChunk(packet, chunk, this.data.tsn(chunk.seq), this.interleaved, extraFlags)
    this.data.sent(chunk, this.packetNumber, now)
  }

  /** The probe when nothing new may be sent: the newest chunk once more (RFC 8985 §7.3). */
  private writeProbe(packet: PacketWriter, now: number): boolean {
    const chunk = this.data.newest
    if (chunk === undefined || chunk.size > packet.room || this.partial.givesUp(chunk, now)) return false
    if (chunk.transmissions > chunk.message!.maxRetransmits) return false
    this.data.markLost(chunk)
    this.writeChunk(packet, chunk, now, FLAG_IMMEDIATE)
    this.stats.retransmittedChunks++
    this.probe.onCopied(chunk.seq, this.packetNumber)
    return true
  }

  // --- partial reliability

  get forwardTsnPending(): boolean {
    return this.partial.pending
  }

  /** The FORWARD-TSN or I-FORWARD-TSN that is owed, of at most `room` bytes. */
  takeForwardTsn(room: number, now: number): Uint8Array | undefined {
    const chunk = this.partial.take(room, now)
    if (chunk !== undefined && this.t3Deadline === Infinity) this.t3Deadline = now + this.rto.value
    return chunk
  }
}
