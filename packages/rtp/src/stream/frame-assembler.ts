import { frameDimensions } from '../formats/dimensions.ts'
import type { ReceivedFrame } from '../formats/types.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import { FrameFormats } from './frame-formats.ts'
import { JitterBuffer } from './jitter-buffer.ts'
import type { JitterBufferOptions } from './jitter-buffer.ts'
import { MediaTime } from './media-time.ts'
import type { ReceiveCodec } from './options.ts'
import { Ring } from './ring.ts'

export interface FrameAssemblerOptions extends JitterBufferOptions {
  readonly ssrc: number
  readonly kind: 'audio' | 'video'
  readonly codecs: readonly ReceiveCodec[]
  readonly rid?: string
  /** How long a missing packet is waited for to begin with, ms; `wait` changes it. Default 500 for video, 200 for audio. */
  readonly wait?: number
}

/** A stream whose first packets are no key frame may have them out of order: this long, in ms, before a key frame is asked for. */
const START_GRACE = 30
/** From then on, while packets come that cannot be decoded, this often. */
const REMINDER = 1000
/** Packets by which the first of a key frame may be out of order. */
const MAX_LEAD = 16
/** Key frames of these begin with parameter sets in packets of their own, and are nothing without. */
const HAS_PARAMETER_SETS = /H26[45]$/i
/** Frames that wait for `poll`. */
const MAX_FRAMES = 512

/**
 * Puts frames together, in the order of decoding, from packets in any order. A missing packet is waited for; then video goes on with the next key
 * frame, audio with the next packet.
 */
export class FrameAssembler {
  /** When `tick` gives something up, absolute ms; Infinity when nothing is missed. */
  deadline: number = Infinity
  /** How long a missing packet is waited for, ms. */
  wait: number
  /** Packets that became part of no frame. */
  packetsDiscarded = 0
  /** Begun and not completed, or not decodable. */
  framesDropped = 0
  framesAssembledFromMultiplePackets = 0
  /** ms, over all frames: from the first packet that came to the last. */
  totalAssemblyTime = 0
  /** ms, over all frames: from the first packet that came to the frame. */
  totalDelay = 0
  readonly #ssrc: number
  readonly #video: boolean
  readonly #rid: string | undefined
  readonly #buffer: JitterBuffer
  readonly #frames = new Ring<ReceivedFrame>()
  readonly #time = new MediaTime()
  readonly #formats = new FrameFormats()
  /** Video cannot go on without one. */
  #awaitingKeyFrame: boolean
  #keyFrameNeeded = false
  #discontinuity = false
  /** The first packet that has not been looked at; those from `next` to here belong to one frame. */
  #scanned = -Infinity
  /** The missing packet that `deadline` waits for. */
  #missed = -Infinity
  /** Where the key frame begins that ended the wait for one, until it is given out; NaN otherwise. */
  #begun = NaN
  /** `deadline` waits for what should be in front of that key frame, or has done so. */
  #headMissed = false
  #headOverdue = false
  #grace = START_GRACE
  #lastArrival = 0

  constructor(options: FrameAssemblerOptions) {
    this.#ssrc = options.ssrc
    this.#video = options.kind === 'video'
    this.#rid = options.rid
    this.#buffer = new JitterBuffer({
      maxPackets: options.maxPackets,
      maxBytes: options.maxBytes,
      lead: options.lead ?? (this.#video ? MAX_LEAD : 0),
    })
    this.#awaitingKeyFrame = this.#video
    this.wait = options.wait ?? (this.#video ? 500 : 200)
    this.#formats.setCodecs(options.codecs)
  }

  /** Frames cannot be given out before a key frame comes. */
  get awaitingKeyFrame(): boolean {
    return this.#awaitingKeyFrame
  }

  /** Packets that are held. */
  get length(): number {
    return this.#buffer.length
  }

  /** The sequence number of the first packet that is still of use. */
  get next(): number {
    return this.#buffer.next & 0xffff
  }

  setCodecs(codecs: readonly ReceiveCodec[]): void {
    this.#formats.setCodecs(codecs)
  }

