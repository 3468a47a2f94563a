/** `addIceCandidate`: W3C WebRTC 1.0 §4.4.1.6. */
import { parseCandidate } from '@kaon/ice'
import type { MediaSection, SessionDescription } from '@kaon/sdp'
import type { Connection } from './connection.ts'
import type { CandidateInit } from './ice-candidate.ts'
import type { Description } from './jsep/description.ts'
import { remoteCandidates, sharesTransport, transportSection } from './jsep/sections.ts'
import { domError } from './rtc-error.ts'
import type { Transport } from './transport/transport.ts'

export class RemoteCandidates {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The chained steps. */
  async add(init: CandidateInit): Promise<void> {
    const { session, tasks } = this.#connection
    const remote = session.remote
    if (remote === null) throw domError('InvalidStateError', 'There is no remote description')
    const section = findSection(remote.model, init)
    const descriptions = this.#descriptionsOf(init)
    if (init.candidate !== '' && parseCandidate(init.candidate) === undefined) {
      throw domError('OperationError', `'${init.candidate}' is not a candidate`)
    }
    await tasks.next()
    for (const [description, place] of descriptions) this.#addTo(description, place, section === undefined, init)
  }

  /** The descriptions of the candidate's generation, each with the section it belongs to. */
  #descriptionsOf(init: CandidateInit): [Description, MediaSection | undefined][] {
    const { session } = this.#connection
    // The peer's word in the candidate itself counts when the member is missing, as long as it is known at all.
    const fragment = init.usernameFragment ?? parseCandidate(init.candidate)?.usernameFragment
    const found: [Description, MediaSection | undefined][] = []
    for (const description of [session.pendingRemote, session.currentRemote]) {
      if (description === null) continue
      const section = findSection(description.model, init, false)
      const fragments = (section === undefined ? description.model.media : [section]).map(
        (place) => transportSection(description.model, place).iceUfrag,
      )
      if (fragment === undefined || fragments.includes(fragment)) found.push([description, section])
      // Without a generation it is the latest one's.
      if (fragment === undefined) break
    }
    if (found.length === 0 && init.usernameFragment !== null) {
      throw domError('OperationError', `The username fragment '${init.usernameFragment}' is not in use`)
    }
    return found
  }

  #addTo(description: Description, section: MediaSection | undefined, everywhere: boolean, init: CandidateInit): void {
    const { model, bundleAgreed } = description
    const places = everywhere ? model.media : section === undefined ? [] : [section]
    const value = init.candidate.replace(/^a=/, '').replace(/^candidate:/, '')
    for (const place of places) {
      if (value === '') description.endCandidates(place)
      else if (!place.attributes('candidate').includes(value)) description.addCandidate(place, value, false)
      for (const transport of this.#connection.transports.all) {
        const own = description.section(transport.mid)
        if (own !== undefined && sharesTransport(model, own, place, bundleAgreed)) {
          feed(transport, description, own, value)
        }
      }
    }
  }
}

/** To the agent, when its remote generation is that of the description; otherwise the answer brings it. */
function feed(transport: Transport, { model, bundleAgreed }: Description, own: MediaSection, value: string): void {
  if (transport.remoteUsernameFragment !== transportSection(model, own).iceUfrag) return
  if (value !== '') {
    transport.addRemoteCandidate(value)
    return
  }
  for (const candidate of remoteCandidates(model, own, bundleAgreed)) transport.addRemoteCandidate(candidate)
  transport.endRemoteCandidates()
}

/** The section that a candidate names; undefined for an end-of-candidates that is for all. Throws `OperationError`. */
function findSection(model: SessionDescription, init: CandidateInit, strict = true): MediaSection | undefined {
  const { sdpMid, sdpMLineIndex } = init
  if (sdpMid === null && sdpMLineIndex === null) return undefined
  // A peer without mids is named by the index that stands for one.
  const section =
    sdpMid === null
      ? model.media[sdpMLineIndex!]
      : (model.mediaByMid(sdpMid) ?? model.media.find((other, i) => other.mid === undefined && String(i) === sdpMid))
  if (section === undefined && strict) {
    const name = sdpMid === null ? `index ${sdpMLineIndex}` : `mid '${sdpMid}'`
    throw domError('OperationError', `The remote description has no section with the ${name}`)
  }
  return section
}
