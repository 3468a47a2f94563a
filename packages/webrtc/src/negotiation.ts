/** Offers, answers and what setting them does: W3C WebRTC 1.0 §4.4.1.4 and §4.4.2, RFC 9429 §5. */
import type { MediaSection, SessionDescription } from '@kaon/sdp'
import { RTCCertificate } from './certificate.ts'
import { SCTP_PORT, type Connection } from './connection.ts'
import type { CandidateInit } from './ice-candidate.ts'
import { Description } from './jsep/description.ts'
import type { LocalTransport } from './jsep/generate.ts'
import {
  credentialKey,
  dataSection,
  isDataSection,
  maxMessageSize,
  readCredentials,
  readTransport,
  remoteCandidates,
  sameCredentials,
  sharesTransport,
  transportSection,
  type IceCredentials,
} from './jsep/sections.ts'
import { isTypeAllowed, roleFromAnswer, sameFingerprints } from './jsep/validate.ts'
import { domError } from './rtc-error.ts'
import { updateMaxMessageSize } from './sctp-transport.ts'
import { generateCredentials } from './transport/credentials.ts'
import type { DataTransport } from './transport/data-transport.ts'
import type { RTCSdpType, RTCSessionDescriptionInit } from './types.ts'
import { parseCandidate } from '@kaon/ice'

type Init = { type: RTCSdpType; sdp: string }

export class Negotiation {
  readonly #connection: Connection
  /** `[[LastStableStateSctpTransport]]` was not null. */
  #hadSctp = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  // -- creating descriptions

  async createOffer(iceRestart: boolean): Promise<RTCSessionDescriptionInit> {
    const { session, tasks } = this.#connection
    if (session.signalingState !== 'stable' && session.signalingState !== 'have-local-offer') {
      throw domError('InvalidStateError', `An offer cannot be created in the state '${session.signalingState}'`)
    }
    await tasks.next()
    const sdp = session.createOffer(this.#localTransport(this.#offerCredentials(iceRestart)))
    return { type: 'offer', sdp }
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    const { session, tasks, transport } = this.#connection
    if (session.signalingState !== 'have-remote-offer' && session.signalingState !== 'have-local-pranswer') {
      throw domError('InvalidStateError', `An answer cannot be created in the state '${session.signalingState}'`)
    }
    await tasks.next()
    const role = this.#continuesDtls() ? transport?.peer.dtlsRole : undefined
    const sdp = session.createAnswer(this.#localTransport(this.#answerCredentials()), role)
    return { type: 'answer', sdp }
  }

  /** The fingerprint in the peer's offer is that of the connection that exists. */
  #continuesDtls(): boolean {
    const { currentRemote, pendingRemote } = this.#connection.session
    if (currentRemote?.data === undefined || pendingRemote?.data === undefined) return true
    return sameFingerprints(
      readTransport(pendingRemote.model, pendingRemote.data),
      readTransport(currentRemote.model, currentRemote.data),
    )
  }

  #offerCredentials(iceRestart: boolean): IceCredentials {
    const { session } = this.#connection
    const transport = this.#connection.ensureTransport()
    const inUse = session.local === null ? undefined : readCredentials(session.local.model)
    if (inUse === undefined) return transport.credentials
    const { currentCredentials } = session
    // RFC 9429 §5.2.3.1: the credentials must differ from those agreed on; a pending offer's may do so already.
    const replace =
      session.credentialsToReplace.has(credentialKey(inUse.usernameFragment, inUse.password)) ||
      transport.needsRestart ||
      (iceRestart && (currentCredentials === undefined || sameCredentials(inUse, currentCredentials)))
    return replace ? this.#freshCredentials(transport) : inUse
  }

