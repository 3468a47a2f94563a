/** RFC 9429 §5.8.3 and what W3C WebRTC 1.0 §4.4.1.4 makes of a failure. */
import { tryParse, type MediaSection, type SessionDescription } from '@kaon/sdp'
import { domError, RTCError } from '../rtc-error.ts'
import type { RTCSdpType, RTCSignalingState } from '../types.ts'
import { answerSetup, type DtlsRole } from './answer.ts'
import {
  isDataSection,
  isUsable,
  readTransport,
  sameCredentials,
  sectionKey,
  type TransportDescription,
} from './sections.ts'

// RFC 8839 §5.4. Peers use more characters than its grammar has; the ICE agent decides about those.
const UFRAG_LENGTH = [4, 256] as const
const PWD_LENGTH = [22, 256] as const

/** Throws `RTCError` (`sdp-syntax-error`). */
export function parseDescription(sdp: string): SessionDescription {
  const result = tryParse(sdp)
  if (result.ok) return result.description
  const { line, reason } = result.error
  throw new RTCError({ errorDetail: 'sdp-syntax-error', sdpLineNumber: line }, `Line ${line}: ${reason}`)
}

/** RFC 9429 §5.5, §5.6: which types may be set in which state. Throws `InvalidStateError`. */
export function checkType(type: RTCSdpType, state: RTCSignalingState, remote: boolean): void {
  if (!isTypeAllowed(type, state, remote)) {
    const side = remote ? 'remote' : 'local'
    throw domError('InvalidStateError', `A ${side} ${type} cannot be set in the state '${state}'`)
  }
}

export function isTypeAllowed(type: RTCSdpType, state: RTCSignalingState, remote: boolean): boolean {
  if (type === 'offer') return state === 'stable' || state === (remote ? 'have-remote-offer' : 'have-local-offer')
  if (type === 'rollback') return state === 'have-local-offer' || state === 'have-remote-offer'
  return remote
    ? state === 'have-local-offer' || state === 'have-remote-pranswer'
    : state === 'have-remote-offer' || state === 'have-local-pranswer'
}

/** Throws `InvalidAccessError`. */
function fail(what: string): never {
  throw domError('InvalidAccessError', what)
}

export interface RemoteContext {
  /** The offer that an answer answers. */
  readonly localOffer: SessionDescription | undefined
  /** The descriptions of the last stable state. */
  readonly currentLocal: SessionDescription | undefined
  readonly currentRemote: SessionDescription | undefined
  /** The role of the DTLS connection of a section that exists. */
  dtlsRole(key: string): DtlsRole | undefined
}

/** A remote description against itself and against what was agreed before. */
export function checkRemote(type: RTCSdpType, model: SessionDescription, context: RemoteContext): void {
  checkSections(model)
  if (type === 'offer') checkSubsequentOffer(model, context)
  else checkAnswer(model, context.localOffer)
  for (const [i, section] of model.media.entries()) {
    if (section.isRejected || !isUsable(section)) continue
    const transport = readTransport(model, section)
    checkTransport(type, transport, section)
    const old = describedBefore(context.currentRemote, i, context)
    const dtlsRole = context.dtlsRole(sectionKey(section, i))
    // Another fingerprint is another DTLS connection, whose roles are chosen anew. The role in an answer to a later offer says nothing:
    // Firefox answers an ICE restart with `active` whatever it is, says so from then on, and goes on with the connection that it has.
    if (type === 'offer' && dtlsRole !== undefined && (old === undefined || sameFingerprints(transport, old)))
      checkOfferedRole(transport, dtlsRole)
    checkContinuation(type, transport, i, context)
  }
}

function checkSections(model: SessionDescription): void {
  const mids = new Set<string>()
  for (const section of model.media) {
    if (section.mid !== undefined) {
      if (mids.has(section.mid)) fail(`The mid '${section.mid}' is there twice`)
      mids.add(section.mid)
    }
    checkRtcpMux(model, section)
  }
  const bundled = new Set<string>()
  for (const group of model.groups) {
    if (group.semantics !== 'BUNDLE') continue
    for (const mid of group.mids) {
      if (!mids.has(mid)) fail(`The BUNDLE group names '${mid}', and no section has that mid`)
      if (bundled.has(mid)) fail(`The mid '${mid}' is in two BUNDLE groups`)
      bundled.add(mid)
    }
  }
}

/** The rtcp-mux policy is 'require'. A bundled section may leave the attribute to the tagged one (RFC 9143 §7.1.3). */
function checkRtcpMux(model: SessionDescription, section: MediaSection): void {
  if (!section.isRtp || section.isRejected || section.rtcpMux) return
  const group = section.mid === undefined ? undefined : model.bundleOf(section.mid)
  if (group?.mids.some((mid) => model.mediaByMid(mid)?.rtcpMux)) return
  fail(`The section '${section.mid ?? section.kind}' does not use rtcp-mux`)
}

