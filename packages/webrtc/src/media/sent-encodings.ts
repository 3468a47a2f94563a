import type { MediaSender } from './media-sender.ts'
import type { SenderEncoding } from './sender-encoding.ts'

/** Streams that were removed and may be sent again under the same SSRC, whose sequence numbers go on. */
const MAX_RETIRED = 64

/** The streams that a transport sends, by SSRC, and whose they are. */
export class SentEncodings {
  readonly active: Map<number, SenderEncoding> = new Map()
  readonly #senders = new Map<SenderEncoding, MediaSender>()
  readonly #retired = new Map<number, SenderEncoding>()

  senderOf(encoding: SenderEncoding): MediaSender | undefined {
    return this.#senders.get(encoding)
  }

  /** Under one key no SRTP index may be used twice, so that an SSRC that comes back goes on where it was. */
  takeRetired(ssrc: number): SenderEncoding | undefined {
    const retired = this.#retired.get(ssrc)
    this.#retired.delete(ssrc)
    return retired
  }

  open(encoding: SenderEncoding, sender: MediaSender): void {
    this.#senders.set(encoding, sender)
    this.active.set(encoding.ssrc, encoding)
  }

  retire(encoding: SenderEncoding): void {
    this.active.delete(encoding.ssrc)
    this.#senders.delete(encoding)
    encoding.retire()
    if (this.#retired.size >= MAX_RETIRED) this.#retired.delete(this.#retired.keys().next().value!)
    this.#retired.set(encoding.ssrc, encoding)
  }

  clear(): void {
    this.#retired.clear()
  }
}
