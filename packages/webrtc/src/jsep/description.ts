import { parseCandidate, type MediaSection, type SessionDescription } from '@kaon/sdp'
import { RTCSessionDescription } from '../session-description.ts'
import type { RTCSdpType } from '../types.ts'
import { dataSection } from './sections.ts'

/** Candidates of one section; far more than any host has, and an end to what a peer can make us keep. */
export const MAX_CANDIDATES = 256

/** A description that was set: the parsed form that the connection reads, and the object that the application sees. */
export class Description {
  readonly type: RTCSdpType
  readonly model: SessionDescription
  readonly object: RTCSessionDescription
  /** It was made when bundling had been agreed on: the sections of a group have one transport. */
  readonly bundleAgreed: boolean
  /** Of the default candidates, by `rankOf`. */
  readonly #ranks = new Map<MediaSection, number>()

  constructor(type: RTCSdpType, model: SessionDescription, sdp: string, bundleAgreed: boolean) {
    this.type = type
    this.model = model
    this.bundleAgreed = bundleAgreed
    this.object = new RTCSessionDescription({ type, sdp })
  }

  get data(): MediaSection | undefined {
    return dataSection(this.model)
  }

  /** The section of that name, as `sectionKey` gives it. */
  section(key: string): MediaSection | undefined {
    const { model } = this
    return model.mediaByMid(key) ?? model.media.find((section, i) => section.mid === undefined && String(i) === key)
  }

  /** Adds `a=candidate` to a section, and makes the text follow. `local` also keeps the default candidate up to date. */
  addCandidate(section: MediaSection, candidate: string, local: boolean): void {
    if (section.attributes('candidate').length >= MAX_CANDIDATES) return
    section.addCandidate(candidate)
    if (local) this.#considerDefault(section, candidate)
    this.object.sdp = this.model.toString()
  }

  #considerDefault(section: MediaSection, candidate: string): void {
    const parsed = parseCandidate(candidate)
    const rank = parsed === undefined ? -1 : rankOf(parsed)
    if (rank <= (this.#ranks.get(section) ?? currentRank(section))) return
    this.#ranks.set(section, rank)
    setDefault(section, parsed!)
  }

  endCandidates(section: MediaSection): void {
    if (section.endOfCandidates) return
    section.endOfCandidates = true
    this.object.sdp = this.model.toString()
  }
}

const PREFERENCE = ['host', 'srflx', 'relay']

/**
 * Puts the default candidate into `m=` and `c=` (RFC 8839 §4.2.1.2): the one that is most likely to work with a peer that
 * knows no ICE, hence relayed before reflexive before host, and IPv4. Names (mDNS) are never a default.
 */
export function setDefaultCandidate(section: MediaSection): void {
  let best: ParsedCandidate | undefined
  for (const candidate of section.candidates) {
    if (rankOf(candidate) > (best === undefined ? -1 : rankOf(best))) best = candidate
  }
  if (best !== undefined) setDefault(section, best)
}

type ParsedCandidate = NonNullable<ReturnType<typeof parseCandidate>>

/** The larger, the better as a default; -1 is none. */
function rankOf({ component, transport, address, type }: ParsedCandidate): number {
  if (component !== 1 || transport.toLowerCase() !== 'udp' || address.endsWith('.local')) return -1
  return PREFERENCE.indexOf(type) * 2 + (address.includes(':') ? 0 : 1)
}

/** Of the candidates that a description was created with, the last of which is the one just added. */
function currentRank(section: MediaSection): number {
  return Math.max(-1, ...section.candidates.slice(0, -1).map(rankOf))
}

function setDefault(section: MediaSection, { address, port }: ParsedCandidate): void {
  section.port = port
  section.connection = { netType: 'IN', addressType: address.includes(':') ? 'IP6' : 'IP4', address }
}
