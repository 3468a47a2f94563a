/** Reading what a description says about sections and the transports under them. */
import type { Fingerprint, MediaSection, SessionDescription, Setup } from '@kaon/sdp'

/** RFC 8841 §4: SCTP over DTLS, and the name that drafts had for it. */
const DATA_PROTOCOLS = ['UDP/DTLS/SCTP', 'TCP/DTLS/SCTP', 'DTLS/SCTP']
const MEDIA_PROTOCOLS = [
  'UDP/TLS/RTP/SAVPF',
  'UDP/TLS/RTP/SAVP',
  'TCP/TLS/RTP/SAVPF',
  'TCP/DTLS/RTP/SAVPF',
  'RTP/SAVPF',
  'RTP/SAVP',
]
/** RFC 8841 §6.1: what holds when `a=max-message-size` is missing. */
const DEFAULT_MAX_MESSAGE_SIZE = 65536

export function isDataSection(section: MediaSection): boolean {
  return section.kind === 'application' && DATA_PROTOCOLS.includes(section.protocol)
}

/** A section that this stack can take part in: media over SRTP, or data channels. */
export function isUsable(section: MediaSection): boolean {
  return isDataSection(section) || isMediaSection(section)
}

/** RFC 5764 §8 and RFC 9429 §5.1.2: every combination that peers write means the same. */
export function isMediaSection(section: MediaSection): boolean {
  const { kind, protocol } = section
  return (kind === 'audio' || kind === 'video') && MEDIA_PROTOCOLS.includes(protocol)
}

/** The name under which a section is known: its mid, or of peers without mids the index that stands for one. */
export function sectionKey(section: MediaSection, index: number): string {
  return section.mid ?? String(index)
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
 * the tagged one of its group (RFC 9143 §7.1.3). Chromium's answers to `bundle-only` sections have credentials and no fingerprint.
 */
export function transportSection(model: SessionDescription, section: MediaSection): MediaSection {
  if (section.mid === undefined || (section.iceUfrag !== undefined && section.fingerprints.length > 0)) return section
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

/** Those of the first section that has some: ours are the same in all of them. */
export function readCredentials(model: SessionDescription): IceCredentials | undefined {
  for (const section of model.media) {
    if (section.isRejected) continue
    const credentials = credentialsOf(model, section)
    if (credentials !== undefined) return credentials
  }
  return undefined
}

export function credentialsOf(model: SessionDescription, section: MediaSection): IceCredentials | undefined {
  const { usernameFragment, password } = readTransport(model, section)
  return usernameFragment === undefined || password === undefined ? undefined : { usernameFragment, password }
}

/** The sections of `now` in use whose credentials are others than in `before`. */
export function hasRestarted(before: SessionDescription, now: SessionDescription): boolean {
  return now.media.some((section, i) => {
    const old = before.media[i]
    if (old === undefined || old.isRejected || section.isRejected || !isUsable(section)) return false
    const credentials = credentialsOf(before, old)
    return credentials !== undefined && !sameCredentials(credentials, credentialsOf(now, section))
  })
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
 * Whether candidates of `section` are candidates of the transport under `own`. Before bundling is agreed on, every
 * section of an offer may have a transport of its own, so that theirs must not be mixed.
 */
export function sharesTransport(
  model: SessionDescription,
  own: MediaSection,
  section: MediaSection,
  bundleAgreed: boolean,
): boolean {
  if (section === own || section === transportSection(model, own)) return true
  return (bundleAgreed || own.bundleOnly) && isBundledAlike(model, own, section)
}

/** In one BUNDLE group and with the same credentials. */
function isBundledAlike(model: SessionDescription, own: MediaSection, section: MediaSection): boolean {
  if (own.mid === undefined || section.mid === undefined) return false
  return model.bundleOf(own.mid)?.mids.includes(section.mid) === true && section.iceUfrag === own.iceUfrag
}

/**
 * The remote candidates of the transport under `own`, as attribute values. When the peer has none of its own for it, it
 * offers one transport for all sections ('max-bundle') and lists the candidates with another of them.
 */
export function remoteCandidates(
  model: SessionDescription,
  own: MediaSection,
  bundleAgreed: boolean,
): readonly string[] {
  const candidatesOf = (sections: MediaSection[]): string[] =>
    sections.flatMap((section) => section.attributes('candidate'))
  const found = candidatesOf(model.media.filter((section) => sharesTransport(model, own, section, bundleAgreed)))
  return found.length > 0 ? found : candidatesOf(model.media.filter((section) => isBundledAlike(model, own, section)))
}
