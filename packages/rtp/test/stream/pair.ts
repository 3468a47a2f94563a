import { opus, vp8 } from '../../src/formats/index.ts'
import type { EncodedFrame, PayloadFormat, ReceivedFrame } from '../../src/formats/index.ts'
import { parseRtcp, parseRtp, writeRtcp, writeRtp } from '../../src/index.ts'
import type { RtcpPacket, RtpPacket } from '../../src/index.ts'
import { RtpReceiveStream, RtpSendStream } from '../../src/stream/index.ts'
import type { RtpReceiveStreamOptions, RtpSendStreamOptions } from '../../src/stream/index.ts'

/** A small generator of reproducible randomness (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export const MEDIA = 0x1111_1111
export const RTX = 0x2222_2222
export const RECEIVER = 0x3333_3333
export const WALL_CLOCK = 1_780_000_000_000

/** A frame that passes for VP8: the size of its first partition is 0, and it says whether it is a key frame. */
export function vp8Frame(index: number, size: number, keyFrame: boolean, timestamp: number): EncodedFrame {
  const payload = new Uint8Array(size)
  for (let i = 3; i < size; i++) payload[i] = (index * 31 + i * 7) & 0xff
  payload[0] = keyFrame ? 0x10 : 0x11
  payload[1] = 0
  payload[2] = 0
  if (keyFrame) payload.set([0x9d, 0x01, 0x2a, 160, 0, 120, 0], 3)
  return { payload, timestamp, keyFrame }
}

export function opusFrame(index: number, timestamp: number): EncodedFrame {
  const payload = Uint8Array.from({ length: 60 }, (_, i) => (index * 13 + i) & 0xff)
  return { payload, timestamp, keyFrame: true }
}

export interface LinkOptions {
  readonly seed?: number
  /** One way, ms. */
  readonly delay?: number
  /** Up to that much more, so packets overtake each other. */
  readonly jitter?: number
  /** Probabilities, of both directions. */
  readonly loss?: number
  readonly duplicate?: number
  /** Mean number of packets lost in a row. */
  readonly burst?: number
}

interface Flight {
  readonly at: number
  readonly order: number
  readonly arrive: (now: number) => void
}

/** A sender and a receiver over a link that loses, delays, doubles and reorders, in virtual time. Everything travels as bytes. */
export class StreamPair {
  now = 1000
  readonly sender: RtpSendStream
  readonly receiver: RtpReceiveStream
  readonly frames: ReceivedFrame[] = []
  readonly packets: RtpPacket[] = []
  readonly rtcp: RtcpPacket[] = []
  keyFrameRequests = 0
  byes = 0
  /** Looks at media on its way; false loses it. */
  filter: (packet: RtpPacket) => boolean = () => true
  filterRtcp: (packets: RtcpPacket[], from: 'sender' | 'receiver') => boolean = () => true
  /** For a while, no media gets lost. */
  lossless = false
  /** Turns of the loop, to see that nothing spins. */
  turns = 0
  readonly #link: LinkOptions
  readonly #random: () => number
  #flights: Flight[] = []
  #order = 0
  #inBurst = false

  constructor(
    kind: 'audio' | 'video',
    link: LinkOptions = {},
    send: Partial<RtpSendStreamOptions> = {},
    receive: Partial<RtpReceiveStreamOptions> = {},
    format: PayloadFormat = kind === 'video' ? vp8 : opus,
  ) {
    this.#link = link
    this.#random = seeded(link.seed ?? 1)
    const { now } = this
    const video = kind === 'video'
    this.sender = new RtpSendStream({
      now,
      wallClock: WALL_CLOCK,
      random: seeded((link.seed ?? 1) + 100),
      ssrc: MEDIA,
      payloadType: 96,
      clockRate: format.clockRate,
      format,
      kind,
      cname: 'sender',
      nack: video,
      ...(video ? { rtx: { ssrc: RTX, payloadType: 97 } } : {}),
      ...send,
    })
    this.receiver = new RtpReceiveStream({
      now,
      wallClock: WALL_CLOCK + 5,
      random: seeded((link.seed ?? 1) + 200),
      ssrc: MEDIA,
      localSsrc: RECEIVER,
      kind,
      cname: 'receiver',
      ...(video ? { rtxSsrc: RTX } : {}),
      codecs: [
        {
          payloadType: 96,
          mimeType: format.mimeType,
          clockRate: format.clockRate,
          format,
          ...(video ? { rtxPayloadType: 97, nack: true, pli: true } : {}),
        },
      ],
      ...receive,
    })
  }