/** RFC 3264 §8: sections never go away, and a section in use keeps its kind. */
function checkSubsequentOffer(model: SessionDescription, context: RemoteContext): void {
  const previous = context.currentRemote ?? context.currentLocal
  if (previous === undefined) return
  if (model.media.length < previous.media.length) fail('The offer has fewer sections than were agreed on')
  for (const [i, before] of previous.media.entries()) {
    const now = model.media[i]!
    if (now.isRejected || isRefused(i, context)) continue
    if (now.kind !== before.kind) fail(`Section ${i} changed its kind`)
    if (now.mid !== before.mid) fail(`Section ${i} changed its mid`)
  }
}

/** Either side has refused the section in the last stable state: it may be taken for something else. */
function isRefused(index: number, { currentLocal, currentRemote }: RemoteContext): boolean {
  return [currentLocal, currentRemote].some((model) => model?.media[index]?.isRejected === true)
}

function checkAnswer(model: SessionDescription, offer: SessionDescription | undefined): void {
  if (offer === undefined) return
  if (model.media.length !== offer.media.length) fail('The answer has another number of sections than the offer')
  for (const [i, offered] of offer.media.entries()) {
    const answered = model.media[i]!
    if (answered.kind !== offered.kind) fail(`Section ${i} of the answer is of another kind`)
    const compatible = answered.protocol === offered.protocol || (isDataSection(answered) && isDataSection(offered))
    if (!compatible) fail(`Section ${i} of the answer has another protocol`)
    if (answered.mid !== undefined && answered.mid !== offered.mid) fail(`Section ${i} of the answer has another mid`)
    if (offered.isRejected && !answered.isRejected) fail(`Section ${i} was not offered`)
  }
}

function checkTransport(type: RTCSdpType, transport: TransportDescription, section: MediaSection): void {
  const name = `The section '${section.mid ?? section.kind}'`
  checkLength(transport.usernameFragment, UFRAG_LENGTH, `${name} has no ice-ufrag`, 'ice-ufrag')
  checkLength(transport.password, PWD_LENGTH, `${name} has no ice-pwd`, 'ice-pwd')
  if (transport.fingerprints.length === 0) fail(`${name} has no fingerprint`)
  const { setup } = transport
  if (setup === 'holdconn') fail('a=setup:holdconn is not supported')
  if (type === 'offer') {
    if (setup === undefined) fail(`${name} has no a=setup`)
  } else if (setup === 'actpass') {
    fail('An answer chooses active or passive') // RFC 8842 §5.3
  }
}

function checkLength(
  value: string | undefined,
  [least, most]: readonly [number, number],
  missing: string,
  name: string,
): void {
  if (value === undefined) fail(missing)
  if (value.length < least || value.length > most) fail(`${name} must have ${least} to ${most} characters`)
}

/** Our role when the peer answers; `active` is what a missing attribute means (RFC 4145 §4). */
export function roleFromAnswer(transport: TransportDescription): DtlsRole {
  return transport.setup === 'passive' ? 'client' : 'server'
}

function checkOfferedRole(transport: TransportDescription, current: DtlsRole): void {
  const own = answerSetup(transport.setup, current) === 'active' ? 'client' : 'server'
  if (own !== current) fail('The offer changes the DTLS role')
}

/** What stood in that place in the last stable state, if it was in use. */
function describedBefore(
  model: SessionDescription | undefined,
  index: number,
  context: RemoteContext,
): TransportDescription | undefined {
  const section = model?.media[index]
  if (section === undefined || section.isRejected || !isUsable(section) || isRefused(index, context)) return undefined
  return readTransport(model!, section)
}

/** RFC 9429 §5.10, §5.11: what may change only together with an ICE restart. */
function checkContinuation(
  type: RTCSdpType,
  transport: TransportDescription,
  index: number,
  context: RemoteContext,
): void {
  const old = describedBefore(context.currentRemote, index, context)
  if (old === undefined) return
  const restarted = transport.usernameFragment !== old.usernameFragment || transport.password !== old.password
  if (type !== 'offer' && context.localOffer !== undefined && context.currentLocal !== undefined) {
    const [offered, current] = [context.localOffer, context.currentLocal].map((model) => {
      const described = describedBefore(model, index, context)
      return described === undefined
        ? undefined
        : { usernameFragment: described.usernameFragment ?? '', password: described.password ?? '' }
    })
    const offeredRestart = !sameCredentials(offered, current)
    if (restarted && !offeredRestart) fail('The answer restarts ICE, the offer did not')
    if (!restarted && offeredRestart) fail('The offer restarted ICE, the answer does not')
  }
  if (!restarted && !sameFingerprints(transport, old)) fail('The fingerprint changed without an ICE restart')
}

export function sameFingerprints(a: TransportDescription, b: TransportDescription): boolean {
  if (a.tlsId !== b.tlsId && a.tlsId !== undefined && b.tlsId !== undefined) return false
  const known = new Set(b.fingerprints.map((fingerprint) => `${fingerprint.algorithm} ${fingerprint.value}`))
  return a.fingerprints.every((fingerprint) => known.has(`${fingerprint.algorithm} ${fingerprint.value}`))
}