  /** Takes a packet: of media, of padding, or of a payload type that is not ours and only counts for the order. */
  insert(packet: RtpPacket, now: number): void {
    const buffer = this.#buffer
    let outcome = buffer.insert(packet, now)
    if (outcome === 'full') {
      this.#makeRoom(now)
      outcome = buffer.insert(packet, now)
      if (outcome === 'full') {
        this.packetsDiscarded += buffer.reset()
        this.#scanned = -Infinity
        outcome = buffer.insert(packet, now)
      }
    }
    if (outcome !== 'inserted') {
      if (outcome !== 'duplicate') this.packetsDiscarded++
      return
    }
    this.#lastArrival = now
    if (this.#awaitingKeyFrame) this.#look(packet, now)
    if (!this.#awaitingKeyFrame) this.#advance(now)
  }

  /** Gives up what has been missed for too long. */
  tick(now: number): void {
    while (now >= this.deadline) {
      this.deadline = Infinity
      if (this.#awaitingKeyFrame) {
        this.#keyFrameNeeded = true
      } else if (this.#headMissed) {
        this.#headMissed = false
        this.#headOverdue = true
        this.#keyFrameNeeded = true
        this.#advance(now)
      } else if (this.#video) {
        const from = this.#missed
        if (!Number.isNaN(this.#begun) || this.#buffer.at(this.#buffer.next) !== undefined) this.framesDropped++
        this.#giveUp()
        if (this.#seekKeyFrame(from)) this.#advance(now)
      } else {
        this.#skipMissing()
        this.#advance(now)
      }
    }
  }

  /** The next frame. */
  poll(): ReceivedFrame | undefined {
    return this.#frames.shift()
  }

  /** Whether a key frame has to be asked for, since the last call. */
  takeKeyFrameNeeded(): boolean {
    const needed = this.#keyFrameNeeded
    this.#keyFrameNeeded = false
    return needed
  }

  /** The source began anew, with other sequence numbers and timestamps. */
  reset(now: number): void {
    this.packetsDiscarded += this.#buffer.reset()
    this.#scanned = -Infinity
    this.#begun = NaN
    this.#time.rebase((now - this.#lastArrival) * 1000)
    this.#discontinuity = true
    this.#awaitingKeyFrame = this.#video
    this.#grace = START_GRACE
    this.deadline = Infinity
    this.#formats.forget()
  }

  /** Forgets everything. */
  close(): void {
    this.#buffer.reset()
    this.#frames.clear()
    this.deadline = Infinity
  }

  /** While a key frame is awaited: whether one begins here. What is old enough is let go. */
  #look(packet: RtpPacket, now: number): void {
    const buffer = this.#buffer
    if (this.#formats.beginsKeyFrame(packet)) {
      const sequence = buffer.sequenceOf(packet)
      this.#beginAt(sequence, sequence - MAX_LEAD)
      return
    }
    let end = buffer.next
    for (let i = buffer.next; i < buffer.highest; i++) {
      if (buffer.at(i) === undefined) continue
      if (buffer.receivedAt(i) > now - this.wait) break
      end = i + 1
    }
    if (end > buffer.next) this.packetsDiscarded += buffer.consume(end)
    if (this.deadline !== Infinity || !this.#formats.isMedia(packet)) return
    this.deadline = now + this.#grace
    this.#grace = REMINDER
  }

  /** Begins with the key frame there. Packets from `earliest` on may still turn out to be a part of it. */
  #beginAt(sequence: number, earliest: number): void {
    this.packetsDiscarded += this.#buffer.consume(earliest)
    this.#awaitingKeyFrame = false
    this.#scanned = sequence
    this.#begun = sequence
    this.#headMissed = false
    this.#headOverdue = false
    this.deadline = Infinity
    this.#missed = -Infinity
  }

  /** Video: everything up to the next key frame is lost. */
  #giveUp(): void {
    this.#awaitingKeyFrame = true
    this.#discontinuity = true
    this.#keyFrameNeeded = true
    this.#begun = NaN
    this.#missed = -Infinity
    this.#grace = REMINDER
    this.deadline = Infinity
  }

  /** Too much is missing, or what is held makes no frame. */
  #makeRoom(now: number): void {
    if (this.#video) {
      if (!this.#awaitingKeyFrame) this.framesDropped++
      this.#giveUp()
      this.packetsDiscarded += this.#buffer.consume(this.#buffer.highest + 1)
    } else {
      this.#skipMissing()
      this.#advance(now)
    }
  }

  /** Begins with the first key frame that is held from there on. */
  #seekKeyFrame(from: number): boolean {
    const buffer = this.#buffer
    for (let i = Math.max(buffer.next, from); i <= buffer.highest; i++) {
      const packet = buffer.at(i)
      if (packet === undefined || !this.#formats.beginsKeyFrame(packet)) continue
      this.#beginAt(i, i)
      return true
    }
    return false
  }

  /** Audio: goes on behind what is missing. */
  #skipMissing(): void {
    const buffer = this.#buffer
    let { next } = buffer
    while (next <= buffer.highest && buffer.at(next) === undefined) next++
    if (next === buffer.next) return
    buffer.consume(next)
    this.#discontinuity = true
  }

  /** Gives out all frames that are whole. */
  #advance(now: number): void {
    const buffer = this.#buffer
    if (this.#scanned < buffer.next) this.#scanned = buffer.next
    for (;;) {
      const head = Number.isNaN(this.#begun) ? buffer.next : this.#begun
      const packet = buffer.at(this.#scanned)
      if (packet === undefined) {
        this.#waitFor(this.#scanned)
        return
      }
      if (!this.#formats.isMedia(packet)) {
        // Padding, or not of this stream's media. In front of a frame it is done with.
        if (this.#scanned === buffer.next) buffer.consume(buffer.next + 1)
        this.#scanned++
        continue
      }
      // A frame ends with the marker, or where the next begins when the sender sets none.
      const isNext = packet.timestamp !== buffer.at(head)!.timestamp
      if (!isNext && !packet.marker && this.#video) {
        this.#scanned++
        continue
      }
      const end = isNext ? this.#scanned : this.#scanned + 1
      const start = this.#startOf(head)
      if (start === undefined || !this.#emit(start, end, now)) return
    }
  }

  /**
   * Several packets of a key frame may look like its first one (parameter sets, then a slice), and the wait for one may have ended with a
   * later of them: the earliest is where the frame starts. Undefined while something is missing between it and the others.
   */
  #startOf(head: number): number | undefined {
    const buffer = this.#buffer
    const { timestamp } = buffer.at(head)!
    let start = head
    for (let i = head - 1; i >= buffer.next; i--) {
      const packet = buffer.at(i)
      if (packet === undefined || packet.payload.length === 0) continue
      if (packet.timestamp !== timestamp) break
      if (this.#formats.isFrameStart(packet)) start = i
    }
    for (let i = start + 1; i < head; i++) {
      if (buffer.at(i) !== undefined) continue
      this.#waitFor(i)
      return undefined
    }
    return start
  }

  #waitFor(sequence: number): void {
    this.#headMissed = false
    if (this.#buffer.highest <= sequence) {
      this.deadline = Infinity
    } else if (this.#missed !== sequence || this.deadline === Infinity) {
      this.#missed = sequence
      this.deadline = this.#buffer.missedSince(sequence) + this.wait
    }
  }

  /** Makes a frame of the packets from `start` to before `end`. False when it could not be made and there is no key frame to go on with. */
  #emit(start: number, end: number, now: number): boolean {
    const buffer = this.#buffer
    const first = buffer.at(start)!
    const codec = this.#formats.codec(first.payloadType)!
    const payloads: Uint8Array[] = []
    let begun = Infinity
    let ended = 0
    for (let i = start; i < end; i++) {
      const packet = buffer.at(i)!
      if (packet.payload.length === 0 || packet.payloadType !== first.payloadType) continue
      payloads.push(packet.payload)
      const at = buffer.receivedAt(i)
      if (at < begun) begun = at
      if (at > ended) ended = at
    }
    const frame = this.#formats.depacketizer(codec).depacketize(payloads)
    if (frame?.keyFrame === true && this.#awaitsHead(start, codec, frame.payload)) return false
    this.packetsDiscarded += buffer.consume(start)
    buffer.consume(end)
    this.#scanned = end
    this.#begun = NaN
    if (frame === undefined || frame.payload.length === 0) {
      this.framesDropped++
      if (!this.#video) return true
      this.#giveUp()
      return this.#seekKeyFrame(end)
    }
    if (payloads.length > 1) {
      this.framesAssembledFromMultiplePackets++
      this.totalAssemblyTime += ended - begun
    }
    this.totalDelay += now - begun
    if (this.#frames.length >= MAX_FRAMES) {
      this.#frames.shift()
      this.framesDropped++
    }
    this.#frames.push({
      payload: frame.payload,
      timestamp: this.#time.microseconds(first.timestamp, codec.clockRate),
      keyFrame: frame.keyFrame,
      rtpTimestamp: first.timestamp,
      ssrc: this.#ssrc,
      payloadType: first.payloadType,
      mimeType: codec.mimeType,
      receiveTime: now,
      rid: this.#rid,
      discontinuity: this.#discontinuity,
    })
    this.#discontinuity = false
    return true
  }

  /**
   * The wait for a key frame ended with a slice, and the parameter sets may still come: out of order, or again when they are known to be
   * lost.
   */
  #awaitsHead(start: number, codec: ReceiveCodec, payload: Uint8Array): boolean {
    if (Number.isNaN(this.#begun) || this.#headOverdue || !HAS_PARAMETER_SETS.test(codec.mimeType)) return false
    const before = this.#buffer.at(start - 1)
    if (before !== undefined && before.timestamp !== this.#buffer.at(start)!.timestamp) return false
    if (frameDimensions(codec.mimeType, payload) !== undefined) return false
    if (this.#headMissed && this.#missed === start - 1) return true
    this.#headMissed = true
    this.#missed = start - 1
    this.deadline = this.#buffer.receivedAt(start) + (this.#discontinuity ? this.wait : START_GRACE)
    return true
  }
}
