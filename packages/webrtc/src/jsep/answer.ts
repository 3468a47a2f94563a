import type { SessionDescription, Setup } from '@kaon/sdp'
import {
  addDataSection,
  addRejectedSection,
  finishDescription,
  startDescription,
  type LocalSession,
  type LocalTransport,
} from './generate.ts'
import { ICE_OPTIONS } from './offer.ts'
import { dataSection, transportSection } from './sections.ts'

export type DtlsRole = 'client' | 'server'

export interface AnswerContext {
  readonly session: LocalSession
  readonly version: number
  readonly offer: SessionDescription
  /** The role of the DTLS connection that goes on, if there is one. */
  readonly dtlsRole: DtlsRole | undefined
  readonly transport: LocalTransport
}

/** RFC 9429 §5.3: the first data section is taken, everything else is refused with port 0. */
export function createAnswer(context: AnswerContext): SessionDescription {
  const { offer, session, transport } = context
  const description = startDescription(session, context.version, transport)
  const data = dataSection(offer)
  const bundled: string[] = []
  for (const offered of offer.media) {
    if (offered !== data) {
      addRejectedSection(description, offered)
      continue
    }
    const carrier = transportSection(offer, offered)
    addDataSection(description, session, transport, {
      mid: offered.mid,
      protocol: offered.protocol,
      formats: offered.formats,
      setup: answerSetup(carrier.setup, context.dtlsRole),
      iceOptions: ICE_OPTIONS.filter((option) => carrier.iceOptions.includes(option)),
    })
    // RFC 9143 §7.3: only what is in a group of the offer, and not refused.
    if (offered.mid !== undefined && offer.bundleOf(offered.mid) !== undefined) bundled.push(offered.mid)
  }
  finishDescription(description, bundled)
  return description
}

/** RFC 8842 §5.3: `active` when we may choose, the old role when the DTLS connection goes on. */
export function answerSetup(offered: Setup | undefined, current: DtlsRole | undefined): Setup {
  if (offered === 'active') return 'passive'
  if (offered === 'passive') return 'active'
  if (current !== undefined) return current === 'client' ? 'active' : 'passive'
  return 'active'
}
