import type { EncodedFrame, Packetizer } from '../formats/types.ts'
import { RtpError } from '../errors.ts'
import { RtpPacket } from '../packet/rtp-packet.ts'
import { rtpHeaderLength } from '../packet/write.ts'
import type { ExtendedReportBlock, ReportBlock, RtcpPacket } from '../rtcp/types.ts'
import type { SendStreamEvent } from './events.ts'
import { sameFormatParameters } from './format-parameters.ts'
import { FrameClock } from './frame-clock.ts'
import { KeyFrameLimiter } from './key-frame-limiter.ts'
import { NackResponder } from './nack-responder.ts'
import type { RtpSendStreamOptions, SendParameters } from './options.ts'
import { PacketHistory } from './packet-history.ts'
import { platformRandom } from './random.ts'
import { ReferenceTimes } from './reference-times.ts'
import { ReportSchedule } from './report-schedule.ts'
import { Ring } from './ring.ts'
import { RoundTripTime } from './round-trip-time.ts'
import { RtxSender } from './rtx.ts'
import { SenderReportGenerator } from './sender-report.ts'
import { createOutboundStats } from './stats.ts'
import type { OutboundStats } from './stats.ts'
import { WallClock } from './wall-clock.ts'

const CNAME = 1
const MAX_EVENTS = 64

interface Queued {
  readonly packet: RtpPacket
  readonly at: number
  /** The last one of a frame. */
  readonly endsFrame: boolean
  /** The one by which its key frame is counted. */
  readonly keyFrame: boolean
}

/**
 * One source of RTP with its retransmissions: frames or packets in, packets and reports out, and what receivers say about them.
 * A machine without I/O, clock or timers.
 */
export class RtpSendStream {
  readonly ssrc: number
  readonly stats: OutboundStats = createOutboundStats()
  readonly #kind: 'audio' | 'video'
  readonly #cname: string
  readonly #maxPayloadSize: number
  readonly #maxQueuedPackets: number
  readonly #clock: WallClock
  readonly #random: () => number
  readonly #schedule: ReportSchedule
  readonly #reports: SenderReportGenerator
  readonly #history: PacketHistory
  readonly #responder: NackResponder
  readonly #limiter = new KeyFrameLimiter()
  readonly #roundTrip = new RoundTripTime()
  readonly #referenceTimes = new ReferenceTimes()
  readonly #frameClock: FrameClock
  readonly #queue = new Ring<Queued>()
  readonly #events = new Ring<SendStreamEvent>()
  #parameters: SendParameters
  #packetizer: Packetizer | undefined
  #rtx: RtxSender | undefined
  #sequenceNumber: number
  #begun = false
  /** Of the last key frame that came as packets: several of them look like its first. */
  #keyFrameTimestamp = -1
  #closed = false
  #byeOwed = false

