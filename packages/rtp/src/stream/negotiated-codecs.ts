import type { ReceiveCodec } from './options.ts'

/** What may come in a stream, and what feedback (RFC 4585) its sender understands: that of any codec is taken for all. */
export class NegotiatedCodecs {
  nack = false
  pli = false
  fir = false
  readonly #codecs = new Map<number, ReceiveCodec>()
  /** By the payload type of the retransmission. */
  readonly #rtx = new Map<number, ReceiveCodec>()

  set(codecs: readonly ReceiveCodec[]): void {
    this.#codecs.clear()
    this.#rtx.clear()
    let [nack, pli, fir] = [false, false, false]
    for (const codec of codecs) {
      this.#codecs.set(codec.payloadType, codec)
      if (codec.rtxPayloadType !== undefined) this.#rtx.set(codec.rtxPayloadType, codec)
      nack ||= codec.nack ?? false
      pli ||= codec.pli ?? false
      fir ||= codec.fir ?? false
    }
    this.nack = nack
    this.pli = pli
    this.fir = fir
  }

  get(payloadType: number): ReceiveCodec | undefined {
    return this.#codecs.get(payloadType)
  }

  /** The codec of what a retransmission carries (RFC 4588 §8.6, `apt`). */
  ofRtx(payloadType: number): ReceiveCodec | undefined {
    return this.#rtx.get(payloadType)
  }
}
