/** RFC 9143 §9.2: which section an RTP packet belongs to; RFC 8852: and which stream of it. */
import type { RtpPacket } from '@kaon/rtp'
import type { MediaReceiver } from './media-receiver.ts'
import type { ReceiverStream } from './receiver-stream.ts'

/** SSRCs that are known at a time, over all sections. */
export const MAX_SSRCS = 1024

interface Route {
  readonly receiver: MediaReceiver
  readonly stream: ReceiverStream
}

/** A stream, or why there is none. `hold`: a description may tell. */
export type RoutingResult = ReceiverStream | 'hold' | 'rid' | 'payload-type' | 'late' | 'ssrcs'

export class Demultiplexer {
  readonly #receivers = new Map<string, MediaReceiver>()
  readonly #routes = new Map<number, Route>()
  /** Null: two sections have it. */
  readonly #byPayloadType = new Map<number, MediaReceiver | null>()
  /** One id within a bundle (RFC 9143 §7.1.3 by way of RFC 8285: an id stands for one URI in it). */
  #midId: number | undefined

  get receivers(): IterableIterator<MediaReceiver> {
    return this.#receivers.values()
  }

  get ssrcs(): number {
    return this.#routes.size
  }

  receiver(mid: string): MediaReceiver | undefined {
    return this.#receivers.get(mid)
  }

  add(receiver: MediaReceiver): void {
    this.#receivers.set(receiver.mid, receiver)
    this.rebuild()
  }

  delete(receiver: MediaReceiver): void {
    if (this.#receivers.get(receiver.mid) === receiver) this.#receivers.delete(receiver.mid)
    this.rebuild()
  }

  /** After parameters changed. */
  rebuild(): void {
    this.#byPayloadType.clear()
    this.#midId = undefined
    for (const receiver of this.#receivers.values()) {
      this.#midId ??= receiver.midId
      for (const { payloadType, rtxPayloadType } of receiver.parameters.codecs) {
        this.#claim(payloadType, receiver)
        if (rtxPayloadType !== undefined) this.#claim(rtxPayloadType, receiver)
      }
    }
  }

  #claim(payloadType: number, receiver: MediaReceiver): void {
    const owner = this.#byPayloadType.get(payloadType)
    this.#byPayloadType.set(payloadType, owner === undefined || owner === receiver ? receiver : null)
  }

  forget(stream: ReceiverStream): void {
    for (const ssrc of [stream.ssrc, stream.rtxSsrc, stream.fecSsrc]) {
      if (ssrc !== undefined && this.#routes.get(ssrc)?.stream === stream) this.#routes.delete(ssrc)
    }
  }

  forgetSsrc(ssrc: number): void {
    this.#routes.delete(ssrc)
  }

  /** The stream of a known source, for its RTCP. */
  stream(ssrc: number): ReceiverStream | undefined {
    return this.#routes.get(ssrc)?.stream
  }

  route(packet: RtpPacket, now: number): RoutingResult {
    const known = this.#routes.get(packet.ssrc)
    const mid = this.#midId === undefined ? undefined : packet.extension(this.#midId)
    if (known !== undefined && (mid === undefined || sameBytes(mid, known.receiver.midBytes))) return known.stream
    let receiver: MediaReceiver | null | undefined
    if (mid !== undefined) receiver = this.#withMid(mid)
    else receiver = this.#declared(packet.ssrc) ?? this.#byPayloadType.get(packet.payloadType)
    if (receiver === undefined || receiver === null) return 'hold'
    if (known === undefined && this.#routes.size >= MAX_SSRCS) return 'ssrcs'
    const found = receiver.lookup(packet, now)
    if (typeof found !== 'string') this.#routes.set(packet.ssrc, { receiver, stream: found })
    return found
  }

  #withMid(mid: Uint8Array): MediaReceiver | undefined {
    for (const receiver of this.#receivers.values()) if (sameBytes(mid, receiver.midBytes)) return receiver
    return undefined
  }

  #declared(ssrc: number): MediaReceiver | undefined {
    for (const receiver of this.#receivers.values()) {
      const { sources = [] } = receiver.parameters
      if (sources.some((source) => source.ssrc === ssrc || source.rtxSsrc === ssrc || source.fecSsrc === ssrc)) {
        return receiver
      }
    }
    return undefined
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
