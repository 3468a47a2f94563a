/** The parts that offers and answers are made of (RFC 9429 §5.2.1, §5.3.1). */
import {
  SessionDescription,
  type Codec,
  type Direction,
  type Extmap,
  type Fingerprint,
  type MediaSection,
  type Msid,
  type Rid,
  type Setup,
  type Simulcast,
  type Ssrc,
  type SsrcGroup,
} from '@kaon/sdp'
import { setDefaultCandidate } from './description.ts'
import type { IceCredentials } from './sections.ts'

/** What the local side says about a transport. */
export interface LocalTransport extends IceCredentials {
  readonly fingerprints: readonly Fingerprint[]
  /** Attribute values of the generation that the credentials belong to. */
  readonly candidates: readonly string[]
  readonly endOfCandidates: boolean
}

/** What stays the same in all descriptions of a connection. */
export interface LocalSession {
  readonly sessionId: string
  readonly sctpPort: number
  /** Bytes; 0 is without a limit. */
  readonly maxMessageSize: number
}

/** The transport of a section, as its lines show it. */
export interface SectionTransport {
  readonly local: LocalTransport
  readonly setup: Setup
  readonly iceOptions: readonly string[]
}

/** An RTP section of ours, without its transport. */
export interface MediaContent {
  readonly kind: string
  readonly protocol: string
  readonly mid: string | undefined
  readonly direction: Direction
  readonly codecs: readonly Codec[]
  readonly extmaps: readonly Extmap[]
  readonly reducedSize: boolean
  /** `a=rtcp-xr:rcvr-rtt=all` (RFC 3611 §5.1): reference times of receivers are answered. */
  readonly referenceTimes: boolean
  readonly msids: readonly Msid[]
  readonly ssrcs: readonly Ssrc[]
  readonly ssrcGroups: readonly SsrcGroup[]
  readonly rids: readonly Rid[]
  readonly simulcast: Simulcast | undefined
}

/** What an agent that says nothing about its Ta has (RFC 8839 §5.5). */
const DEFAULT_PACING = 50

export function startDescription(
  session: LocalSession,
  version: number,
  /** Ta, ms. */
  pacing: number | undefined,
  /** The ICE agent only answers. */
  lite: boolean,
): SessionDescription {
  const description = new SessionDescription({
    origin: { sessionId: session.sessionId, sessionVersion: String(version) },
  })
  if (pacing !== undefined && pacing !== DEFAULT_PACING) description.setAttribute('ice-pacing', String(pacing))
  if (lite) description.iceLite = true
  return description
}

/** The `m=application` section. */
export function addDataSection(
  description: SessionDescription,
  session: LocalSession,
  transport: SectionTransport,
  options: { mid: string | undefined; protocol?: string; formats?: readonly string[] },
): MediaSection {
  const section = description.addMedia({
    kind: 'application',
    port: 9,
    protocol: options.protocol ?? 'UDP/DTLS/SCTP',
    formats: options.formats ?? ['webrtc-datachannel'],
  })
  describeTransport(section, transport)
  section.mid = options.mid
  section.sctpPort = session.sctpPort
  section.maxMessageSize = session.maxMessageSize
  return section
}

export function addMediaSection(
  description: SessionDescription,
  transport: SectionTransport,
  content: MediaContent,
): MediaSection {
  const section = description.addMedia({
    kind: content.kind,
    port: 9,
    protocol: content.protocol,
    formats: content.codecs.map((codec) => String(codec.payloadType)),
  })
  section.codecs = content.codecs
  // Who does not know rtcp-mux looks here; the port is the one of the default candidate or nobody's.
  section.rtcp = { port: 9, netType: 'IN', addressType: 'IP4', address: '0.0.0.0' }
  describeTransport(section, transport)
  section.mid = content.mid
  section.extmaps = content.extmaps
  section.direction = content.direction
  section.msids = content.msids
  section.rtcpMux = true
  if (content.reducedSize) section.rtcpReducedSize = true
  if (content.referenceTimes) section.setAttribute('rtcp-xr', 'rcvr-rtt=all')
  section.rids = content.rids
  if (content.simulcast !== undefined) section.simulcast = content.simulcast
  section.ssrcGroups = content.ssrcGroups
  section.ssrcs = content.ssrcs
  return section
}

function describeTransport(section: MediaSection, { local, setup, iceOptions }: SectionTransport): void {
  for (const candidate of local.candidates) section.addCandidate(candidate)
  if (local.candidates.length > 0) setDefaultCandidate(section)
  section.iceUfrag = local.usernameFragment
  section.icePwd = local.password
  if (iceOptions.length > 0) section.iceOptions = iceOptions
  section.fingerprints = local.fingerprints
  section.setup = setup
  if (local.endOfCandidates) section.endOfCandidates = true
}

/** A section that stays refused or stopped: port 0, its formats as they were (RFC 3264 §6). */
export function addRejectedSection(description: SessionDescription, source: MediaSection): MediaSection {
  const { kind, protocol, formats } = source
  const section = description.addMedia({ kind, port: 0, protocol, formats })
  section.mid = source.mid
  if (section.isRtp) section.direction = 'inactive'
  return section
}

/** Session-level lines that need all sections to be there. */
export function finishDescription(
  description: SessionDescription,
  /** The mids of each BUNDLE group. */
  groups: readonly (readonly string[])[],
  extmapAllowMixed: boolean,
): void {
  description.groups = groups.flatMap((mids) => (mids.length === 0 ? [] : [{ semantics: 'BUNDLE', mids }]))
  if (extmapAllowMixed && description.media.some((section) => section.isRtp)) description.extmapAllowMixed = true
  // What browsers write when no stream is to be named.
  description.setAttribute('msid-semantic', ' WMS')
}
