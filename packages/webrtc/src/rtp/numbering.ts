import { headerExtensionUris as URIS } from '@kaon/rtp'
import { parseFormatParameters, type Codec, type Extmap, type MediaSection } from '@kaon/sdp'
import { codecKey, RTX, type CodecCapability } from './codecs.ts'
import type { MediaKind } from './types.ts'

/** RFC 3551 §6 leaves 96–127 to be given out; 35–63 are free too where RTCP shares the port (RFC 5761 §4). */
const DYNAMIC = [...range(96, 127), ...range(35, 63)]

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/**
 * The payload types of a connection: what a number meant once it goes on to mean, since answers use the numbers of offers
 * (RFC 9429 §5.3.1) and bundled sections share them (RFC 9143 §9.1).
 */
export class PayloadTypes {
  readonly #numbers = new Map<string, number>()

  /** Undefined when all numbers are given out. */
  of(capability: CodecCapability): number | undefined {
    return this.#assign(codecKey(capability.kind, capability), capability.payloadType)
  }

  /** The retransmissions of a payload type. */
  ofRtx(apt: number): number | undefined {
    return this.#assign(rtxKey(apt), undefined)
  }

  #assign(key: string, preferred: number | undefined): number | undefined {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const used = new Set(this.#numbers.values())
    const candidates = preferred === undefined ? DYNAMIC : [preferred, ...DYNAMIC]
    const number = candidates.find((one) => !used.has(one))
    if (number !== undefined) this.#numbers.set(key, number)
    return number
  }

  /** Takes over what a description of the peer says. */
  observe(section: MediaSection): void {
    const { codecs, kind } = section
    const said = new Map<string, number>()
    for (const codec of codecs) {
      const apt = aptOf(codec)
      const key = apt === undefined ? codecKey(kind, codec) : rtxKey(apt)
      if (!said.has(key)) said.set(key, codec.payloadType)
    }
    const taken = new Set(said.values())
    for (const [key, number] of this.#numbers) {
      if (taken.has(number) && said.get(key) !== number) this.#numbers.delete(key)
    }
    for (const [key, number] of said) this.#numbers.set(key, number)
  }
}

const rtxKey = (apt: number): string => `rtx/${apt}`

/** The payload type that retransmissions are of (RFC 4588 §8.6); undefined for other codecs. */
export function aptOf(codec: Codec): number | undefined {
  if (codec.name.toLowerCase() !== RTX.name) return undefined
  const apt = parseFormatParameters(codec.fmtp).get('apt')
  return apt !== undefined && /^\d{1,3}$/.test(apt) ? Number(apt) : -1
}

/**
 * Where Chromium puts them. It never gives an id another meaning, not even one of an offer that was rolled back, and refuses the
 * peer's description that does: two sides that both number as it does can let their offers cross.
 */
const USUAL_IDS: Record<MediaKind, Readonly<Record<string, number>>> = {
  audio: { [URIS.audioLevel]: 1, [URIS.absSendTime]: 2, [URIS.transportSequenceNumber]: 3, [URIS.mid]: 4 },
  video: {
    [URIS.transmissionOffset]: 1,
    [URIS.absSendTime]: 2,
    [URIS.videoOrientation]: 3,
    [URIS.transportSequenceNumber]: 4,
    [URIS.playoutDelay]: 5,
    [URIS.mid]: 9,
    [URIS.rid]: 10,
    [URIS.repairedRid]: 11,
  },
}
/** Its content type, timing and colour space, which are not offered here. */
const KEPT_FREE = [6, 7, 8]

/** The ids of header extensions (RFC 8285): one for each URI in all sections, as bundling demands (RFC 9143 §9.1.2). */
export class ExtensionIds {
  readonly #ids = new Map<string, number>()

  of(uri: string, kind: MediaKind): number {
    const known = this.#ids.get(uri)
    if (known !== undefined) return known
    const used = new Set(this.#ids.values())
    const isFree = (id: number): boolean => !used.has(id) && !KEPT_FREE.includes(id)
    // The one-byte form has 1 to 14, 15 is reserved in it.
    const candidates = [USUAL_IDS[kind][uri] ?? 0, ...range(1, 14).toReversed()]
    let id = candidates.find((one) => one > 0 && isFree(one)) ?? 16
    while (used.has(id)) id++
    this.#ids.set(uri, id)
    return id
  }

  observe(extmaps: readonly Extmap[]): void {
    const said = new Map(extmaps.filter(({ id }) => id <= 255).map(({ uri, id }) => [uri, id]))
    const taken = new Set(said.values())
    for (const [uri, id] of this.#ids) if (taken.has(id) && said.get(uri) !== id) this.#ids.delete(uri)
    for (const [uri, id] of said) this.#ids.set(uri, id)
  }
}