  write(frame: EncodedFrame): boolean {
    const written = this.sender.writeFrame(frame, this.now)
    this.drain()
    return written
  }

  /** Lets the time pass. */
  run(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const next = Math.min(this.#nextFlight(), this.sender.deadline, this.receiver.deadline)
      if (next > end) break
      this.now = Math.max(this.now, next)
      this.turns++
      this.#flights.sort((a, b) => a.at - b.at || a.order - b.order)
      while (this.#flights.length > 0 && this.#flights[0]!.at <= this.now) this.#flights.shift()!.arrive(this.now)
      this.sender.tick(this.now)
      this.receiver.tick(this.now)
      this.drain()
      if (this.sender.deadline <= this.now || this.receiver.deadline <= this.now) throw new Error('a deadline stays')
    }
    this.now = end
  }

  drain(): void {
    const { now, sender, receiver } = this
    for (let packet = sender.pollTransmit(now); packet !== undefined; packet = sender.pollTransmit(now)) {
      const bytes = writeRtp(packet)
      if (!this.filter(packet)) continue
      this.#fly(this.#lost(), (at) => receiver.receive(parseRtp(bytes)!, at, bytes))
    }
    for (let report = sender.pollRtcp(now); report !== undefined; report = sender.pollRtcp(now)) {
      this.#sendRtcp(report, 'sender')
    }
    for (let report = receiver.pollRtcp(now); report !== undefined; report = receiver.pollRtcp(now)) {
      this.#sendRtcp(report, 'receiver')
    }
    for (let event = sender.pollEvent(); event !== undefined; event = sender.pollEvent()) {
      if (event.type === 'key-frame-requested') this.keyFrameRequests++
    }
    for (let event = receiver.pollEvent(); event !== undefined; event = receiver.pollEvent()) {
      if (event.type === 'frame') this.frames.push(event.frame)
      else if (event.type === 'packet') this.packets.push(event.packet)
      else this.byes++
    }
  }

  #sendRtcp(packets: RtcpPacket[], from: 'sender' | 'receiver'): void {
    this.rtcp.push(...packets)
    if (!this.filterRtcp(packets, from)) return
    const bytes = writeRtcp(packets)
    const machine = from === 'sender' ? this.receiver : this.sender
    this.#fly(this.#random() < (this.#link.loss ?? 0), (at) => {
      for (const packet of parseRtcp(bytes)!) machine.receiveRtcp(packet, at)
    })
  }

  /** Gilbert's model: losses come in bursts of a mean length. */
  #lost(): boolean {
    const { loss = 0, burst = 1 } = this.#link
    if (loss === 0 || this.lossless) return false
    if (burst <= 1) return this.#random() < loss
    if (this.#inBurst) this.#inBurst = this.#random() >= 1 / burst
    else this.#inBurst = this.#random() < loss / (1 - loss) / burst
    return this.#inBurst
  }

  #fly(lost: boolean, arrive: (now: number) => void): void {
    const { delay = 0, jitter = 0, duplicate = 0 } = this.#link
    const copies = lost ? 0 : this.#random() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      this.#flights.push({ at: this.now + delay + this.#random() * jitter, order: this.#order++, arrive })
    }
  }

  #nextFlight(): number {
    let at = Infinity
    for (const flight of this.#flights) at = Math.min(at, flight.at)
    return at
  }
}