  constructor(options: RtpSendStreamOptions) {
    this.ssrc = options.ssrc
    this.#kind = options.kind
    this.#cname = options.cname
    this.#maxPayloadSize = options.maxPayloadSize ?? 1150
    this.#maxQueuedPackets = options.maxQueuedPackets ?? 4096
    this.#clock = new WallClock(options.now, options.wallClock)
    this.#random = options.random ?? platformRandom
    this.#schedule = new ReportSchedule(
      options.reportInterval ?? (options.kind === 'video' ? 1000 : 5000),
      this.#random,
    )
    this.#reports = new SenderReportGenerator(options.ssrc, options.clockRate, this.#clock)
    this.#history = new PacketHistory({ maxPackets: options.historyPackets, maxAge: options.historyDuration })
    this.#responder = new NackResponder(this.#history)
    this.#sequenceNumber = this.#word() & 0xffff
    this.#frameClock = new FrameClock(options.clockRate, this.#word())
    this.#parameters = options
    this.#packetizer = options.format?.createPacketizer(options.formatParameters)
    this.#applyRtx(options)
  }

  get rtxSsrc(): number | undefined {
    return this.#rtx?.ssrc
  }

  get active(): boolean {
    return !this.#closed && (this.#parameters.active ?? true)
  }

  /** What the next packet of `writeFrame` will have: where a `PacketRewriter` for this stream begins. */
  get nextSequenceNumber(): number {
    return this.#sequenceNumber
  }

  /** The RTP timestamp that another source would begin with now. */
  nextTimestamp(now: number): number {
    return this.#frameClock.next(now)
  }

  /** Smoothed, ms; undefined before the first report. */
  get roundTripTime(): number | undefined {
    return this.#roundTrip.smoothed
  }

  /** When `tick` and `pollRtcp` are due, absolute ms; Infinity when idle. */
  get deadline(): number {
    return Math.min(this.#schedule.deadline, this.#limiter.deadline)
  }

  /** Packets that wait for `pollTransmit`. */
  get queuedPackets(): number {
    return this.#queue.length + this.#responder.pending
  }

  /**
   * Queues a frame. False when it was dropped: inactive, or no room in the queue.
   * @throws RtpError `ERR_RTP_STATE` after `close`, `ERR_RTP_ARGUMENT` without a payload format.
   * @throws PayloadFormatError for a frame that is not in the form of its codec.
   */
  writeFrame(frame: EncodedFrame, now: number): boolean {
    if (this.#closed) throw new RtpError('ERR_RTP_STATE', 'the stream is closed')
    if (this.#packetizer === undefined) throw new RtpError('ERR_RTP_ARGUMENT', 'the stream has no payload format')
    if (!this.active) return false
    const payloads = this.#packetizer.packetize(frame, this.#maxPayloadSize)
    const count = payloads.length
    if (count === 0 || this.#queue.length + count > this.#maxQueuedPackets) {
      this.stats.framesDropped++
      // What was queued before it may need it.
      if (count > 0 && this.#kind === 'video') this.#limiter.onPictureLoss(now)
      return false
    }
    if (frame.keyFrame) this.#limiter.onKeyFrame(now)
    let timestamp = this.#frameClock.timestamp(frame.timestamp, now)
    const ticksPerOctet = this.#parameters.format!.ticksPerOctet ?? 0
    const video = this.#kind === 'video'
    for (let i = 0; i < count; i++) {
      const last = i === count - 1
      const packet = new RtpPacket({
        payloadType: this.#parameters.payloadType,
        sequenceNumber: this.#sequenceNumber,
        timestamp,
        ssrc: this.ssrc,
        // RFC 3551 §4.1: of audio it marks the beginning of a talkspurt.
        marker: video ? last : !this.#begun,
        payload: payloads[i]!,
      })
      this.#begun = true
      timestamp = (timestamp + payloads[i]!.length * ticksPerOctet) >>> 0
      this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
      this.#queue.push({ packet, at: now, endsFrame: last, keyFrame: last && frame.keyFrame })
    }
    return true
  }

  /**
   * Queues a packet whose sequence number and timestamp are this stream's already (a `PacketRewriter` makes them); SSRC and payload type are set
   * here, the latter to that of the codec unless another is given (telephone events, comfort noise). False when it was dropped: inactive, or no room in the queue.
   * @throws RtpError `ERR_RTP_STATE` after `close`.
   */
  writePacket(packet: RtpPacket, now: number, payloadType: number = this.#parameters.payloadType): boolean {
    if (this.#closed) throw new RtpError('ERR_RTP_STATE', 'the stream is closed')
    if (!this.active || this.#queue.length >= this.#maxQueuedPackets) return false
    packet.ssrc = this.ssrc
    packet.payloadType = payloadType
    const ahead = ((packet.sequenceNumber - this.#sequenceNumber) << 16) >> 16
    if (ahead >= 0 || !this.#begun) {
      this.#sequenceNumber = (packet.sequenceNumber + 1) & 0xffff
      this.#frameClock.note(packet.timestamp, now)
      this.#frameClock.rebase()
    }
    this.#begun = true
    const audio = this.#kind === 'audio'
    const format = this.#parameters.format
    let keyFrame = audio
    if (!audio && packet.timestamp !== this.#keyFrameTimestamp && format?.isKeyFrame(packet.payload) === true) {
      this.#keyFrameTimestamp = packet.timestamp
      this.#limiter.onKeyFrame(now)
      keyFrame = true
    }
    this.#queue.push({ packet, at: now, endsFrame: packet.marker || audio, keyFrame })
    return true
  }

  /** The frames that follow are of another source, whose timestamps have another origin: RTP time goes on by the time that passes. */
  switchSource(): void {
    this.#frameClock.rebase()
  }

  /**
   * The next packet to send, retransmissions first. Call until undefined. Without RTX a retransmission is the packet of before: whoever encrypts
   * it has to send the same bytes again, as SRTP uses its sequence number but once.
   */
  pollTransmit(now: number): RtpPacket | undefined {
    const { stats } = this
    const again = this.#responder.poll()
    if (again !== undefined) {
      const packet = this.#rtx === undefined ? again.clone() : this.#rtx.wrap(again)
      stats.retransmittedPacketsSent++
      stats.retransmittedBytesSent += packet.payload.length
      this.#count(packet)
      return packet
    }
    const queued = this.#queue.shift()
    if (queued === undefined) return undefined
    const { packet, at } = queued
    this.#reports.onPacket(packet.timestamp, packet.payload.length, at)
    this.#schedule.wake(now)
    if (this.#parameters.nack === true) this.#history.put(packet, now)
    if (queued.endsFrame) stats.framesSent++
    if (queued.keyFrame) stats.keyFramesSent++
    // A driver reads the clock once for a burst: what was written in the middle of it is later than the burst.
    if (now > at) stats.totalPacketSendDelay += (now - at) / 1000
    this.#count(packet)
    return packet
  }

  /** Takes one RTCP packet of whoever receives this stream; what does not concern it is ignored. */
  receiveRtcp(packet: RtcpPacket, now: number): void {
    switch (packet.type) {
      case 'SR':
      case 'RR':
        for (const block of packet.reports) if (block.ssrc === this.ssrc) this.#onReport(block, now)
        break
      case 'NACK':
        if (packet.mediaSsrc !== this.ssrc || !this.active) break
        this.stats.nackCount++
        if (this.#parameters.nack === true) {
          this.#responder.receive(packet.sequenceNumbers, now)
          this.stats.nackedPacketsExpired = this.#responder.expired
        }
        break
      case 'PLI':
        if (packet.mediaSsrc !== this.ssrc || !this.active) break
        this.stats.pliCount++
        this.#limiter.onPictureLoss(now)
        this.#announceKeyFrameRequest(now)
        break
      case 'FIR':
        for (const entry of packet.entries) {
          if (entry.ssrc !== this.ssrc || !this.active) continue
          this.stats.firCount++
          this.#limiter.onFullIntraRequest(packet.senderSsrc, entry.sequenceNumber, now)
          this.#announceKeyFrameRequest(now)
        }
        break
      case 'REMB':
        if (packet.ssrcs.includes(this.ssrc)) this.#push({ type: 'bitrate-estimate', bitrate: packet.bitrate })
        break
      case 'XR':
        for (const block of packet.blocks) {
          if (block.type === 'RRTR') this.#referenceTimes.receive(packet.ssrc, block.ntpTimestamp, now)
        }
        break
      default:
    }
  }

  /** Reports that are due, to be sent as one compound packet. */
  pollRtcp(now: number): RtcpPacket[] | undefined {
    if (this.#byeOwed) {
      this.#byeOwed = false
      return [...this.#compound(now), { type: 'BYE', ssrcs: [this.ssrc] }]
    }
    return this.#schedule.take(now) ? this.#compound(now) : undefined
  }

  pollEvent(): SendStreamEvent | undefined {
    return this.#events.shift()
  }

  tick(now: number): void {
    this.#announceKeyFrameRequest(now)
  }

  /** Another payload type, codec or retransmission, or a pause. After a change of what is sent, a key frame is asked for. */
  setParameters(parameters: SendParameters): void {
    const before = this.#parameters
    const wasActive = this.active
    this.#parameters = parameters
    this.#applyRtx(parameters)
    this.#reports.setClockRate(parameters.clockRate)
    this.#frameClock.setClockRate(parameters.clockRate)
    const { format, formatParameters } = parameters
    // A packetizer that stays goes on counting (picture ids).
    if (format !== before.format || !sameFormatParameters(formatParameters, before.formatParameters)) {
      this.#packetizer = format?.createPacketizer(formatParameters)
    }
    if (!this.active) {
      this.#queue.clear()
      this.#responder.clear()
      this.#schedule.stop()
    }
    const changed = before.payloadType !== parameters.payloadType || before.format !== parameters.format
    // What was sent before has another payload type: sent again, it would carry the wrong one.
    if (changed) this.#history.clear()
    if (this.active && (changed || !wasActive) && this.#kind === 'video') this.#push({ type: 'key-frame-requested' })
  }

  /** Ends the stream; `pollRtcp` has its BYE (RFC 3550 §6.3.7) if anything was sent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#queue.clear()
    this.#responder.clear()
    this.#history.clear()
    this.#events.clear()
    this.#schedule.stop()
    this.#limiter.clear()
    this.#byeOwed = this.#reports.packetCount > 0
  }

  #applyRtx({ rtx }: SendParameters): void {
    if (rtx === undefined) this.#rtx = undefined
    else if (this.#rtx === undefined) this.#rtx = new RtxSender(rtx.ssrc, rtx.payloadType, this.#word() & 0xffff)
    else {
      this.#rtx.ssrc = rtx.ssrc
      this.#rtx.payloadType = rtx.payloadType
    }
  }

  #onReport(block: ReportBlock, now: number): void {
    const { remote } = this.stats
    remote.reportsReceived++
    remote.packetsLost = block.packetsLost
    remote.fractionLost = block.fractionLost / 256
    remote.jitter = block.jitter / this.#parameters.clockRate
    const ms = this.#roundTrip.measure(
      this.#clock.compact(now),
      block.lastSenderReport,
      block.delaySinceLastSenderReport,
    )
    if (ms === undefined) return
    remote.roundTripTime = ms / 1000
    remote.totalRoundTripTime = this.#roundTrip.total / 1000
    remote.roundTripTimeMeasurements = this.#roundTrip.measurements
    this.#responder.roundTripTime = this.#roundTrip.smoothed
    this.#limiter.roundTripTime = this.#roundTrip.smoothed
  }

  #compound(now: number): RtcpPacket[] {
    const report = this.#reports.report(now)
    const packets: RtcpPacket[] = [
      report ?? { type: 'RR', ssrc: this.ssrc, reports: [] },
      { type: 'SDES', chunks: [{ ssrc: this.ssrc, items: [{ type: CNAME, text: this.#cname }] }] },
    ]
    const answers = this.#referenceTimes.take(now)
    if (answers !== undefined) {
      const blocks: ExtendedReportBlock[] = [{ type: 'DLRR', reports: answers }]
      packets.push({ type: 'XR', ssrc: this.ssrc, blocks })
    }
    this.stats.reportsSent++
    return packets
  }

  #announceKeyFrameRequest(now: number): void {
    if (this.#limiter.take(now)) this.#push({ type: 'key-frame-requested' })
  }

  #push(event: SendStreamEvent): void {
    if (this.#events.length >= MAX_EVENTS) this.#events.shift()
    this.#events.push(event)
  }

  #count(packet: RtpPacket): void {
    const { stats } = this
    stats.packetsSent++
    stats.bytesSent += packet.payload.length
    stats.headerBytesSent += rtpHeaderLength(packet) + packet.paddingLength
  }

  #word(): number {
    return Math.floor(this.#random() * 0x1_0000_0000) >>> 0
  }
}
