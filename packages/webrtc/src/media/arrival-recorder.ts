/** What is told of arrivals to a peer that estimates bandwidth: by transport-wide numbers, or by RFC 8888. */
import { headerExtensionUris, type RtcpPacket, type RtpPacket } from '@kaon/rtp'
import { CcfbRecorder, TwccRecorder, WallClock } from '@kaon/rtp/stream'
import { idOf } from './header-extensions.ts'
import type { MediaContext } from './media-context.ts'
import type { ReceiveParameters } from './parameters.ts'

export class ArrivalRecorder {
  readonly #context: MediaContext
  #twcc: TwccRecorder | undefined
  #twccId = 0
  #ccfb: CcfbRecorder | undefined

  constructor(context: MediaContext) {
    this.#context = context
  }

  get deadline(): number {
    return Math.min(this.#twcc?.deadline ?? Infinity, this.#ccfb?.deadline ?? Infinity)
  }

  /** What the sections that are received have negotiated. */
  configure(sections: Iterable<{ readonly parameters: ReceiveParameters }>): void {
    let twccId: number | undefined
    let wantsCcfb = false
    for (const { parameters } of sections) {
      const { codecs, headerExtensions } = parameters
      const wantsTwcc = codecs.some(({ feedback }) => feedback.includes('transport-cc'))
      if (wantsTwcc) twccId ??= idOf(headerExtensions, headerExtensionUris.transportSequenceNumber)
      wantsCcfb ||= codecs.some(({ feedback }) => feedback.includes('ack ccfb'))
    }
    const { localSsrc } = this.#context
    if (twccId === undefined) this.#twcc = undefined
    else {
      this.#twccId = twccId
      this.#twcc ??= new TwccRecorder({ localSsrc })
    }
    // One kind of feedback is enough where both were agreed on.
    if (!wantsCcfb || this.#twcc !== undefined) this.#ccfb = undefined
    else {
      const clock = new WallClock(this.#context.now(), this.#context.wallClock())
      this.#ccfb ??= new CcfbRecorder({ localSsrc, clock })
    }
  }

  record(packet: RtpPacket, now: number): void {
    this.#ccfb?.receive(packet.ssrc, packet.sequenceNumber, now)
    if (this.#twcc === undefined) return
    const data = packet.extension(this.#twccId)
    if (data !== undefined && data.length >= 2) this.#twcc.receive((data[0]! << 8) | data[1]!, packet.ssrc, now)
  }

  forget(ssrc: number): void {
    this.#ccfb?.remove(ssrc)
  }

  /** The next report that is due. Call until undefined. */
  poll(now: number): RtcpPacket | undefined {
    return this.#twcc?.poll(now) ?? this.#ccfb?.poll(now)
  }
}
