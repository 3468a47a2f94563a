/** Offers, answers and what setting them does: W3C WebRTC 1.0 §4.4.1.4 and §4.4.2, RFC 9429 §5. */
import { applyAnswer } from './apply-answer.ts'
import type { Connection } from './connection.ts'
import type { Description } from './jsep/description.ts'
import type { LocalTransport } from './jsep/generate.ts'
import {
  credentialKey,
  credentialsOf,
  readCredentials,
  readTransport,
  sameCredentials,
  type IceCredentials,
} from './jsep/sections.ts'
import { isTypeAllowed, sameFingerprints } from './jsep/validate.ts'
import type { DtlsRole } from './jsep/answer.ts'
import { domError } from './rtc-error.ts'
import { NO_CHANGES, type MediaChanges } from './rtp/remote-tracks.ts'
import { assignTransports } from './transport/assign.ts'
import { generateCredentials } from './transport/credentials.ts'
import type { Transport } from './transport/transport.ts'
import { DataMedia } from './data-media.ts'
import type { RTCSdpType, RTCSessionDescriptionInit } from './types.ts'

type Init = { type: RTCSdpType; sdp: string }

export class Negotiation {
  readonly #connection: Connection
  /** `[[LastStableStateSctpTransport]]`, and the transport it had. */
  #stableData: { readonly data: DataMedia; readonly transport: Transport } | null = null

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
    const credentials = this.#offerCredentials(iceRestart)
    const sdp = session.createOffer({
      pacing: this.#pacing,
      lite: this.#lite,
      isBundled: (mid) => this.#isBundled(mid),
      media: this.#connection.transceivers.offered(),
      transport: (mid) => this.#localTransport(mid, credentials),
    })
    return { type: 'offer', sdp }
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    const { session, tasks } = this.#connection
    if (session.signalingState !== 'have-remote-offer' && session.signalingState !== 'have-local-pranswer') {
      throw domError('InvalidStateError', `An answer cannot be created in the state '${session.signalingState}'`)
    }
    await tasks.next()
    const credentials = this.#answerCredentials()
    const sdp = session.createAnswer({
      pacing: this.#pacing,
      lite: this.#lite,
      dtlsRole: (key) => (this.#continuesDtls(key) ? this.#dtlsRole(key) : undefined),
      media: (key, offered) => this.#connection.transceivers.answer(key, offered),
      transport: (key) => this.#localTransport(key, credentials),
    })
    return { type: 'answer', sdp }
  }

