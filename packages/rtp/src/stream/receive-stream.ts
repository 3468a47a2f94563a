import type { RtpPacket } from '../packet/rtp-packet.ts'
import { sequenceDistance } from '../packet/sequence.ts'
import { rtpHeaderLength } from '../packet/write.ts'
import type { RtcpPacket } from '../rtcp/types.ts'
import { assemblyWait } from './assembly-wait.ts'
import type { ReceiveStreamEvent } from './events.ts'
import { FrameAssembler } from './frame-assembler.ts'
import { KeyFrameRequester } from './key-frame-requester.ts'
import { NackGenerator, type Arrival } from './nack-generator.ts'
import { NegotiatedCodecs } from './negotiated-codecs.ts'
import type { ReceiveCodec, RtpReceiveStreamOptions } from './options.ts'
import { PacketRecovery } from './packet-recovery.ts'
import { ReceiveEventQueue } from './receive-event-queue.ts'
import { ReceiverReports } from './receiver-reports.ts'
import { unwrapRtx } from './rtx.ts'
import { SequenceWindow } from './sequence-window.ts'
import { createInboundStats } from './stats.ts'
import type { InboundStats } from './stats.ts'

/** How far ahead of everything seen a recovered packet may be: the last of a stream may be lost and come back before the next. */
const MAX_RECOVERED_AHEAD = 128
/** Packets between two looks at how long to wait. */
const ADAPT_INTERVAL = 32

/**
 * One received source with its retransmissions and repairs: packets in, packets and frames and feedback out. A machine without
 * I/O, clock or timers; nothing in it depends on the events being taken.
 */
export class RtpReceiveStream {
  readonly ssrc: number
  readonly stats: InboundStats = createInboundStats()
  readonly #options: RtpReceiveStreamOptions
  readonly #maxLatency: number
  readonly #reports: ReceiverReports
  readonly #window = new SequenceWindow()
  readonly #nack: NackGenerator
  readonly #requester: KeyFrameRequester
  readonly #assembler: FrameAssembler | undefined
  readonly #recovery: PacketRecovery | undefined
  readonly #events: ReceiveEventQueue
  readonly #codecs = new NegotiatedCodecs()
  #rtxSsrc: number | undefined
  /** The first packet of what may be a restart. */
  #suspect: RtpPacket | undefined
  #sinceAdapted = 0
  #closed = false

