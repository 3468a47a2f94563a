/** The state of the offer/answer exchange: W3C WebRTC 1.0 §4.4.1, RFC 9429 §3.2 and §5. No I/O and no events. */
import type { SessionDescription } from '@kaon/sdp'
import { domError } from '../rtc-error.ts'
import type { RTCSdpType, RTCSignalingState } from '../types.ts'
import { createAnswer, type AnswerContext, type DtlsRole } from './answer.ts'
import { Description } from './description.ts'
import type { LocalSession } from './generate.ts'
import { createOffer, type OfferContext, type OfferedMedia } from './offer.ts'
import { allCredentials, hasRestarted, readCredentials, type IceCredentials } from './sections.ts'
import { checkRemote, checkType, parseDescription } from './validate.ts'

interface Created {
  readonly sdp: string
  /** `Session.revision` when it was made: another one now means that it no longer describes the connection. */
  readonly revision: number
  /** Until it is set, which takes it: what follows changes it. */
  model: SessionDescription | undefined
  /** The mids that an offer gives to media without one. */
  readonly mids: ReadonlyMap<OfferedMedia, string>
}

const NO_MIDS: ReadonlyMap<OfferedMedia, string> = new Map()
const NOTHING: Created = { sdp: '', revision: -1, model: undefined, mids: NO_MIDS }

/** What the session knows of an offer by itself. */
type OwnOfferContext = 'session' | 'version' | 'previous' | 'isRejected' | 'isFree' | 'wantsData' | 'newMid'

export class Session {
  signalingState: RTCSignalingState = 'stable'
  currentLocal: Description | null = null
  pendingLocal: Description | null = null
  currentRemote: Description | null = null
  pendingRemote: Description | null = null
  lastOffer: Created = NOTHING
  lastAnswer: Created = NOTHING
  /** `[[LocalIceCredentialsToReplace]]`, each as `ufrag:pwd`. */
  readonly credentialsToReplace: Set<string> = new Set()
  /** A data channel was created since the last time that data was refused. */
  wantsData = false
  /** Grows with whatever a new offer or answer would show. */
  revision = 0
  readonly #local: LocalSession
  #version = 1
  #mids = 0

  constructor(local: LocalSession) {
    this.#local = local
  }

  get local(): Description | null {
    return this.pendingLocal ?? this.currentLocal
  }

  get remote(): Description | null {
    return this.pendingRemote ?? this.currentRemote
  }

  /** ICE credentials of the last stable state. */
  get currentCredentials(): IceCredentials | undefined {
    return this.currentLocal === null ? undefined : readCredentials(this.currentLocal.model)
  }

  /** The peer's offer asks for an ICE restart: its credentials are other ones than were agreed on. */
  get remoteRestarts(): boolean {
    if (this.currentRemote === null || this.pendingRemote === null) return false
    return hasRestarted(this.currentRemote.model, this.pendingRemote.model)
  }

  createOffer(context: Omit<OfferContext, OwnOfferContext>): string {
    const previous = this.local ?? this.remote
    const given = new Set<string>()
    const isRefused = (description: Description | null, index: number): boolean =>
      description?.model.media[index]?.isRejected === true
    const { model, mids } = createOffer({
      ...context,
      session: this.#local,
      version: ++this.#version,
      previous: previous?.model,
      isRejected: (index) =>
        isRefused(previous, index) ||
        // A pending offer may have taken a refused section into use again.
        (this.pendingLocal === null && isRefused(this.currentRemote, index)),
      isFree: (index) =>
        isRefused(previous, index) && (isRefused(this.currentLocal, index) || isRefused(this.currentRemote, index)),
      wantsData: this.wantsData,
      newMid: () => this.#newMid(given),
    })
    this.lastOffer = { sdp: model.toString(), revision: this.revision, model, mids }
    return this.lastOffer.sdp
  }

