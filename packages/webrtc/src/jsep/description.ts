import type { MediaSection, SessionDescription } from '@kaon/sdp'
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

  constructor(type: RTCSdpType, model: SessionDescription, sdp: string, bundleAgreed: boolean) {
    this.type = type
    this.model = model
    this.bundleAgreed = bundleAgreed
    this.object = new RTCSessionDescription({ type, sdp })
  }

  get data(): MediaSection | undefined {
    return dataSection(this.model)
  }

  /** Adds `a=candidate` to a section, and makes the text follow. `local` also keeps the default candidate up to date. */
  addCandidate(section: MediaSection, candidate: string, local: boolean): void {
    if (section.attributes('candidate').length >= MAX_CANDIDATES) return
    section.addCandidate(candidate)
    if (local) setDefaultCandidate(section)
    this.object.sdp = this.model.toString()
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
  let best: { address: string; port: number; addressType: string } | undefined
  let bestRank = -1
  for (const candidate of section.candidates) {
    if (candidate.component !== 1 || candidate.transport.toLowerCase() !== 'udp') continue
    if (candidate.address.endsWith('.local')) continue
    const ipv4 = !candidate.address.includes(':')
    const rank = PREFERENCE.indexOf(candidate.type) * 2 + (ipv4 ? 1 : 0)
    if (rank <= bestRank) continue
    bestRank = rank
    best = { address: candidate.address, port: candidate.port, addressType: ipv4 ? 'IP4' : 'IP6' }
  }
  if (best === undefined) return
  section.port = best.port
  section.connection = { netType: 'IN', addressType: best.addressType, address: best.address }
}
