// Checks that come in (RFC 8445 §7.3).
import {
  attribute,
  checkFingerprint,
  checkIntegrity,
  iceAttributes,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { timingSafeEqual } from '@kaon/crypto'
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import { addPeerReflexive } from './pairing.ts'
import type { CandidatePair } from './pair.ts'
import { doubtPath } from './reserve.ts'
import { hasConsent, pairSucceeded, peerNominated } from './selection.ts'
import { splitUsername } from './wire.ts'

/** Responses that wait for `pollTransmit`; beyond that the peer's retransmissions come back. */
export const MAX_OWED = 64

const encoder = new TextEncoder()

export function receiveRequest(
  machine: Machine,
  message: StunMessage,
  socket: number,
  from: TransportAddress,
  now: number,
): void {
  const { stats } = machine
  if (message.fingerprintOffset >= 0 && !checkFingerprint(message)) {
    stats.malformed++
    return
  }
  const username = splitUsername(message)
  const generation = username === undefined ? undefined : findGeneration(machine, username.local)
  // RFC 8489 §9.1.3 would answer 400 or 401. Both tell a stranger that an agent listens here, and an honest peer whose
  // signalling is late just repeats itself, so requests that are not authentic are counted and dropped.
  if (username === undefined || generation === undefined) {
    stats.unknownUsername++
    return
  }
  if (!checkIntegrity(message, generation.localKey, 'sha1')) {
    stats.badIntegrity++
    return
  }
  stats.checksReceived++
  // A check of a generation of the peer's that is not the one we talk to: nothing that comes from it can be used.
  if (generation.remote !== undefined && username.remote !== generation.remote.usernameFragment) {
    stats.unknownUsername++
    return
  }

  const unknown = message.unknownRequired(iceAttributes)
  if (unknown.length > 0) {
    owe(machine, generation, message, socket, from, 420, undefined, unknown)
    return
  }
  const priority = message.get(attribute.priority)
  if (priority === undefined) {
    owe(machine, generation, message, socket, from, 400, undefined)
    return
  }
  if (resolveRoleConflict(machine, message)) {
    owe(machine, generation, message, socket, from, 487, undefined)
    return
  }

  let pair = generation.checklist.find(socket, from)
  pair ??= addPeerReflexive(machine, generation, socket, from, priority, username.remote, now)
  if (pair === undefined) {
    stats.limited++
    return
  }
  owe(machine, generation, message, socket, from, 0, pair)
  pair.stats.requestsReceived++
  pair.heardAt = now
  if (!pair.trusted) {
    pair.trusted = true
    machine.version++
  }
  if (machine.settings.lite) {
    vouch(machine, generation, pair, now)
    readNomination(machine, generation, pair, message, now)
    return
  }
  triggerCheck(machine, generation, pair, now)
  readNomination(machine, generation, pair, message, now)
  // The peer prefers another pair: does the one in use still work?
  if (pair !== machine.path && machine.role === 'controlling') doubtPath(machine, generation, pair, now)
}

/** A lite agent asks nobody: that the peer asks is what it goes by (RFC 8445 §7.3.2, §8.2). */
function vouch(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  pair.answeredAt = now
  machine.consent.answered(pair, now)
  if (generation.retiredUntil !== Infinity) return
  pair.revoked = false
  pairSucceeded(machine, generation, pair, now)
  machine.wake()
}

function findGeneration(machine: Machine, fragment: string): Generation | undefined {
  for (const generation of [machine.current, machine.previous]) {
    if (generation === undefined) continue
    if (timingSafeEqual(encoder.encode(fragment), encoder.encode(generation.local.usernameFragment))) return generation
  }
  return undefined
}

/** RFC 8445 §7.3.1.1. True: the peer must change its role. */
function resolveRoleConflict(machine: Machine, message: StunMessage): boolean {
  const controlling = machine.role === 'controlling'
  const theirs = message.get(controlling ? attribute.iceControlling : attribute.iceControlled)
  if (theirs === undefined) return false
  machine.stats.roleConflicts++
  if (machine.settings.lite) return true // RFC 8445 §6.1.1: it never controls, whatever the tie-breakers
  const isLarger = machine.tieBreaker >= theirs
  if (controlling === isLarger) return true
  machine.setRole(controlling ? 'controlled' : 'controlling')
  machine.emit({ type: 'role', role: machine.role })
  return false
}

/** RFC 8445 §7.3.1.4 */
function triggerCheck(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  // A pair out of use may have become valid long ago. Were it nominated now, there would be no consent to send over it
  // (RFC 7675 §5.1), so what the peer still keeps alive is checked anew.
  if (pair.revoked || (pair.valid && hasConsent(machine, pair, now))) return
  if (pair.check !== undefined) {
    // What was sent before this check may have died in front of a NAT that has let nothing in yet.
    pair.check.cancelled = true
    pair.check = undefined
  }
  generation.checklist.trigger(pair)
  machine.wake()
}

/** RFC 8445 §7.3.1.5, and libwebrtc's NOMINATION, of which the largest value counts. */
function readNomination(
  machine: Machine,
  generation: Generation,
  pair: CandidatePair,
  message: StunMessage,
  now: number,
): void {
  if (machine.role !== 'controlled') return
  const value = message.get(attribute.nomination)
  if (value !== undefined) {
    if (value <= generation.nomination && pair.nominationValue !== value) return
    generation.nomination = Math.max(generation.nomination, value)
    pair.nominationValue = value
  } else if (!message.has(attribute.useCandidate)) {
    return
  }
  pair.nominatedByPeerAt = now
  if (pair.valid) peerNominated(machine, generation, pair, now) // any other one when its check has succeeded
}

function owe(
  machine: Machine,
  generation: Generation,
  message: StunMessage,
  socket: number,
  to: TransportAddress,
  code: number,
  pair: CandidatePair | undefined,
  unknown: readonly number[] = [],
): void {
  if (machine.owed.length >= MAX_OWED) {
    machine.stats.limited++
    return
  }
  const { transactionId } = message
  machine.owed.push({ socket, to, transactionId, code, key: generation.localKey, unknown, pair })
}