  constructor(options: RtpReceiveStreamOptions) {
    this.ssrc = options.ssrc
    this.#options = options
    const video = options.kind === 'video'
    this.#maxLatency = options.maxLatency ?? (video ? 500 : 200)
    this.#events = new ReceiveEventQueue(options.maxQueuedEvents ?? 2048, this.stats)
    this.#reports = new ReceiverReports(options, this.stats)
    this.#nack = new NackGenerator({ maxAge: this.#maxLatency })
    this.#requester = new KeyFrameRequester({
      ssrc: options.ssrc,
      localSsrc: options.localSsrc,
      pli: false,
      fir: false,
    })
    if (options.frames ?? true) {
      this.#assembler = new FrameAssembler({
        ssrc: options.ssrc,
        kind: options.kind,
        codecs: options.codecs,
        rid: options.rid,
        wait: this.#maxLatency,
      })
    }
    if (options.flexFec !== undefined || options.redPayloadType !== undefined) {
      this.#recovery = new PacketRecovery(options, this.stats)
    }
    this.setCodecs(options.codecs)
    if (options.rtxSsrc !== undefined) this.setRtxSsrc(options.rtxSsrc)
  }

  get rtxSsrc(): number | undefined {
    return this.#rtxSsrc
  }

  /** Smoothed, ms: measured, as it was told, or as retransmissions let guess. */
  get roundTripTime(): number | undefined {
    return this.#nack.roundTripTime
  }

  /** When `tick` and `pollRtcp` are due, absolute ms; Infinity when idle. */
  get deadline(): number {
    return Math.min(
      this.#reports.deadline,
      this.#nack.deadline,
      this.#requester.deadline,
      this.#assembler?.deadline ?? Infinity,
    )
  }

  /** The round trip as somebody else measured it (ICE, a stream in the other direction), ms. It times NACKs and the wait for them. */
  setRoundTripTime(ms: number): void {
    if (this.#reports.roundTripTime === undefined) this.#useRoundTripTime(ms)
  }

  setRtxSsrc(ssrc: number): void {
    if (ssrc === this.#rtxSsrc) return
    this.#rtxSsrc = ssrc
    this.#reports.setRtx(ssrc)
  }

  /** What was negotiated anew. Packets that wait for others stay. */
  setCodecs(codecs: readonly ReceiveCodec[]): void {
    this.#codecs.set(codecs)
    if (!this.#codecs.nack) this.#nack.clear()
    this.#requester.pli = this.#codecs.pli
    this.#requester.fir = this.#codecs.fir
    this.#assembler?.setCodecs(codecs)
    this.#adapt()
  }

  /**
   * Takes a packet of any of the stream's SSRCs; it belongs to the stream from now on. `datagram` is the same as it came (decrypted): forward error
   * correction needs its bytes, and makes them anew when they are not given.
   */
  receive(packet: RtpPacket, now: number, datagram?: Uint8Array): void {
    if (this.#closed) return
    const { ssrc } = packet
    if (ssrc === this.ssrc) {
      this.#count(packet, now)
      this.#receiveMedia(packet, now, datagram)
    } else if (ssrc === this.#rtxSsrc) {
      this.#count(packet, now)
      this.#receiveRtx(packet, now)
    } else if (this.#recovery !== undefined && ssrc === this.#recovery.repairSsrc) {
      this.#count(packet, now)
      this.#receiveRepair(packet, now)
    } else {
      this.stats.dropped.ssrc++
    }
  }

  /** Takes one RTCP packet of whoever sends this stream; what does not concern it is ignored. */
  receiveRtcp(packet: RtcpPacket, now: number): void {
    if (this.#closed) return
    switch (packet.type) {
      case 'SR':
        if (packet.ssrc === this.ssrc) this.#reports.onSenderReport(packet, now)
        else if (packet.ssrc === this.#rtxSsrc) this.#reports.rtx!.onSenderReport(packet, now)
        break
      case 'BYE':
        if (!packet.ssrcs.includes(this.ssrc)) break
        this.#reports.stop()
        this.#nack.clear()
        this.#requester.onKeyFrame()
        this.#events.push({ type: 'bye' })
        break
      case 'XR':
        for (const block of packet.blocks) {
          if (this.#reports.onExtendedReport(block, now)) this.#useRoundTripTime(this.#reports.roundTripTime!)
        }
        break
      default:
    }
  }

  /** Asks the source for a key frame, as soon and as often as is fitting, until one comes. Without effect where no such feedback was negotiated. */
  requestKeyFrame(now: number): void {
    if (!this.#closed && (this.#requester.pli || this.#requester.fir)) this.#requester.request(now)
  }

  /** Reports and feedback that are due, to be sent as one compound packet, or one of reduced size where that was negotiated. */
  pollRtcp(now: number): RtcpPacket[] | undefined {
    if (this.#closed || now < this.deadline) return undefined
    const feedback = this.#feedback(now)
    const due = this.#reports.take(now)
    if (!due && feedback.length === 0) return undefined
    if (!due && this.#options.reducedSize === true) return feedback
    return [...this.#reports.compound(due, now), ...feedback]
  }

  /** The next packet, frame or notice. */
  pollEvent(): ReceiveStreamEvent | undefined {
    return this.#events.poll()
  }

  tick(now: number): void {
    if (this.#assembler === undefined || now < this.#assembler.deadline) return
    this.#assembler.tick(now)
    this.#takeFrames(now)
  }

  close(): void {
    this.#closed = true
    this.#events.clear()
    this.#reports.stop()
    this.#nack.clear()
    this.#requester.onKeyFrame()
    this.#assembler?.close()
  }

  #receiveMedia(packet: RtpPacket, now: number, datagram: Uint8Array | undefined): void {
    const reception = this.#reports.media.receive(packet.sequenceNumber, packet.timestamp, now)
    if (reception === 'suspect') {
      if (this.#suspect !== undefined) this.stats.dropped.sequenceNumber++
      this.#suspect = packet
      return
    }
    const suspect = this.#suspect
    if (suspect !== undefined) {
      this.#suspect = undefined
      if (reception === 'accepted') this.stats.dropped.sequenceNumber++
    }
    if (reception === 'restarted') {
      this.#restart(now)
      if (suspect !== undefined) this.#accept(suspect, now, 'itself', undefined)
    }
    this.#reports.wake(now)
    if (packet.payload.length > 0) this.#requester.heard(now)
    this.#accept(packet, now, 'itself', datagram)
  }

  #receiveRtx(packet: RtpPacket, now: number): void {
    const { stats } = this
    const codec = this.#codecs.ofRtx(packet.payloadType)
    if (codec === undefined) {
      stats.dropped.payloadType++
      return
    }
    this.#reports.rtx!.receive(packet.sequenceNumber, packet.timestamp, now)
    stats.retransmittedPacketsReceived++
    stats.retransmittedBytesReceived += packet.payload.length
    const original = unwrapRtx(packet, this.ssrc, codec.payloadType)
    if (original === undefined) return
    // Negotiated is one thing, that the sender does so another.
    this.#nack.hasRtx = true
    this.#recover(original, now, 'rtx')
  }

  #receiveRepair(packet: RtpPacket, now: number): void {
    const recovered = this.#recovery!.repair(packet)
    if (recovered === undefined) {
      this.stats.dropped.payloadType++
      return
    }
    for (const media of recovered) this.#recover(media, now, 'fec')
  }

  /** A packet that came by another way than by itself. */
  #recover(packet: RtpPacket, now: number, by: Arrival): void {
    const highest = this.#reports.media.extendedHighestSequenceNumber
    if (highest === undefined || sequenceDistance(packet.sequenceNumber, highest) > MAX_RECOVERED_AHEAD) {
      this.stats.dropped.sequenceNumber++
    } else {
      this.#accept(packet, now, by, undefined)
    }
  }

  #accept(packet: RtpPacket, now: number, by: Arrival, datagram: Uint8Array | undefined): void {
    if (!this.#window.add(packet.sequenceNumber)) {
      this.stats.packetsDuplicated++
      return
    }
    const recovered = by !== 'itself'
    if (this.#codecs.nack) this.#nack.receive(packet.sequenceNumber, now, by)
    const recovery = this.#recovery
    if (recovery === undefined) this.#deliver(packet, now, recovered)
    else if (packet.payloadType === recovery.redPayloadType) this.#unpack(packet, now, recovered, datagram)
    else {
      this.#deliver(packet, now, recovered)
      // What forward error correction brought back, it knows.
      if (by !== 'fec') for (const media of recovery.media(packet, datagram)) this.#recover(media, now, 'fec')
    }
    if (++this.#sinceAdapted >= ADAPT_INTERVAL) this.#adapt()
  }

  #unpack(packet: RtpPacket, now: number, recovered: boolean, datagram: Uint8Array | undefined): void {
    const packets = this.#recovery!.unpack(packet, datagram)
    if (packets === undefined) this.stats.dropped.malformed++
    // A repair, and what is malformed, still leave no hole in the sequence.
    let inside = packet
    for (const media of packets ?? []) {
      if (media.sequenceNumber === packet.sequenceNumber) inside = media
      else if (!this.#window.has(media.sequenceNumber)) this.#recover(media, now, 'fec')
    }
    if (inside === packet) this.#assemble(packet, now)
    else this.#deliver(inside, now, recovered)
  }

  /** Takes a packet for what it is: media, or something that only counts for the order. */
  #deliver(packet: RtpPacket, now: number, recovered: boolean): void {
    if (packet.payload.length > 0) {
      const codec = this.#codecs.get(packet.payloadType)
      if (codec === undefined) this.stats.dropped.payloadType++
      else this.#onMedia(packet, codec, recovered)
    }
    this.#assemble(packet, now)
  }

  #onMedia(packet: RtpPacket, codec: ReceiveCodec, recovered: boolean): void {
    // Telephone events among Opus have a clock of their own, which times nothing else.
    if (codec.format !== undefined) this.#reports.setClockRate(codec.clockRate)
    if (this.#assembler === undefined && this.#requester.wanted && codec.format?.isKeyFrame(packet.payload) === true) {
      this.#requester.onKeyFrame()
    }
    this.#events.push({ type: 'packet', packet, recovered })
  }

  #assemble(packet: RtpPacket, now: number): void {
    if (this.#assembler === undefined) {
      this.#watchAbandoned(now)
      return
    }
    this.#assembler.insert(packet, now)
    this.#takeFrames(now)
  }

  #takeFrames(now: number): void {
    const assembler = this.#assembler!
    const { stats } = this
    for (let frame = assembler.poll(); frame !== undefined; frame = assembler.poll()) {
      stats.framesReceived++
      if (frame.keyFrame) {
        stats.keyFramesReceived++
        this.#requester.onKeyFrame()
      }
      this.#events.push({ type: 'frame', frame })
    }
    stats.packetsDiscarded = assembler.packetsDiscarded
    stats.framesDropped = assembler.framesDropped
    stats.framesAssembledFromMultiplePackets = assembler.framesAssembledFromMultiplePackets
    stats.totalAssemblyTime = assembler.totalAssemblyTime / 1000
    stats.jitterBufferDelay = assembler.totalDelay / 1000
    stats.jitterBufferEmittedCount = stats.framesReceived
    // What was given out or given up is not worth asking for.
    if (this.#nack.missing > 0) this.#nack.forgetBefore(assembler.next)
    if (assembler.takeKeyFrameNeeded()) this.requestKeyFrame(now)
  }

  /** Without frames, nobody notices that what was asked for in vain breaks the picture. */
  #watchAbandoned(now: number): void {
    if (this.#nack.abandoned === 0) return
    this.#nack.abandoned = 0
    if (this.#options.kind === 'video') this.requestKeyFrame(now)
  }

  #feedback(now: number): RtcpPacket[] {
    const { localSsrc } = this.#options
    const packets: RtcpPacket[] = []
    for (let due = this.#nack.poll(now); due !== undefined; due = this.#nack.poll(now)) {
      this.stats.nackCount++
      packets.push({ type: 'NACK', senderSsrc: localSsrc, mediaSsrc: this.ssrc, sequenceNumbers: due })
    }
    if (this.#assembler === undefined) this.#watchAbandoned(now)
    const request = this.#requester.poll(now)
    if (request !== undefined) {
      packets.push(request)
      this.stats.pliCount = this.#requester.pliCount
      this.stats.firCount = this.#requester.firCount
    }
    return packets
  }

  #useRoundTripTime(ms: number): void {
    this.#nack.toldRoundTripTime = ms
    this.#adapt()
  }

  #adapt(): void {
    this.#sinceAdapted = 0
    this.#requester.roundTripTime = this.#nack.roundTripTime
    if (this.#assembler === undefined) return
    this.#assembler.wait = assemblyWait({
      video: this.#options.kind === 'video',
      nack: this.#codecs.nack,
      roundTripTime: this.#nack.roundTripTime,
      jitter: this.#reports.media.jitter * 1000,
      maximum: this.#maxLatency,
    })
  }

  #restart(now: number): void {
    this.stats.restarts++
    this.#window.reset()
    this.#nack.reset()
    this.#assembler?.reset(now)
  }

  #count(packet: RtpPacket, now: number): void {
    const { stats } = this
    stats.packetsReceived++
    stats.bytesReceived += packet.payload.length
    stats.headerBytesReceived += rtpHeaderLength(packet) + packet.paddingLength
    stats.lastPacketReceivedTimestamp = now
  }
}
