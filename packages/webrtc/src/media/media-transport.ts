/** All RTP and RTCP of one ICE and DTLS transport: SRTP, demultiplexing, streams, feedback. No sockets, no timers. */
import type { CryptoProvider } from '@kaon/crypto'
import { isRtcp, parseRtcp, parseRtp, writeRtcp, type RtcpPacket, type RtpPacket } from '@kaon/rtp'
import type { Trace } from '../transport/settings.ts'
import { ArrivalRecorder } from './arrival-recorder.ts'
import { Demultiplexer } from './demultiplexer.ts'
import { HeldPackets } from './held-packets.ts'
import type { MediaContext } from './media-context.ts'
import { MediaReceiver, type MediaReceiverOwner } from './media-receiver.ts'
import { MediaSender, type MediaSenderOwner } from './media-sender.ts'
import { createMediaStats, type MediaTransportStats } from './media-stats.ts'
import { PacketWriter } from './outgoing-packets.ts'
import type { EncodingParameters, MediaCodec, ReceiveParameters, SendParameters, SrtpKeys } from './parameters.ts'
import type { ReceiverStream } from './receiver-stream.ts'
import { RtcpBatch } from './rtcp-batch.ts'
import { dispatchRtcp, type RtcpTargets } from './rtcp-dispatch.ts'
import { SenderEncoding } from './sender-encoding.ts'
import { SentEncodings } from './sent-encodings.ts'
import { SrtpSession } from './srtp-session.ts'
import type { TrackSource } from './track-source.ts'

/** Sources whose packets are kept until a description names them, and packets of each: a large key frame. */
const MAX_HELD_SOURCES = 16
const MAX_HELD_PACKETS = 160
/** ms */
const MAX_HELD_AGE = 10_000

export interface MediaTransportOptions {
  /** Monotonic ms, and ms since 1970. */
  readonly clock: { now(): number; wallClock(): number }
  /** Something is owed outside of a drain: call `transmit` soon. */
  readonly onPending: () => void
  readonly crypto?: CryptoProvider
  /** Uniform in [0, 1). Default: from `crypto.getRandomValues`. */
  readonly random?: () => number
  readonly trace?: Trace
}

export class MediaTransport implements MediaContext, MediaReceiverOwner, MediaSenderOwner, RtcpTargets {
  readonly stats: MediaTransportStats = createMediaStats()
  readonly localSsrc: number
  readonly random: () => number
  readonly trace: Trace | undefined
  readonly demultiplexer: Demultiplexer = new Demultiplexer()
  /** Feedback on the whole transport: TWCC, CCFB, REMB. Called in the middle of `receive`. */
  onTransportFeedback: ((packet: RtcpPacket, now: number) => void) | undefined
  /** A packet with a transport-wide sequence number has left. */
  onSent: ((transportSequenceNumber: number, size: number, now: number) => void) | undefined
  readonly #options: MediaTransportOptions
  readonly #senders = new Map<string, MediaSender>()
  readonly #sent = new SentEncodings()
  readonly #srtp: SrtpSession
  readonly #writer = new PacketWriter()
  readonly #batch = new RtcpBatch()
  readonly #arrivals = new ArrivalRecorder(this)
  readonly #held = new HeldPackets(MAX_HELD_SOURCES, MAX_HELD_PACKETS, MAX_HELD_AGE)
  #cname = ''
  #roundTripTime: number | undefined
  #touchedReceivers: ReceiverStream[] = []
  #touchedSenders: SenderEncoding[] = []
  /** Undefined: to be found anew. */
  #deadline: number | undefined = Infinity
  /** In the middle of a drain, or of being fed: whoever feeds drains afterwards. */
  #isBusy = false
  #isFed = false
  #isClosed = false

  constructor(options: MediaTransportOptions) {
    this.#options = options
    this.random = options.random ?? platformRandom
    this.trace = options.trace
    this.#srtp = new SrtpSession(options.crypto, this.stats, options.trace)
    this.localSsrc = Math.floor(this.random() * 0x1_0000_0000)
  }

  get encodings(): ReadonlyMap<number, SenderEncoding> {
    return this.#sent.active
  }

  now(): number {
    return this.#options.clock.now()
  }

  wallClock(): number {
    return this.#options.clock.wallClock()
  }

  get roundTripTime(): number | undefined {
    return this.#roundTripTime
  }

