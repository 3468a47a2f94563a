import type { MediaSection, SessionDescription } from '@kaon/sdp'
import {
  addDataSection,
  addRejectedSection,
  finishDescription,
  startDescription,
  type LocalSession,
  type LocalTransport,
} from './generate.ts'
import { isDataSection } from './sections.ts'

/**
 * What the ICE agent can do: RFC 8838, RFC 8445 §10, and draft-thatcher-ice-renomination, by which libwebrtc moves to
 * another pair without a restart when both sides say so.
 */
export const ICE_OPTIONS: readonly string[] = ['trickle', 'ice2', 'renomination']

export interface OfferContext {
  readonly session: LocalSession
  readonly version: number
  /** The description whose sections, in their order, this offer continues. */
  readonly previous: SessionDescription | undefined
  /** A section of it that either side refused. */
  isRejected(index: number): boolean
  /** A data section is wanted though `previous` may have none. */
  readonly wantsData: boolean
  readonly transport: LocalTransport
  /** A fresh `a=mid`. */
  newMid(): string
}

/**
 * RFC 9429 §5.2. Sections never change their place. Media sections are there only when a peer offered them and they were
 * refused; they stay refused.
 */
export function createOffer(context: OfferContext): SessionDescription {
  const { session, transport } = context
  const description = startDescription(session, context.version, transport)
  const bundled: string[] = []
  const previous = context.previous?.media ?? []
  // A data section that was refused is taken into use again when there are channels for it (RFC 9429 §5.2.2).
  let data = previous.find((section, i) => isDataSection(section) && !context.isRejected(i))
  if (data === undefined && context.wantsData) data = previous.find(isDataSection)
  const addData = (mid: string, source?: MediaSection): void => {
    addDataSection(description, session, transport, {
      mid,
      // RFC 9429 §5.2.1: offers always say actpass, the role that is in use comes out of the answer again.
      setup: 'actpass',
      iceOptions: ICE_OPTIONS,
      ...(source === undefined ? {} : { protocol: source.protocol, formats: source.formats }),
    })
    bundled.push(mid)
  }
  for (const [i, old] of previous.entries()) {
    if (old !== data) addRejectedSection(description, old)
    else addData(context.isRejected(i) ? context.newMid() : (old.mid ?? context.newMid()), old)
  }
  if (data === undefined && context.wantsData) addData(context.newMid())
  finishDescription(description, bundled)
  return description
}
