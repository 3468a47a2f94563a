/** What a transceiver says in its section: RFC 9429 §5.2.1, §5.3.1. */
import type { Direction, MediaSection, Msid, Ssrc, SsrcGroup } from '@kaon/sdp'
import type { MediaContent } from '../jsep/generate.ts'
import {
  receives,
  reverse,
  sends,
  answerCodecs,
  answerExtensions,
  inOrderOf,
  intersect,
  offerCodecs,
  offerExtensions,
  withoutTransportFeedback,
} from './negotiate.ts'
import type { ExtensionIds, PayloadTypes } from './numbering.ts'
import { receivedRids, simulcastLines } from './simulcast.ts'
import type { TransceiverCore } from './transceiver.ts'

interface Numbering {
  readonly cname: string
  readonly payloadTypes: PayloadTypes
  readonly extensionIds: ExtensionIds
}

type Sources = Pick<MediaContent, 'msids' | 'ssrcs' | 'ssrcGroups' | 'rids' | 'simulcast'>

export function offerContent(
  numbering: Numbering,
  transceiver: TransceiverCore,
  mid: string,
  previous: MediaSection | undefined,
): MediaContent {
  const { kind, direction, codecs, preferred } = transceiver
  // RFC 9429 §5.2.2: what was agreed keeps its order, unless the application has one. So the peer's choice outlives our offer.
  const order = preferred.length > 0 || previous === undefined ? codecs : inOrderOf(previous.codecs, kind, codecs)
  const offered = offerCodecs(order, numbering.payloadTypes)
  const hasRtx = offered.some(({ name }) => name === 'rtx')
  return {
    kind,
    protocol: 'UDP/TLS/RTP/SAVPF',
    mid,
    direction,
    codecs: withoutTransportFeedback(offered, direction),
    extmaps: offerExtensions(kind, numbering.extensionIds),
    reducedSize: true,
    referenceTimes: true,
    ...sources(transceiver, direction, numbering.cname, hasRtx, receivedLayers(transceiver)),
  }
}

/** RFC 3611 §5.1. */
export function takesReferenceTimes(section: MediaSection): boolean {
  return section.attributes('rtcp-xr').some((value) => /(^|\s)rcvr-rtt=all/.test(value))
}

/** The layers that the peer was already receiving with us stay in later offers. */
function receivedLayers(transceiver: TransceiverCore): readonly string[] {
  return transceiver.receiver.handle?.parameters.rids ?? []
}

/** Undefined when there is no codec in common: the section is refused. */
export function answerContent(
  numbering: Numbering,
  transceiver: TransceiverCore,
  offered: MediaSection,
): MediaContent | undefined {
  const { kind } = transceiver
  const codecs = answerCodecs(kind, offered.codecs, transceiver.codecs, transceiver.preferred.length > 0)
  if (codecs.length === 0) return undefined
  const direction = intersect(transceiver.direction, reverse(offered.direction))
  const hasRtx = codecs.some(({ name }) => name.toLowerCase() === 'rtx')
  const received = receives(direction) ? receivedRids(offered) : []
  return {
    kind,
    protocol: offered.protocol,
    mid: offered.mid,
    direction,
    codecs: withoutTransportFeedback(codecs, direction),
    extmaps: answerExtensions(kind, offered.extmaps),
    reducedSize: offered.rtcpReducedSize,
    referenceTimes: takesReferenceTimes(offered),
    ...sources(transceiver, direction, numbering.cname, hasRtx, received),
  }
}

/**
 * What is sent has its name as soon as the transceiver wants to send, whatever the other side lets it: "check if negotiation is
 * needed" looks for it, and two sides that each refuse something would negotiate for ever. Chromium does so too.
 */
function sources(
  transceiver: TransceiverCore,
  direction: Direction,
  cname: string,
  hasRtx: boolean,
  receivedLayers: readonly string[],
): Sources {
  const { encodings, streamIds, trackId, kind } = transceiver.sender
  const { rids, simulcast } = simulcastLines(
    sends(direction) ? encodings : [],
    receives(direction) ? receivedLayers : [],
  )
  if (!sends(transceiver.direction)) return { msids: [], ssrcs: [], ssrcGroups: [], rids, simulcast }
  const streams = streamIds.length === 0 ? ['-'] : streamIds
  const msids = streams.map((streamId): Msid => ({ streamId, trackId }))
  const [first, ...others] = encodings
  // Layers have their rids; SSRCs are for those who know nothing else (RFC 8851 §8).
  if (first === undefined || others.length > 0 || first.rid !== undefined) {
    return { msids, ssrcs: [], ssrcGroups: [], rids, simulcast }
  }
  const withRtx = kind === 'video' && hasRtx
  const ids = withRtx ? [first.ssrc, first.rtxSsrc] : [first.ssrc]
  const attributes = [
    { name: 'cname', value: cname },
    { name: 'msid', value: `${streams[0]!} ${trackId}` },
  ]
  return {
    msids,
    ssrcs: ids.map((ssrc): Ssrc => ({ ssrc, attributes })),
    ssrcGroups: withRtx ? [{ semantics: 'FID', ssrcs: ids } satisfies SsrcGroup] : [],
    rids,
    simulcast,
  }
}
