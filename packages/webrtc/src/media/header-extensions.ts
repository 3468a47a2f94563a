/** Header extensions of one section: ids by URI, and what becomes of a forwarded packet's. */
import type { HeaderExtension, RtpPacket } from '@kaon/rtp'
import type { MediaExtension } from './parameters.ts'

/** RFC 9143 §15.1 */
export const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid'
/** RFC 8852 §4 */
export const RID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id'
export const REPAIRED_RID = 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id'
export const ABS_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time'
export const TRANSPORT_SEQUENCE_NUMBER = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'

/** They speak of one hop: each transport writes its own. */
const OF_ONE_HOP: ReadonlySet<string> = new Set([MID, RID, REPAIRED_RID, ABS_SEND_TIME, TRANSPORT_SEQUENCE_NUMBER])

const NONE: readonly HeaderExtension[] = []

export function idOf(extensions: readonly MediaExtension[], uri: string): number | undefined {
  return extensions.find((extension) => extension.uri === uri)?.id
}

/** Which ids the extensions of one encoding get on another hop. Made once a pair of both. */
export class ExtensionTranslation {
  readonly from: ReadonlyMap<number, string>
  readonly to: readonly MediaExtension[]
  /** By the id of the source; 0 for what is left behind. */
  readonly #ids = new Uint8Array(256)
  readonly #isEmpty: boolean

  constructor(from: ReadonlyMap<number, string>, to: readonly MediaExtension[]) {
    this.from = from
    this.to = to
    let any = false
    for (const [id, uri] of from) {
      if (OF_ONE_HOP.has(uri)) continue
      const target = idOf(to, uri)
      if (target === undefined) continue
      this.#ids[id] = target
      any = true
    }
    this.#isEmpty = !any
  }

  translate(packet: RtpPacket): readonly HeaderExtension[] {
    const { extensions } = packet
    if (this.#isEmpty || extensions.length === 0) return NONE
    const translated: HeaderExtension[] = []
    for (const { id, data } of extensions) {
      const target = this.#ids[id]!
      if (target !== 0) translated.push({ id: target, data })
    }
    return translated
  }
}