  /** Our Ta, ms. */
  get #pacing(): number | undefined {
    return this.#connection.transports.primary?.ice.localParameters.pacing
  }

  get #lite(): boolean {
    return this.#connection.configuration.ice?.lite === true
  }

  #dtlsRole(key: string): DtlsRole | undefined {
    return this.#connection.transports.of(key)?.peer.dtlsRole
  }

  /** The peer has agreed to bundling, and the section is part of it. */
  #isBundled(mid: string): boolean {
    const { currentLocal, currentRemote } = this.#connection.session
    const answer = [currentLocal, currentRemote].find((description) => description?.type === 'answer')
    return answer?.model.bundleOf(mid) !== undefined
  }

  /** The fingerprint in the peer's offer is that of the connection that exists. */
  #continuesDtls(key: string): boolean {
    const { currentRemote, pendingRemote } = this.#connection.session
    const [before, now] = [currentRemote?.section(key), pendingRemote?.section(key)]
    if (before === undefined || now === undefined) return true
    return sameFingerprints(readTransport(pendingRemote!.model, now), readTransport(currentRemote!.model, before))
  }

  #offerCredentials(iceRestart: boolean): IceCredentials {
    const { session } = this.#connection
    const transport = this.#connection.transports.ensurePrimary()
    const inUse = session.local === null ? undefined : readCredentials(session.local.model)
    if (inUse === undefined) return transport.credentials
    const { currentCredentials } = session
    // RFC 9429 §5.2.3.1: the credentials must differ from those agreed on; a pending offer's may do so already.
    const replace =
      session.credentialsToReplace.has(credentialKey(inUse.usernameFragment, inUse.password)) ||
      this.#needsRestart ||
      (iceRestart && (currentCredentials === undefined || sameCredentials(inUse, currentCredentials)))
    return replace ? this.#freshCredentials(transport) : inUse
  }

  #answerCredentials(): IceCredentials {
    const { session } = this.#connection
    const transport = this.#connection.transports.ensurePrimary()
    const pending = session.pendingLocal === null ? undefined : readCredentials(session.pendingLocal.model)
    if (pending !== undefined) return pending
    const { currentCredentials } = session
    if (currentCredentials === undefined) return transport.credentials
    return session.remoteRestarts ? this.#freshCredentials(transport) : currentCredentials
  }

  /** The agent may have restarted already, for an offer that was rolled back: those credentials are as good as new. */
  #freshCredentials(transport: Transport): IceCredentials {
    const { session, crypto } = this.#connection
    const own = transport.credentials
    const spent =
      sameCredentials(own, session.currentCredentials) ||
      session.credentialsToReplace.has(credentialKey(own.usernameFragment, own.password)) ||
      this.#needsRestart
    return spent ? transport.nextCredentials(() => generateCredentials((length) => crypto.random(length))) : own
  }

  get #needsRestart(): boolean {
    return this.#connection.transports.all.some(({ needsRestart }) => needsRestart)
  }

  #localTransport(mid: string, credentials: IceCredentials): LocalTransport {
    const { transports, certificate, session } = this.#connection
    const transport = transports.of(mid)
    const generation = transport?.mid === mid ? transport.generation : undefined
    const gathered = generation?.usernameFragment === credentials.usernameFragment ? generation : undefined
    return {
      ...credentials,
      fingerprints: certificate.getFingerprints().map(({ algorithm, value }) => ({
        algorithm,
        value: value.toUpperCase(),
      })),
      // Candidates that were pooled before the first description are surfaced with it, not put into it.
      candidates: session.local === null ? [] : [...(gathered?.candidates ?? [])],
      endOfCandidates: session.local !== null && gathered?.complete === true,
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
    let changes = NO_CHANGES
    if (init.type === 'rollback') {
      if (!isTypeAllowed('rollback', before, remote)) {
        throw domError('InvalidStateError', `There is nothing to roll back in the state '${before}'`)
      }
      await tasks.next()
      changes = this.#rollback()
    } else {
      await tasks.next()
      const description = session.prepare(init.type, init.sdp, remote, (key) => this.#dtlsRole(key))
      if (init.type === 'offer' && before === 'stable') this.#remember()
      changes = this.#apply(description, remote)
    }
    const changed = session.signalingState !== before
    if (session.signalingState === 'stable') {
      connection.clearNegotiationNeeded()
      connection.updateNegotiationNeeded()
    }
    if (changed) connection.fire(new Event('signalingstatechange'))
    changes.fire(connection)
    if (!connection.closed) connection.updateStates()
  }

  /** A stable state is left: what a rollback comes back to. */
  #remember(): void {
    const { transports, transceivers, data } = this.#connection
    this.#stableData = data === null ? null : { data, transport: data.transport }
    transports.remember()
    transceivers.remember()
  }

  #rollback(): MediaChanges {
    const connection = this.#connection
    connection.session.rollback()
    connection.data = this.#stableData?.data ?? null
    if (this.#stableData !== null) this.#stableData.data.transport = this.#stableData.transport
    const changes = connection.transceivers.rollback()
    // What only the abandoned offer had brought goes with it; channels keep waiting for the next one.
    connection.transports.rollback()
    return changes
  }

  #apply(description: Description, remote: boolean): MediaChanges {
    const connection = this.#connection
    const { session, transports, transceivers } = connection
    const { type, data, model } = description
    const current = session.currentCredentials
    const { mids } = session.lastOffer
    session.commit(description, remote)

    if (remote) connection.updateCanTrickle(description)
    assignTransports(transports, description, remote, connection.configuration.bundlePolicy)
    if (data !== undefined) {
      const transport = transports.of(data.mid ?? String(model.media.indexOf(data)))!
      if (connection.data === null) connection.data = new DataMedia(transport)
      else connection.data.transport = transport
    }
    const changes = transceivers.apply(description, remote, mids)
    for (const transport of transports.all) {
      this.#setRole(transport, description, remote)
      if (remote) continue
      const own = description.section(transport.mid)
      const credentials = own === undefined ? undefined : credentialsOf(model, own)
      if (credentials !== undefined) transport.applyLocal(credentials, current)
    }
    if (!remote) transports.releaseEarlyCandidates()
    if (type !== 'offer') applyAnswer(connection, description, remote)
    if (type === 'answer') transports.remember()
    transports.prune()
    return changes
  }

  /** RFC 8445 §6.1.1 as W3C §4.4.1.4 has it: the first offer decides. */
  #setRole(transport: Transport, description: Description, remote: boolean): void {
    if (description.type !== 'offer' || transport.iceSlots.role !== 'unknown') return
    const isControlling = !this.#lite && (!remote || description.model.iceLite) // a lite agent never controls
    const role = isControlling ? 'controlling' : 'controlled'
    transport.iceSlots.role = role
    transport.ice.setRole(role)
  }
}
