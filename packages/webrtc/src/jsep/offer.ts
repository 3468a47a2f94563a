import type { MediaSection, SessionDescription } from '@kaon/sdp'
import {
  addDataSection,
  addMediaSection,
  addRejectedSection,
  finishDescription,
  startDescription,
  type LocalSession,
  type LocalTransport,
  type MediaContent,
  type SectionTransport,
} from './generate.ts'
import { isDataSection } from './sections.ts'

/**
 * What the ICE agent can do: RFC 8838, RFC 8445 §10, and draft-thatcher-ice-renomination, by which libwebrtc moves to
 * another pair without a restart when both sides say so.
 */
export const ICE_OPTIONS: readonly string[] = ['trickle', 'ice2', 'renomination']

/** Media that wants a section: a transceiver that is not stopped. */
export interface OfferedMedia {
  readonly kind: string
  /** Null before a section was found for it. */
  readonly mid: string | null
  /** @param previous its section in the local description that is continued */
  content(mid: string, previous: MediaSection | undefined): MediaContent
}

export interface OfferContext {
  readonly session: LocalSession
  readonly version: number
  readonly pacing: number | undefined
  readonly lite: boolean
  /** The description whose sections, in their order, this offer continues. */
  readonly previous: SessionDescription | undefined
  /** Mids whose sections are bundled by agreement. */
  isBundled(mid: string): boolean
  /** A section of `previous` that either side refused. */
  isRejected(index: number): boolean
  /** A section of `previous` that is free for other media: refused by agreement. */
  isFree(index: number): boolean
  /** A data section is wanted though `previous` may have none. */
  readonly wantsData: boolean
  readonly media: readonly OfferedMedia[]
  /** What is said of the transport of a section. */
  transport(mid: string): LocalTransport
  /** A fresh `a=mid`, another one at each call. */
  newMid(): string
}

export interface Offer {
  readonly model: SessionDescription
  /** The mids that media without one will have when the offer is set. */
  readonly mids: ReadonlyMap<OfferedMedia, string>
}

/** What stands in a place of the offer. */
type Place =
  | { readonly type: 'data'; readonly mid: string; readonly source: MediaSection | undefined }
  | {
      readonly type: 'media'
      readonly mid: string
      readonly media: OfferedMedia
      readonly source: MediaSection | undefined
    }
  | { readonly type: 'rejected'; readonly source: MediaSection }

/**
 * RFC 9429 §5.2. Sections never change their place; a refused one may be taken into use again under another mid.
 * None is `bundle-only`, whatever the policy, and each has the transport's lines: so browsers write them, and Chromium
 * refuses a data section behind two that are written otherwise. The policy decides which sections get a transport of their own.
 */
export function createOffer(context: OfferContext): Offer {
  const description = startDescription(context.session, context.version, context.pacing, context.lite)
  const places = planSections(context)
  const mids = places.flatMap((place) => (place.type === 'rejected' ? [] : [place.mid]))
  // RFC 9143 §7.5.1: who carries the transport goes on to do so, also when a section in front of it is taken into use again.
  const bundled = [...mids.filter((mid) => context.isBundled(mid)), ...mids.filter((mid) => !context.isBundled(mid))]
  for (const place of places) {
    if (place.type === 'rejected') {
      addRejectedSection(description, place.source)
      continue
    }
    const transport: SectionTransport = {
      local: context.transport(place.mid),
      // RFC 9429 §5.2.1: offers always say actpass, the role that is in use comes out of the answer again.
      setup: 'actpass',
      iceOptions: ICE_OPTIONS,
    }
    if (place.type === 'media') {
      addMediaSection(description, transport, place.media.content(place.mid, place.source))
    } else {
      const { mid, source } = place
      const as = source === undefined ? {} : { protocol: source.protocol, formats: source.formats }
      addDataSection(description, context.session, transport, { mid, ...as })
    }
  }
  finishDescription(description, [bundled], true)
  const given = places.flatMap((place) => (place.type === 'media' ? [[place.media, place.mid] as const] : []))
  return { model: description, mids: new Map(given) }
}

function planSections(context: OfferContext): Place[] {
  const previous = context.previous?.media ?? []
  const waiting = context.media.filter(({ mid }) => mid === null)
  // A data section that was refused is taken into use again when there are channels for it (RFC 9429 §5.2.2).
  let data = previous.find((section, i) => isDataSection(section) && !context.isRejected(i))
  if (data === undefined && context.wantsData) data = previous.find(isDataSection)
  const places: Place[] = previous.map((old, i): Place => {
    if (old === data) {
      const mid = context.isRejected(i) ? context.newMid() : (old.mid ?? context.newMid())
      return { type: 'data', mid, source: old }
    }
    const own = context.media.find(({ mid }) => mid !== null && mid === (old.mid ?? String(i)))
    if (own !== undefined && !old.isRejected) return { type: 'media', mid: own.mid!, media: own, source: old }
    const next = context.isFree(i) ? waiting.shift() : undefined
    return next === undefined
      ? { type: 'rejected', source: old }
      : { type: 'media', mid: context.newMid(), media: next, source: undefined }
  })
  for (const media of waiting) places.push({ type: 'media', mid: context.newMid(), media, source: undefined })
  if (data === undefined && context.wantsData) places.push({ type: 'data', mid: context.newMid(), source: undefined })
  return places
}
