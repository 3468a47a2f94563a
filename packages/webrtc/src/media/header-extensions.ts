/** Header extensions of one section: ids by URI, and what becomes of a forwarded packet's. */
import { headerExtensionUris, type HeaderExtension, type RtpPacket } from '@kaon/rtp'
import type { MediaExtension } from './parameters.ts'

/** They speak of one hop: each transport writes its own. */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  headerExtensionUris.mid,
  headerExtensionUris.rid,
  headerExtensionUris.repairedRid,
  headerExtensionUris.absSendTime,
  headerExtensionUris.transmissionOffset,
  headerExtensionUris.transportSequenceNumber,
  headerExtensionUris.transportSequenceNumber2,
])

const NONE: readonly HeaderExtension[] = []

export function idOf(extensions: readonly MediaExtension[], uri: string): number | undefined {
  return extensions.find((extension) => extension.uri === uri)?.id
}

/** Which ids the extensions of one encoding get on another hop. Made once a pair of both. */
export class ExtensionTranslation {
  readonly from: ReadonlyMap<number, string>
  readonly to: readonly MediaExtension[]
  /** The source's id of what numbers frames, where it goes along. */
  readonly dependencyDescriptorId: number | undefined
  /** By the id of the source; 0 for what is left behind. */
  readonly #ids = new Uint8Array(256)
  readonly #isEmpty: boolean

  constructor(from: ReadonlyMap<number, string>, to: readonly MediaExtension[]) {
    this.from = from
    this.to = to
    let any = false
    let dependencyDescriptorId: number | undefined
    for (const [id, uri] of from) {
      if (OF_ONE_HOP.has(uri)) continue
      const target = idOf(to, uri)
      if (target === undefined) continue
      this.#ids[id] = target
      if (uri === headerExtensionUris.dependencyDescriptor) dependencyDescriptorId = id
      any = true
    }
    this.#isEmpty = !any
    this.dependencyDescriptorId = dependencyDescriptorId
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
