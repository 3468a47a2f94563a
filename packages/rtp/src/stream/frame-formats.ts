import type { Depacketizer } from '../formats/types.ts'
import type { RtpPacket } from '../packet/rtp-packet.ts'
import { sameFormatParameters } from './format-parameters.ts'
import type { ReceiveCodec } from './options.ts'

/** The codecs that frames are made of, and what each remembers from frame to frame. */
export class FrameFormats {
  /** Those with a format: what else comes only counts for the order. */
  readonly #codecs = new Map<number, ReceiveCodec>()
  readonly #depacketizers = new Map<number, Depacketizer>()

  setCodecs(codecs: readonly ReceiveCodec[]): void {
    const before = new Map(this.#codecs)
    this.#codecs.clear()
    for (const codec of codecs) if (codec.format !== undefined) this.#codecs.set(codec.payloadType, codec)
    // What stays keeps its depacketizer, which may know parameter sets.
    for (const [payloadType, old] of before) {
      const codec = this.#codecs.get(payloadType)
      if (codec?.format !== old.format || !sameFormatParameters(codec?.parameters, old.parameters)) {
        this.#depacketizers.delete(payloadType)
      }
    }
  }

  codec(payloadType: number): ReceiveCodec | undefined {
    return this.#codecs.get(payloadType)
  }

  /** Neither padding nor of a payload type that no frame is made of. */
  isMedia(packet: RtpPacket): boolean {
    return packet.payload.length > 0 && this.#codecs.has(packet.payloadType)
  }

  /** Of packets with a payload: whether a frame may begin here. */
  isFrameStart(packet: RtpPacket): boolean {
    return this.#codecs.get(packet.payloadType)?.format!.isFrameStart(packet.payload) === true
  }

  beginsKeyFrame(packet: RtpPacket): boolean {
    if (packet.payload.length === 0) return false
    const format = this.#codecs.get(packet.payloadType)?.format
    return format !== undefined && format.isFrameStart(packet.payload) && format.isKeyFrame(packet.payload)
  }

  depacketizer(codec: ReceiveCodec): Depacketizer {
    let depacketizer = this.#depacketizers.get(codec.payloadType)
    if (depacketizer === undefined) {
      depacketizer = codec.format!.createDepacketizer(codec.parameters)
      this.#depacketizers.set(codec.payloadType, depacketizer)
    }
    return depacketizer
  }

  /** The source began anew: what was remembered is of another. */
  forget(): void {
    this.#depacketizers.clear()
  }
}
