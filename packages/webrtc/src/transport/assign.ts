/** Which transport each section of a description has: RFC 9429 §4.1.1, §5.9–§5.11, RFC 9143 §7. */
import type { MediaSection, SessionDescription } from '@kaon/sdp'
import type { Description } from '../jsep/description.ts'
import { isUsable, sectionKey } from '../jsep/sections.ts'
import type { RTCBundlePolicy } from '../types.ts'
import type { Transport } from './transport.ts'
import type { Transports } from './transports.ts'

/**
 * Gives every section of the description that is in use its transport, and takes those of refused ones away.
 * An offer of ours keeps sections apart as the policy says, until the answer bundles them; for the peer's offer,
 * which we shall answer with its groups, they are together from the beginning.
 */
export function assignTransports(
  transports: Transports,
  description: Description,
  remote: boolean,
  policy: RTCBundlePolicy,
): void {
  const { model, type } = description
  const isOffer = type === 'offer'
  const isFirstOffer = isOffer && !remote && !description.bundleAgreed
  const kinds = new Set<string>()
  for (const [i, section] of model.media.entries()) {
    const key = sectionKey(section, i)
    if (section.isRejected || !isUsable(section)) {
      if (!isOffer) transports.dissociate(key)
      continue
    }
    const isFirstOfKind = !kinds.has(section.kind)
    kinds.add(section.kind)
    const own = transports.of(key)
    const shared = sharedTransport(transports, model, section)
    const bundles =
      !isFirstOffer || section.bundleOnly || policy === 'max-bundle' || (policy === 'balanced' && !isFirstOfKind)
    if (isOffer) {
      // What was agreed on goes on as it is.
      if (own === undefined) transports.associate(key, (bundles ? shared : undefined) ?? transports.take())
    } else if (shared !== undefined) {
      transports.associate(key, shared)
    } else if (own === undefined || isSharedWithOthers(transports, own, key)) {
      // The policy had put it together with others, and the answerer does not.
      transports.associate(key, transports.take())
    }
  }
  for (const transport of transports.all) markSection(transports, transport, model)
}

/** Sections that are in no group with this one have the transport too. */
function isSharedWithOthers(transports: Transports, transport: Transport, key: string): boolean {
  return transports.midsOf(transport)[0] !== key
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
