/** Which transport each section of a description has: RFC 9429 §4.1.1, §5.9–§5.11, RFC 9143 §7. */
import type { MediaSection, SessionDescription } from '@kaon/sdp'
import type { Description } from '../jsep/description.ts'
import { isUsable, sectionKey } from '../jsep/sections.ts'
import type { Transport } from './transport.ts'
import type { Transports } from './transports.ts'

/**
 * Gives every section of the description that is in use its transport, and takes those of refused ones away.
 * An offer of ours keeps sections apart that are not `bundle-only`, until the answer bundles them; for the peer's offer,
 * which we shall answer with its groups, they are together from the beginning.
 */
export function assignTransports(transports: Transports, description: Description, remote: boolean): void {
  const { model, type } = description
  const isGrouped = type !== 'offer' || remote || description.bundleAgreed
  for (const [i, section] of model.media.entries()) {
    const key = sectionKey(section, i)
    if (section.isRejected || !isUsable(section)) {
      if (type === 'answer' || type === 'pranswer') transports.dissociate(key)
      continue
    }
    const shared = sharedTransport(transports, model, section)
    const bundles = isGrouped || section.bundleOnly
    const own = transports.of(key)
    // What was agreed on goes on as it is; in an answer the group decides.
    if (own !== undefined && (type === 'offer' || shared === undefined || !bundles)) continue
    transports.associate(key, (bundles ? shared : undefined) ?? own ?? transports.take())
  }
  for (const transport of transports.all) markSection(transports, transport, model)
}

/** The transport that all of the section's group have: that of its first member in use which has one already. */
function sharedTransport(
  transports: Transports,
  model: SessionDescription,
  section: MediaSection,
): Transport | undefined {
  if (section.mid === undefined) return undefined
  for (const mid of model.bundleOf(section.mid)?.mids ?? []) {
    const member = model.mediaByMid(mid)
    if (member === undefined || member.isRejected || !isUsable(member)) continue
    const transport = transports.of(mid)
    if (transport !== undefined) return transport
  }
  return undefined
}

/** The section that stands for a transport: the tagged one of its group, in an offer the one that shows it. */
function markSection(transports: Transports, transport: Transport, model: SessionDescription): void {
  const mids = new Set(transports.midsOf(transport))
  const isOwn = (section: MediaSection, i: number): boolean =>
    mids.has(sectionKey(section, i)) && !section.isRejected && isUsable(section)
  const current = model.media.findIndex((section, i) => sectionKey(section, i) === transport.mid && isOwn(section, i))
  const tagged = [...model.media.entries()].find(([i, section]) => isOwn(section, i) && !section.bundleOnly)
  const index = current >= 0 ? current : (tagged?.[0] ?? model.media.findIndex(isOwn))
  if (index < 0) return
  transport.mid = sectionKey(model.media[index]!, index)
  transport.index = index
}