  /** The round trip of the path as ICE or a report measured it, ms: it times what is asked for again. */
  setRoundTripTime(ms: number): void {
    this.#roundTripTime = ms
    for (const receiver of this.demultiplexer.receivers) {
      for (const { rtp } of receiver.streams) rtp.setRoundTripTime(ms)
    }
    this.#deadline = undefined
  }

  get isWritable(): boolean {
    return this.#srtp.sender !== undefined && !this.#isClosed
  }

  // -- what negotiation says

  /**
   * Receives a section into a source. Packets that came before are delivered at the next `transmit`. Throws an `Error` when
   * the section has a receiver.
   */
  addReceiver(mid: string, parameters: ReceiveParameters, source: TrackSource): MediaReceiver {
    if (this.demultiplexer.receiver(mid) !== undefined) throw new Error(`Section ${mid} has a receiver`)
    this.#cname = parameters.cname
    const receiver = new MediaReceiver(this, this, mid, parameters, source)
    this.demultiplexer.add(receiver)
    this.parametersChanged()
    return receiver
  }

  /** Sends a section. Throws an `Error` when it has a sender, or one of the SSRCs is in use. */
  addSender(mid: string, parameters: SendParameters): MediaSender {
    if (this.#senders.has(mid)) throw new Error(`Section ${mid} has a sender`)
    this.#cname = parameters.cname
    const sender = new MediaSender(this, this, mid, parameters)
    this.#senders.set(mid, sender)
    return sender
  }

  receiver(mid: string): MediaReceiver | undefined {
    return this.demultiplexer.receiver(mid)
  }

  sender(mid: string): MediaSender | undefined {
    return this.#senders.get(mid)
  }

  /** DTLS is connected, or connected anew: what came before is read, and senders begin. Throws as `@kaon/srtp` for wrong lengths. */
  setKeys(keys: SrtpKeys): void {
    if (this.#isClosed) return
    const now = this.now()
    for (const datagram of this.#srtp.setKeys(keys)) this.receive(datagram, now)
    for (const encoding of this.encodings.values()) encoding.keysChanged()
    for (const sender of this.#senders.values()) sender.becameWritable()
    this.#pending()
  }

  // -- incoming

  /** Takes in a datagram whose first byte is 128 to 191 (RFC 7983). The buffer is ours from here on. */
  receive(datagram: Uint8Array, now: number): void {
    if (this.#isClosed) return
    this.#isFed = true
    try {
      this.#receive(datagram, now)
    } finally {
      this.#isFed = false
    }
  }

  #receive(datagram: Uint8Array, now: number): void {
    const plain = this.#srtp.open(datagram)
    if (plain === undefined) return
    if (isRtcp(plain)) this.#receiveRtcp(plain, now)
    else this.#receiveRtp(plain, now)
  }

  #receiveRtp(plain: Uint8Array, now: number): void {
    this.stats.packetsReceived++
    const packet = parseRtp(plain)
    if (packet === undefined) {
      this.stats.dropped.malformed++
      return
    }
    this.#arrivals.record(packet, now)
    this.#deadline = undefined
    if (this.#route(packet, now) === 'held') this.stats.held++
  }

  #route(packet: RtpPacket, now: number): 'held' | undefined {
    const { dropped } = this.stats
    const stream = this.demultiplexer.route(packet, now)
    switch (stream) {
      case 'hold':
        dropped.unknown += this.#held.hold(packet, now)
        return 'held'
      case 'rid':
        dropped.rid++
        return undefined
      case 'late':
        dropped.late++
        return undefined
      case 'payload-type':
        dropped.payloadType++
        return undefined
      case 'ssrcs':
        dropped.ssrcs++
        return undefined
      default: {
        const isFirst = stream.isNew && this.#held.sources > 0
        if (isFirst) for (const held of this.#held.takeOf(packet.ssrc)) stream.receive(held.packet, held.arrival)
        stream.receive(packet, now)
        this.touchReceiver(stream)
        // Retransmissions and layers may have waited for this one.
        if (isFirst) this.#releaseHeld()
        return undefined
      }
    }
  }

  /** Looks again at what was held: whose it is may be known now. */
  #releaseHeld(): void {
    for (const { packet, arrival } of this.#held.take()) this.#route(packet, arrival)
  }

  #receiveRtcp(plain: Uint8Array, now: number): void {
    const { dropped } = this.stats
    this.stats.rtcpPacketsReceived++
    const packets = parseRtcp(plain)
    if (packets === undefined) {
      dropped.malformed++
      return
    }
    this.trace?.({ layer: 'rtcp', name: 'received', data: packets })
    for (const packet of packets) {
      if (packet.type === 'TWCC' || packet.type === 'CCFB' || packet.type === 'REMB') {
        this.onTransportFeedback?.(packet, now)
      }
      if (!dispatchRtcp(packet, this, now)) dropped.rtcp++
    }
    if (packets[0]!.type === 'RR' || packets[0]!.type === 'SR') this.#learnRoundTripTime()
  }

  #learnRoundTripTime(): void {
    for (const { rtp } of this.encodings.values()) {
      const measured = rtp.roundTripTime
      if (measured === undefined || measured === this.#roundTripTime) continue
      this.setRoundTripTime(measured)
      return
    }
  }

  // -- outgoing

  /** Hands on what came, then gives `send` every datagram that is owed. */
  transmit(now: number, send: (datagram: Uint8Array) => void): void {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      const receivers = this.#touchedReceivers
      this.#touchedReceivers = []
      for (const stream of receivers) {
        stream.isTouched = false
        stream.deliver()
      }
      const senders = this.#touchedSenders
      this.#touchedSenders = []
      for (const encoding of senders) {
        encoding.isTouched = false
        this.#sendMedia(encoding, now, send)
      }
      if (this.#srtp.sender !== undefined) {
        for (const stream of receivers) this.#owe(stream.rtp.pollRtcp(now))
        for (const encoding of senders) this.#owe(encoding.rtp.pollRtcp(now))
        this.#sendRtcp(now, send)
      }
      this.#deadline = undefined
    } finally {
      this.#isBusy = false
    }
    // A key frame was asked for of what this transport receives itself.
    if (this.#touchedReceivers.length > 0 || this.#touchedSenders.length > 0) this.#pending()
  }

  #sendMedia(encoding: SenderEncoding, now: number, send: (datagram: Uint8Array) => void): void {
    const { rtp } = encoding
    for (let event = rtp.pollEvent(); event !== undefined; event = rtp.pollEvent()) {
      if (event.type === 'key-frame-requested') this.#sent.senderOf(encoding)?.keyFrameRequestedBy(encoding)
    }
    for (let packet = rtp.pollTransmit(now); packet !== undefined; packet = rtp.pollTransmit(now)) {
      const datagram = this.#protect(packet, encoding, now)
      if (datagram === undefined) continue
      this.stats.packetsSent++
      this.stats.bytesSent += datagram.length
      send(datagram)
    }
  }

  #protect(packet: RtpPacket, encoding: SenderEncoding, now: number): Uint8Array | undefined {
    const srtp = this.#srtp.sender
    if (srtp === undefined) return undefined
    const isRtx = packet.ssrc !== encoding.ssrc
    const repeated = encoding.sent?.get(packet.sequenceNumber)
    // What is sent is the network's: a repetition needs bytes of its own.
    if (repeated !== undefined && !isRtx) return repeated.slice()
    const sequence = this.#writer.transportSequenceNumber
    try {
      const datagram = this.#writer.write(packet, isRtx, encoding.hop, srtp, now)
      if (!isRtx) encoding.sent?.set(packet.sequenceNumber, datagram.slice())
      if (encoding.hop.transportSequence !== undefined) this.onSent?.(sequence, datagram.length, now)
      return datagram
    } catch (error) {
      this.#srtp.refused(error)
      return undefined
    }
  }

  #owe(packets: readonly RtcpPacket[] | undefined): void {
    if (packets !== undefined) this.#batch.add(packets)
  }

