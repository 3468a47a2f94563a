/** The parts that offers and answers are made of (RFC 9429 §5.2.1, §5.3.1). */
import { SessionDescription, type Fingerprint, type MediaSection, type Setup } from '@kaon/sdp'
import { setDefaultCandidate } from './description.ts'
import type { IceCredentials } from './sections.ts'

/** What the local side says about its transport. */
export interface LocalTransport extends IceCredentials {
  readonly fingerprints: readonly Fingerprint[]
  /** Attribute values of the generation that the credentials belong to. */
  readonly candidates: readonly string[]
  readonly endOfCandidates: boolean
  /** Ta, ms. */
  readonly pacing: number | undefined
}

/** What stays the same in all descriptions of a connection. */
export interface LocalSession {
  readonly sessionId: string
  readonly sctpPort: number
  /** Bytes; 0 is without a limit. */
  readonly maxMessageSize: number
}

/** What an agent that says nothing about its Ta has (RFC 8839 §5.5). */
const DEFAULT_PACING = 50

export function startDescription(
  session: LocalSession,
  version: number,
  { pacing }: Pick<LocalTransport, 'pacing'>,
): SessionDescription {
  const description = new SessionDescription({
    origin: { sessionId: session.sessionId, sessionVersion: String(version) },
  })
  if (pacing !== undefined && pacing !== DEFAULT_PACING) description.setAttribute('ice-pacing', String(pacing))
  return description
}

/** The `m=application` section, on a transport of its own. */
export function addDataSection(
  description: SessionDescription,
  session: LocalSession,
  transport: LocalTransport,
  options: {
    mid: string | undefined
    setup: Setup
    iceOptions: readonly string[]
    protocol?: string
    formats?: readonly string[]
  },
): MediaSection {
  const section = description.addMedia({
    kind: 'application',
    port: 9,
    protocol: options.protocol ?? 'UDP/DTLS/SCTP',
    formats: options.formats ?? ['webrtc-datachannel'],
  })
  for (const candidate of transport.candidates) section.addCandidate(candidate)
  if (transport.candidates.length > 0) setDefaultCandidate(section)
  section.iceUfrag = transport.usernameFragment
  section.icePwd = transport.password
  if (options.iceOptions.length > 0) section.iceOptions = options.iceOptions
  section.fingerprints = transport.fingerprints
  section.setup = options.setup
  section.mid = options.mid
  section.sctpPort = session.sctpPort
  section.maxMessageSize = session.maxMessageSize
  if (transport.endOfCandidates) section.endOfCandidates = true
  return section
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
export function finishDescription(description: SessionDescription, bundled: readonly string[]): void {
  if (bundled.length > 0) description.groups = [{ semantics: 'BUNDLE', mids: bundled }]
  // What browsers write when no track has an msid.
  description.setAttribute('msid-semantic', ' WMS')
}
