import type { PayloadFormat } from '../formats/types.ts'
import { sequenceDistance, SequenceUnwrapper, timestampDistance } from '../packet/sequence.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import { DependencyContinuity } from './dependency-continuity.ts'
import { Ring } from './ring.ts'
import { Vp8Continuity } from './vp8-continuity.ts'

export interface PacketRewriterOptions {
  /** What the packets become. */
  readonly ssrc: number
  readonly payloadType: number
  /** Hz, of both sides. */
  readonly clockRate: number
  /** Tells key frames. Without one, as for audio, a switch happens with the next packet. */
  readonly format?: PayloadFormat
  /** Of the first packet; at random where nothing is continued (RFC 3550 §5.1). */
  readonly sequenceNumber: number
  readonly timestamp: number
}

/** Packets of the next source that overtook the beginning of its key frame. */
const MAX_HELD = 32
/** A source that jumps further began anew (RFC 3550 A.1). */
const MAX_JUMP = 3000

/**
 * Forwards packets of changing sources as one stream: SSRC, payload type, sequence numbers and timestamps are the receiver's own and go on without
 * a hole when the source changes, and so do picture ids of VP8 and frame numbers of dependency descriptors. Losses of the source stay holes, so that
 * what comes late still fits. The payload is shared, other header extensions go along as they are.
 */
export class PacketRewriter {
  ssrc: number
  payloadType: number
  /** The id of the dependency descriptor in the packets that come next, where they have one. */
  dependencyDescriptorId: number | undefined
  /** Packets that were not forwarded: of another source, before a key frame, or too late. */
  dropped = 0
  /** Times that the source changed or began anew. */
  switches = 0
  readonly #clockRate: number
  readonly #format: PayloadFormat | undefined
  readonly #vp8: Vp8Continuity | undefined
  readonly #dependencies = new DependencyContinuity()
  /** Of which source packets are forwarded. */
  #current: number | undefined
  /** To which source to change with its next key frame. */
  #target: number | undefined
  /** Until told, the first source that comes. */
  #anySource = true
  #unwrapper = new SequenceUnwrapper()
  /** The first forwarded packet of the current source, on its own axis. */
  #first = 0
  #sequenceShift: number
  #timestampShift: number
  #lastSequence: number
  #lastTimestamp: number
  #lastAt = -1
  readonly #held: RtpPacket[] = []
  readonly #released = new Ring<RtpPacket>()

  constructor(options: PacketRewriterOptions) {
    this.ssrc = options.ssrc
    this.payloadType = options.payloadType
    this.#clockRate = options.clockRate
    this.#format = options.format?.kind === 'video' ? options.format : undefined
    this.#vp8 = options.format?.mimeType === 'video/VP8' ? new Vp8Continuity() : undefined
    this.#lastSequence = (options.sequenceNumber - 1) & 0xffff
    this.#lastTimestamp = options.timestamp
    this.#sequenceShift = 0
    this.#timestampShift = 0
  }

  /** The source whose packets are forwarded. */
  get source(): number | undefined {
    return this.#current
  }

  /** The source that is changed to as soon as a key frame of it comes: ask it for one. */
  get awaitedSource(): number | undefined {
    return this.#target
  }

  /** What the next packet will have. */
  get nextSequenceNumber(): number {
    return (this.#lastSequence + 1) & 0xffff
  }

  /**
   * Forwards another source from its next key frame on, and the present one until then. The present one again: nothing until its next key frame,
   * after a pause. Undefined: nothing any more.
   */
  switchTo(ssrc: number | undefined): void {
    this.#anySource = false
    this.#held.length = 0
    if (ssrc === undefined || ssrc === this.#current) this.#current = undefined
    this.#target = ssrc
  }

  /** The packet to send for this one, if it is to be forwarded. Then call `poll` until undefined. */
  rewrite(packet: RtpPacket, now: number): RtpPacket | undefined {
    if (this.#anySource) {
      this.#anySource = false
      this.#target = packet.ssrc
    }
    if (packet.ssrc === this.#target) return this.#tryBegin(packet, now)
    if (packet.ssrc !== this.#current) {
      this.dropped++
      return undefined
    }
    const sequence = this.#unwrapper.peek(packet.sequenceNumber)
    if (Math.abs(sequence - this.#unwrapper.highest!) > MAX_JUMP) {
      // Begun anew under the same SSRC: as another source.
      this.switchTo(packet.ssrc)
      return this.#tryBegin(packet, now)
    }
    if (sequence < this.#first) {
      this.dropped++
      return undefined
    }
    this.#unwrapper.unwrap(packet.sequenceNumber)
    return this.#map(packet, now)
  }

  /** Packets that had overtaken the beginning of the key frame which `rewrite` just returned. */
  poll(): RtpPacket | undefined {
    return this.#released.shift()
  }

  #tryBegin(packet: RtpPacket, now: number): RtpPacket | undefined {
    const { payload } = packet
    const format = this.#format
    const begins =
      payload.length > 0 && (format === undefined || (format.isFrameStart(payload) && format.isKeyFrame(payload)))
    if (!begins) {
      if (this.#held.length >= MAX_HELD) {
        this.#held.shift()
        this.dropped++
      }
      this.#held.push(packet)
      return undefined
    }
    this.#begin(packet, now)
    const first = this.#map(packet, now)
    for (const held of this.#held) {
      const distance = sequenceDistance(held.sequenceNumber, packet.sequenceNumber)
      if (distance <= 0 || distance > MAX_HELD) {
        this.dropped++
        continue
      }
      this.#unwrapper.unwrap(held.sequenceNumber)
      this.#released.push(this.#map(held, now))
    }
    this.#held.length = 0
    return first
  }

  #begin(packet: RtpPacket, now: number): void {
    this.#current = packet.ssrc
    this.#target = undefined
    this.#unwrapper = new SequenceUnwrapper()
    this.#first = this.#unwrapper.unwrap(packet.sequenceNumber)
    this.#sequenceShift = this.#lastSequence + 1 - packet.sequenceNumber
    let timestamp = this.#lastTimestamp
    if (this.#lastAt >= 0) {
      this.switches++
      timestamp += Math.max(1, Math.round(((now - this.#lastAt) * this.#clockRate) / 1000))
    }
    this.#timestampShift = timestamp - packet.timestamp
    this.#vp8?.begin(packet.payload)
    const id = this.dependencyDescriptorId
    if (id !== undefined) this.#dependencies.begin(packet.extensions, id)
  }

  #map(packet: RtpPacket, now: number): RtpPacket {
    const out = packet.clone()
    out.ssrc = this.ssrc
    out.payloadType = this.payloadType
    out.sequenceNumber = (packet.sequenceNumber + this.#sequenceShift) & 0xffff
    out.timestamp = (packet.timestamp + this.#timestampShift) >>> 0
    const newest = sequenceDistance(out.sequenceNumber, this.#lastSequence) > 0
    if (newest) this.#lastSequence = out.sequenceNumber
    if (this.#lastAt < 0 || timestampDistance(out.timestamp, this.#lastTimestamp) > 0) {
      this.#lastTimestamp = out.timestamp
      this.#lastAt = now
    }
    if (this.#vp8 !== undefined) out.payload = this.#vp8.rewrite(packet.payload, newest)
    const id = this.dependencyDescriptorId
    if (id !== undefined) out.extensions = this.#dependencies.rewrite(packet.extensions, id, newest)
    return out
  }
}