  #sendRtcp(now: number, send: (datagram: Uint8Array) => void): void {
    const arrivals = this.#arrivals
    for (let report = arrivals.poll(now); report !== undefined; report = arrivals.poll(now)) this.#batch.add([report])
    if (this.#batch.isEmpty) return
    for (const packets of this.#batch.take(this.#identity())) {
      this.trace?.({ layer: 'rtcp', name: 'sent', data: packets })
      try {
        const datagram = this.#srtp.sender!.protectRtcp(writeRtcp(packets))
        this.stats.rtcpPacketsSent++
        this.stats.bytesSent += datagram.length
        send(datagram)
      } catch (error) {
        this.#srtp.refused(error)
      }
    }
  }

  #identity(): { ssrc: number; cname: string; reducedSize: boolean } {
    let reducedSize = true
    for (const { parameters } of this.demultiplexer.receivers) reducedSize &&= parameters.rtcpReducedSize
    for (const { parameters } of this.#senders.values()) reducedSize &&= parameters.rtcpReducedSize
    return { ssrc: this.localSsrc, cname: this.#cname, reducedSize }
  }

  // -- time

  /** Absolute ms at which `tick` is due. */
  get deadline(): number {
    return (this.#deadline ??= this.#nextDeadline())
  }

  #nextDeadline(): number {
    // Without keys nothing that is due could be sent.
    if (!this.isWritable) return Infinity
    let deadline = this.#arrivals.deadline
    for (const receiver of this.demultiplexer.receivers) {
      for (const { rtp } of receiver.streams) if (rtp.deadline < deadline) deadline = rtp.deadline
    }
    for (const { rtp } of this.encodings.values()) if (rtp.deadline < deadline) deadline = rtp.deadline
    return deadline
  }

  /** Lets time pass; `transmit` takes what it brought. */
  tick(now: number): void {
    if (!this.isWritable) return
    this.#isFed = true
    for (const receiver of this.demultiplexer.receivers) {
      for (const stream of receiver.streams) {
        if (stream.rtp.deadline > now) continue
        stream.rtp.tick(now)
        this.touchReceiver(stream)
      }
    }
    for (const encoding of this.encodings.values()) {
      if (encoding.rtp.deadline > now) continue
      encoding.rtp.tick(now)
      this.touchSender(encoding)
    }
    this.#isFed = false
    this.#deadline = undefined
  }

  /** Owes the peer a BYE of everything sent, which a last `transmit` sends, and takes nothing in any more. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    for (const sender of this.#senders.values()) sender.remove()
    for (const receiver of this.demultiplexer.receivers) receiver.release()
    this.#isClosed = true
    this.#srtp.close()
    this.#held.clear()
    this.#sent.clear()
    this.#deadline = Infinity
  }

  // -- for receivers and senders

  touchReceiver(stream: ReceiverStream): void {
    this.#deadline = undefined
    if (stream.isTouched) return
    stream.isTouched = true
    this.#touchedReceivers.push(stream)
    this.#pending()
  }

  touchSender(encoding: SenderEncoding): void {
    this.#deadline = undefined
    if (encoding.isTouched) return
    encoding.isTouched = true
    this.#touchedSenders.push(encoding)
    this.#pending()
  }

  #pending(): void {
    if (!this.#isBusy && !this.#isFed) this.#options.onPending()
  }

  streamClosed(stream: ReceiverStream): void {
    this.demultiplexer.forget(stream)
    for (const ssrc of [stream.ssrc, stream.rtxSsrc, stream.fecSsrc]) if (ssrc !== undefined) this.#forget(ssrc)
    this.#deadline = undefined
  }

  #forget(ssrc: number): void {
    this.#arrivals.forget(ssrc)
    this.#srtp.forget(ssrc, (one) => this.demultiplexer.stream(one) !== undefined)
  }

  forgetSsrc(ssrc: number): void {
    this.demultiplexer.forgetSsrc(ssrc)
    this.#forget(ssrc)
  }

  parametersChanged(): void {
    this.demultiplexer.rebuild()
    this.#arrivals.configure(this.demultiplexer.receivers)
    this.#deadline = undefined
    this.#releaseHeld()
  }

  removeReceiver(receiver: MediaReceiver): void {
    this.demultiplexer.delete(receiver)
    this.parametersChanged()
  }

  openEncoding(
    mid: string,
    parameters: SendParameters,
    init: EncodingParameters,
    codec: MediaCodec,
    sender: MediaSender,
  ): SenderEncoding {
    if (this.encodings.has(init.ssrc)) throw new Error(`SSRC ${init.ssrc} is in use`)
    const retired = this.#sent.takeRetired(init.ssrc)
    this.#batch.cancelBye(init.ssrc)
    retired?.update(mid, parameters, init, codec)
    const encoding = retired ?? new SenderEncoding(this, mid, parameters, init, codec)
    this.#sent.open(encoding, sender)
    return encoding
  }

  closeEncoding(encoding: SenderEncoding): void {
    this.#sent.retire(encoding)
    if (encoding.stats.packetsSent > 0) this.#batch.bye(encoding.ssrc)
    this.#pending()
  }

  removeSender(sender: MediaSender): void {
    if (this.#senders.get(sender.mid) === sender) this.#senders.delete(sender.mid)
  }
}

function platformRandom(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 0x1_0000_0000
}