  createAnswer(context: Omit<AnswerContext, 'session' | 'version' | 'offer'>): string {
    const offer = this.pendingRemote
    if (offer === null) throw domError('InvalidStateError', 'There is no offer to answer')
    const model = createAnswer({ ...context, session: this.#local, version: ++this.#version, offer: offer.model })
    this.lastAnswer = { sdp: model.toString(), revision: this.revision, model, mids: NO_MIDS }
    return this.lastAnswer.sdp
  }

  /** A mid that no section has had, nor one of `given`. Digits, as browsers count them. */
  #newMid(given: Set<string>): string {
    const isUsed = (mid: string): boolean =>
      given.has(mid) ||
      [this.currentLocal, this.pendingLocal, this.currentRemote, this.pendingRemote].some(
        (description) => description?.model.mediaByMid(mid) !== undefined,
      )
    let mid = this.#mids
    while (isUsed(String(mid))) mid++
    if (given.size === 0) this.#mids = mid
    given.add(String(mid))
    return String(mid)
  }

  /** Parses and checks; nothing is changed. Throws as W3C §4.4.1.4 has it. */
  prepare(
    type: RTCSdpType,
    sdp: string,
    remote: boolean,
    dtlsRole: (key: string) => DtlsRole | undefined,
  ): Description {
    checkType(type, this.signalingState, remote)
    const model = (remote ? undefined : this.#takeCreated(type, sdp)) ?? parseDescription(sdp)
    if (remote) {
      checkRemote(type, model, {
        localOffer: this.pendingLocal?.model,
        currentLocal: this.currentLocal?.model,
        currentRemote: this.currentRemote?.model,
        dtlsRole,
      })
    }
    return new Description(type, model, sdp, this.currentRemote !== null)
  }

  /** What was created here need not be read again. */
  #takeCreated(type: RTCSdpType, sdp: string): SessionDescription | undefined {
    const last = type === 'offer' ? this.lastOffer : this.lastAnswer
    if (last.sdp !== sdp) return undefined
    const { model } = last
    last.model = undefined
    return model
  }

  /** The five variables change here, at one point in time. */
  commit(description: Description, remote: boolean): void {
    this.revision++
    if (description.type === 'offer') {
      if (remote) {
        this.pendingRemote = description
        this.signalingState = 'have-remote-offer'
      } else {
        this.pendingLocal = description
        this.signalingState = 'have-local-offer'
      }
    } else if (description.type === 'pranswer') {
      if (remote) {
        this.pendingRemote = description
        this.signalingState = 'have-remote-pranswer'
      } else {
        this.pendingLocal = description
        this.signalingState = 'have-local-pranswer'
      }
    } else {
      this.currentLocal = remote ? this.pendingLocal : description
      this.currentRemote = remote ? description : this.pendingRemote
      this.pendingLocal = null
      this.pendingRemote = null
      this.lastOffer = NOTHING
      this.lastAnswer = NOTHING
      this.signalingState = 'stable'
      this.#dropReplacedCredentials()
    }
  }

  #dropReplacedCredentials(): void {
    const present = this.currentLocal === null ? [] : allCredentials(this.currentLocal.model)
    if (!present.some((credentials) => this.credentialsToReplace.has(credentials))) this.credentialsToReplace.clear()
  }

  rollback(): void {
    this.revision++
    this.pendingLocal = null
    this.pendingRemote = null
    this.signalingState = 'stable'
  }

  /** `restartIce()`: all credentials in use are to be replaced by the next offers. */
  replaceCredentials(): void {
    this.revision++
    this.credentialsToReplace.clear()
    for (const description of [this.currentLocal, this.pendingLocal]) {
      if (description === null) continue
      for (const credentials of allCredentials(description.model)) this.credentialsToReplace.add(credentials)
    }
  }

  /** "Check if negotiation is needed", as far as it is about ICE and data channels. */
  get negotiationNeeded(): boolean {
    if (this.credentialsToReplace.size > 0) return true
    return this.wantsData && (this.currentLocal?.data === undefined || this.currentRemote?.data === undefined)
  }

  close(): void {
    this.signalingState = 'closed'
  }
}
