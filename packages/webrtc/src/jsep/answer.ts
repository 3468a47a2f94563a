import type { MediaSection, SessionDescription, Setup } from '@kaon/sdp'
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
import { ICE_OPTIONS } from './offer.ts'
import { dataSection, sectionKey, transportSection } from './sections.ts'

export type DtlsRole = 'client' | 'server'

export interface AnswerContext {
  readonly session: LocalSession
  readonly version: number
  readonly pacing: number | undefined
  readonly lite: boolean
  readonly offer: SessionDescription
  /** The role of the DTLS connection of a section that goes on, if there is one. */
  dtlsRole(key: string): DtlsRole | undefined
  /** What is answered to an offered RTP section; undefined refuses it. */
  media(key: string, offered: MediaSection): MediaContent | undefined
  transport(key: string): LocalTransport
}

/** RFC 9429 §5.3. The first data section is taken; what is neither that nor media of ours is refused with port 0. */
export function createAnswer(context: AnswerContext): SessionDescription {
  const { offer, session } = context
  const description = startDescription(session, context.version, context.pacing, context.lite)
  const data = dataSection(offer)
  const contents = offer.media.map((offered, i) =>
    offered === data || offered.isRejected ? undefined : context.media(sectionKey(offered, i), offered),
  )
  const accepted = offer.media.filter((offered, i) => offered === data || contents[i] !== undefined)
  // RFC 9143 §7.3: a group of the answer has what its group of the offer has, without what is refused.
  const groups = new Map(offer.groups.map((group) => [group, [] as string[]]))
  const extensions = new Map(offer.groups.map((group) => [group, new Map<number, string>()]))
  for (const [i, offered] of offer.media.entries()) {
    if (!accepted.includes(offered)) {
      addRejectedSection(description, offered)
      continue
    }
    const key = sectionKey(offered, i)
    const group = offered.mid === undefined ? undefined : offer.bundleOf(offered.mid)
    if (group !== undefined) groups.get(group)?.push(offered.mid!)
    const carrier = transportSection(offer, offered)
    const transport: SectionTransport = {
      local: context.transport(key),
      setup: answerSetup(carrier.setup, context.dtlsRole(key)),
      iceOptions: ICE_OPTIONS.filter((option) => carrier.iceOptions.includes(option)),
    }
    const content = contents[i]
    if (content === undefined) {
      const { mid, protocol, formats } = offered
      addDataSection(description, session, transport, { mid, protocol, formats })
    } else {
      const ids = group === undefined ? undefined : extensions.get(group)
      addMediaSection(description, transport, ids === undefined ? content : withoutCollisions(content, ids))
    }
  }
  finishDescription(description, [...groups.values()], offer.extmapAllowMixed)
  return description
}

/**
 * RFC 9143 §12: in a bundle the id of a header extension means the same in every section. aiortc numbers each section on its
 * own, and cannot read what follows from that: there the extension of a later section is left out. `ids`: URIs of the sections before.
 */
function withoutCollisions(content: MediaContent, ids: Map<number, string>): MediaContent {
  const extmaps = content.extmaps.filter(({ id, uri }) => (ids.get(id) ?? uri) === uri)
  for (const { id, uri } of extmaps) ids.set(id, uri)
  return { ...content, extmaps }
}

/** RFC 8842 §5.3: `active` when we may choose, the old role when the DTLS connection goes on. */
export function answerSetup(offered: Setup | undefined, current: DtlsRole | undefined): Setup {
  if (offered === 'active') return 'passive'
  if (offered === 'passive') return 'active'
  if (current !== undefined) return current === 'client' ? 'active' : 'passive'
  return 'active'
}
