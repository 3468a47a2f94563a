/** Reading what a description says about the one transport that data channels use. */
import type { Fingerprint, MediaSection, SessionDescription, Setup } from '@kaon/sdp'

/** RFC 8841 §4: SCTP over DTLS, and the name that drafts had for it. */
const DATA_PROTOCOLS = ['UDP/DTLS/SCTP', 'TCP/DTLS/SCTP', 'DTLS/SCTP']
/** RFC 8841 §6.1: what holds when `a=max-message-size` is missing. */
const DEFAULT_MAX_MESSAGE_SIZE = 65536

export function isDataSection(section: MediaSection): boolean {
  return section.kind === 'application' && DATA_PROTOCOLS.includes(section.protocol)
}

/** The data section that is in use: the first that is not rejected. */
export function dataSection(model: SessionDescription): MediaSection | undefined {
  return model.media.find((section) => isDataSection(section) && !section.isRejected)
}

export interface IceCredentials {
  readonly usernameFragment: string
  readonly password: string
}

/** ICE and DTLS parameters of the transport under a section. */
export interface TransportDescription {
  readonly usernameFragment: string | undefined
  readonly password: string | undefined
  readonly iceLite: boolean
  readonly trickle: boolean
  readonly renomination: boolean
  /** The Ta that the side asks for, ms. */
  readonly pacing: number | undefined
  readonly fingerprints: readonly Fingerprint[]
  readonly setup: Setup | undefined
  readonly tlsId: string | undefined
}

/**
 * The section that carries the transport's attributes: the section itself, or when it leaves them out, being bundled,
 * the tagged one of its group (RFC 9143 §7.1.3).
 */
export function transportSection(model: SessionDescription, section: MediaSection): MediaSection {
  if (section.iceUfrag !== undefined || section.mid === undefined) return section
  for (const mid of model.bundleOf(section.mid)?.mids ?? []) {
    const tagged = model.mediaByMid(mid)
    if (tagged !== undefined && tagged.iceUfrag !== undefined) return tagged
  }
  return section
}

export function readTransport(model: SessionDescription, section: MediaSection): TransportDescription {
  const carrier = transportSection(model, section)
  return {
    usernameFragment: carrier.iceUfrag,
    password: carrier.icePwd,
    iceLite: model.iceLite,
    trickle: carrier.iceOptions.includes('trickle'),
    renomination: carrier.iceOptions.includes('renomination'),
    pacing: readPacing(model),
    fingerprints: carrier.fingerprints,
    setup: carrier.setup,
    tlsId: carrier.tlsId,
  }
}

/** RFC 8839 §5.5. */
function readPacing(model: SessionDescription): number | undefined {
  const text = model.attribute('ice-pacing')
  return typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

export function readCredentials(model: SessionDescription): IceCredentials | undefined {
  const section = dataSection(model)
  if (section === undefined) return undefined
  const { usernameFragment, password } = readTransport(model, section)
  return usernameFragment === undefined || password === undefined ? undefined : { usernameFragment, password }
}

export function sameCredentials(a: IceCredentials | undefined, b: IceCredentials | undefined): boolean {
  return a?.usernameFragment === b?.usernameFragment && a?.password === b?.password
}

/** Every pair of ICE credentials anywhere in the description, as one string each. */
export function allCredentials(model: SessionDescription): string[] {
  return model.media.flatMap((section) =>
    section.iceUfrag === undefined ? [] : [credentialKey(section.iceUfrag, section.icePwd ?? '')],
  )
}

export function credentialKey(usernameFragment: string, password: string): string {
  return `${usernameFragment}:${password}`
}

/** Bytes of the largest message that the describing side takes; 0 is without a limit. */
export function maxMessageSize(section: MediaSection): number {
  return section.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE
}

/**
 * Whether candidates of `section` are candidates of the transport under `data`. Before bundling is agreed on, every
 * section of an offer may have a transport of its own, so that theirs must not be mixed.
 */
export function sharesTransport(
  model: SessionDescription,
  data: MediaSection,
  section: MediaSection,
  bundleAgreed: boolean,
): boolean {
  if (section === data || section === transportSection(model, data)) return true
  return (bundleAgreed || data.bundleOnly) && isBundledAlike(model, data, section)
}

/** In one BUNDLE group and with the same credentials. */
function isBundledAlike(model: SessionDescription, data: MediaSection, section: MediaSection): boolean {
  if (data.mid === undefined || section.mid === undefined) return false
  return model.bundleOf(data.mid)?.mids.includes(section.mid) === true && section.iceUfrag === data.iceUfrag
}

/**
 * The remote candidates of the transport under `data`, as attribute values. When the peer has none of its own for it, it
 * offers one transport for all sections ('max-bundle') and lists the candidates with another of them.
 */
export function remoteCandidates(
  model: SessionDescription,
  data: MediaSection,
  bundleAgreed: boolean,
): readonly string[] {
  const candidatesOf = (sections: MediaSection[]): string[] =>
    sections.flatMap((section) => section.attributes('candidate'))
  const own = candidatesOf(model.media.filter((section) => sharesTransport(model, data, section, bundleAgreed)))
  return own.length > 0 ? own : candidatesOf(model.media.filter((section) => isBundledAlike(model, data, section)))
}