  #answerCredentials(): IceCredentials {
    const { session } = this.#connection
    const transport = this.#connection.ensureTransport()
    const pending = session.pendingLocal === null ? undefined : readCredentials(session.pendingLocal.model)
    if (pending !== undefined) return pending
    const { currentCredentials } = session
    if (currentCredentials === undefined) return transport.credentials
    return session.remoteRestarts ? this.#freshCredentials(transport) : currentCredentials
  }

  /** The agent may have restarted already, for an offer that was rolled back: those credentials are as good as new. */
  #freshCredentials(transport: DataTransport): IceCredentials {
    const { session, crypto } = this.#connection
    const own = transport.credentials
    const spent =
      sameCredentials(own, session.currentCredentials) ||
      session.credentialsToReplace.has(credentialKey(own.usernameFragment, own.password)) ||
      transport.needsRestart
    return spent ? transport.nextCredentials(() => generateCredentials((length) => crypto.random(length))) : own
  }

  #localTransport(credentials: IceCredentials): LocalTransport {
    const { transport, certificate } = this.#connection
    const generation = transport?.generation
    const gathered = generation?.usernameFragment === credentials.usernameFragment ? generation : undefined
    return {
      ...credentials,
      fingerprints: certificate.getFingerprints().map(({ algorithm, value }) => ({
        algorithm,
        value: value.toUpperCase(),
      })),
      // Candidates that were pooled before the first description are surfaced with it, not put into it.
      candidates: this.#connection.session.local === null ? [] : [...(gathered?.candidates ?? [])],
      endOfCandidates: this.#connection.session.local !== null && gathered?.complete === true,
      pacing: transport?.ice.localParameters.pacing,
    }
  }

  // -- setting descriptions

  /** The chained steps of `setLocalDescription`. */
  async setLocal(init: { type?: RTCSdpType; sdp: string }): Promise<void> {
    const { session } = this.#connection
    const state = session.signalingState
    const implied = state === 'stable' || state === 'have-local-offer' || state === 'have-remote-pranswer'
    const type = init.type ?? (implied ? 'offer' : 'answer')
    if (type === 'rollback') return this.set({ type, sdp: '' }, false)
    const last = type === 'offer' ? session.lastOffer : session.lastAnswer
    if (init.sdp !== '' && init.sdp !== last.sdp) {
      throw domError('InvalidModificationError', `The ${type} is not the one that was created last`)
    }
    let { sdp } = init
    if (sdp === '') {
      sdp = last.sdp
      if (sdp === '' || last.revision !== session.revision) {
        const created = type === 'offer' ? await this.createOffer(false) : await this.createAnswer()
        sdp = created.sdp!
      }
    }
    return this.set({ type, sdp }, false)
  }

  /** The chained steps of `setRemoteDescription`. */
  async setRemote(init: Init): Promise<void> {
    const { session } = this.#connection
    if (init.type === 'offer' && !isTypeAllowed('offer', session.signalingState, true)) {
      await this.set({ type: 'rollback', sdp: '' }, false)
    }
    return this.set(init, true)
  }

  /** "Set a session description". */
  async set(init: Init, remote: boolean): Promise<void> {
    const connection = this.#connection
    const { session, tasks } = connection
    const before = session.signalingState
    if (init.type === 'rollback') {
      if (!isTypeAllowed('rollback', before, remote)) {
        throw domError('InvalidStateError', `There is nothing to roll back in the state '${before}'`)
      }
      await tasks.next()
      this.#rollback()
    } else {
      await tasks.next()
      const description = session.prepare(init.type, init.sdp, remote, connection.transport?.peer.dtlsRole)
      if (init.type === 'offer' && before === 'stable') this.#hadSctp = connection.sctpActive
      this.#apply(description, remote)
    }
    const changed = session.signalingState !== before
    if (session.signalingState === 'stable') {
      connection.clearNegotiationNeeded()
      connection.updateNegotiationNeeded()
    }
    if (changed) connection.fire(new Event('signalingstatechange'))
    if (!connection.closed) connection.updateStates()
  }

  #rollback(): void {
    const connection = this.#connection
    connection.session.rollback()
    // What only the abandoned offer had brought goes with it; channels keep waiting for the next one.
    if (!this.#hadSctp) connection.discardTransport()
  }

  #apply(description: Description, remote: boolean): void {
    const connection = this.#connection
    const { session } = connection
    const { type, data } = description
    const current = session.currentCredentials
    const answer = type !== 'offer'
    session.commit(description, remote)

    if (remote) connection.updateCanTrickle(description)
    if (data !== undefined) {
      const transport = connection.ensureTransport()
      if (!connection.sctpActive) {
        connection.sctpActive = true
        transport.index = description.model.media.indexOf(data)
        transport.mid = data.mid ?? String(transport.index)
      }
      this.#setRole(transport, description, remote)
      if (!remote) {
        transport.applyLocal(readCredentials(description.model)!, current)
        connection.releaseEarlyCandidates()
      }
    }
    if (answer) this.#applyAnswer(description, remote)
  }

  /** RFC 8445 §6.1.1 as W3C §4.4.1.4 has it: the first offer decides. */
  #setRole(transport: DataTransport, description: Description, remote: boolean): void {
    if (description.type !== 'offer' || transport.iceSlots.role !== 'unknown') return
    const role = !remote || description.model.iceLite ? 'controlling' : 'controlled'
    transport.iceSlots.role = role
    transport.ice.setRole(role)
  }

  /** RFC 9429 §5.11. */
  #applyAnswer(answer: Description, remote: boolean): void {
    const connection = this.#connection
    const { session, transport, channels } = connection
    const local = remote ? session.local : answer
    const remoteDescription = remote ? answer : session.remote
    if (transport === null || local === null || remoteDescription === null) return
    if (answer.data === undefined) {
      if (!answer.model.media.some(isDataSection)) return
      // Data was refused, or ended by a re-offer (RFC 8841 §10.4).
      session.wantsData = false
      connection.discardTransport()
      channels.stop()
      return
    }
    const remoteData = dataSection(remoteDescription.model)
    const localData = dataSection(local.model)
    if (remoteData === undefined || localData === undefined) return
    const described = readTransport(remoteDescription.model, remoteData)
    const role = remote ? roleFromAnswer(described) : localData.setup === 'passive' ? 'server' : 'client'

    if (transport.peer.dtlsRole !== undefined && transport.remoteFingerprints !== undefined) {
      if (!sameFingerprints(described, transport.remoteFingerprints)) {
        transport.peer.discardDtls()
        channels.stop()
      }
    }
    const startsDtls = transport.peer.dtlsRole === undefined
    transport.remoteFingerprints = described
    transport.applyRemote({
      usernameFragment: described.usernameFragment!,
      password: described.password!,
      iceLite: described.iceLite,
      renomination: described.renomination,
      pacing: described.pacing,
      candidates: remoteCandidates(remoteDescription.model, remoteData, remoteDescription.bundleAgreed),
      // Who cannot trickle has said everything (W3C §5.6.6).
      endOfCandidates: remoteData.endOfCandidates || connection.canTrickle === false,
    })
    updateMaxMessageSize(transport.sctpSlots, maxMessageSize(remoteData), connection.sendBufferSize)
    transport.peer.setRemoteMaxMessageSize(maxMessageSize(remoteData))
    if (startsDtls) {
      transport.peer.startDtls({
        role,
        certificate: RTCCertificate.credentials(connection.certificate),
        fingerprints: described.fingerprints,
      })
    }
    transport.peer.startSctp({
      localPort: localData.sctpPort ?? SCTP_PORT,
      remotePort: remoteData.sctpPort ?? SCTP_PORT,
      remoteMaxMessageSize: maxMessageSize(remoteData),
      localMaxMessageSize: connection.maxMessageSize,
    })
    if (transport.peer.manager !== undefined) channels.start(transport.peer.manager)
  }

  // -- addIceCandidate

  async addCandidate(init: CandidateInit): Promise<void> {
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
    const { model } = description
    const data = description.data
    const places = everywhere ? model.media : section === undefined ? [] : [section]
    const value = init.candidate.replace(/^a=/, '').replace(/^candidate:/, '')
    for (const place of places) {
      if (value === '') description.endCandidates(place)
      else if (!place.attributes('candidate').includes(value)) description.addCandidate(place, value, false)
      if (data !== undefined && sharesTransport(model, data, place, description.bundleAgreed)) {
        this.#feed(description, data, value)
      }
    }
  }

  /** To the agent, when its remote generation is that of the description; otherwise the answer brings it. */
  #feed(description: Description, data: MediaSection, value: string): void {
    const { model, bundleAgreed } = description
    const { transport } = this.#connection
    if (transport === null || transport.remoteUsernameFragment !== transportSection(model, data).iceUfrag) return
    if (value !== '') {
      transport.addRemoteCandidate(value)
      return
    }
    for (const candidate of remoteCandidates(model, data, bundleAgreed)) transport.addRemoteCandidate(candidate)
    transport.endRemoteCandidates()
  }
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
