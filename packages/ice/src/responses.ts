// Answers to our checks (RFC 8445 §7.2.5).
import {
  attribute,
  checkFingerprint,
  checkIntegrity,
  iceAttributes,
  type StunMessage,
  type TransportAddress,
} from '@kaon/stun'
import { isSameAddress } from './address.ts'
import type { Check } from './check.ts'
import type { Machine } from './machine.ts'
import type { CandidatePair, LocalEntry } from './pair.ts'
import { peerReflexivePriority } from './priority.ts'
import { pairSucceeded, nominationSucceeded } from './selection.ts'

/** A pair in reserve whose checks go unanswered this often in a row is none. */
const MAX_MISSED = 2

export function receiveResponse(
  machine: Machine,
  message: StunMessage,
  socket: number,
  from: TransportAddress,
  now: number,
): void {
  const check = machine.checks.get(message.transactionKey)
  if (check === undefined) {
    machine.stats.unknownTransaction++
    return
  }
  if (message.fingerprintOffset >= 0 && !checkFingerprint(message)) {
    machine.stats.malformed++
    return
  }
  const key = check.generation.remoteKey
  if (key === undefined || !checkIntegrity(message, key, 'sha1')) {
    machine.stats.badIntegrity++ // RFC 8489 §9.1.4: as if it had not come; the true answer may still arrive
    return
  }
  machine.checks.end(check)
  const { pair } = check
  pair.stats.responsesReceived++
  // RFC 8445 §7.2.5.2.1: an answer must come back the way that the check went.
  if (socket !== pair.socket || !isSameAddress(from, pair.to)) {
    checkFailed(machine, check, now)
    return
  }
  pair.heardAt = now
  // RFC 8489 §6.3.3, §6.3.4: an answer that demands to be understood and is not has failed.
  if (message.unknownRequired(iceAttributes).length > 0) checkFailed(machine, check, now)
  else if (message.messageClass === 'success') succeed(machine, message, check, now)
  else if (message.get(attribute.errorCode)?.code === 487) switchRole(machine, check)
  else checkFailed(machine, check, now)
}

function succeed(machine: Machine, message: StunMessage, check: Check, now: number): void {
  const { pair, generation } = check
  const mapped = message.get(attribute.xorMappedAddress) ?? message.get(attribute.mappedAddress)
  if (mapped === undefined) {
    machine.stats.malformed++
    checkFailed(machine, check, now)
    return
  }
  machine.stats.checksSucceeded++
  const roundTrip = now - check.startedAt
  // Karn: an answer to one of several transmissions says nothing about the round trip.
  const isOnce = check.purpose === 'consent' || check.purpose === 'standby'
  if (check.sends === 1 || isOnce || pair.base.candidate.protocol === 'tcp') pair.measured(roundTrip)
  pair.answeredAt = now
  pair.missed = 0
  if (!pair.trusted) {
    pair.trusted = true
    machine.version++
  }
  setMapped(machine, check, mapped)
  if (pair.check === check) pair.check = undefined
  if (pair.nomination === check) pair.nomination = undefined
  machine.consent.answered(pair, now)
  if (generation.retiredUntil !== Infinity) return
  pairSucceeded(machine, generation, pair, now)
  if (check.purpose === 'nomination' && check.role === machine.role) {
    nominationSucceeded(machine, generation, pair, now)
  }
  machine.wake()
}

/** RFC 8445 §7.2.5.3.1: what the peer sees is the local candidate of the valid pair, maybe one nobody knew of. */
function setMapped(machine: Machine, check: Check, mapped: TransportAddress): void {
  const { pair, generation } = check
  const { base } = pair
  const isBase = base.address !== undefined && isSameAddress(base.address, mapped)
  if (isBase || (base.announced !== undefined && isSameAddress(base.announced, mapped))) {
    pair.local = base
    return
  }
  if (pair.local.address !== undefined && isSameAddress(pair.local.address, mapped)) return
  const { socket } = pair
  let local = generation.locals.find(
    (entry) => entry.candidate.socket === socket && entry.address !== undefined && isSameAddress(entry.address, mapped),
  )
  local ??= makePeerReflexive(machine, pair, mapped)
  // A peer can tell any address, but each pair adds at most one entry while it lasts.
  const old = pair.local
  if (old !== base && old.candidate.type === 'prflx') {
    const index = generation.locals.indexOf(old)
    if (index >= 0 && !generation.checklist.pairs.some((other) => other !== pair && other.local === old)) {
      generation.locals.splice(index, 1)
    }
  }
  if (!generation.locals.includes(local)) generation.locals.push(local)
  pair.local = local
}

function makePeerReflexive(machine: Machine, pair: CandidatePair, mapped: TransportAddress): LocalEntry {
  const { candidate } = pair.base
  const id = machine.makeId()
  return {
    id,
    candidate: {
      foundation: `prflx${id}`,
      component: 1,
      protocol: candidate.protocol,
      priority: peerReflexivePriority(candidate.priority, candidate.protocol),
      address: mapped.address,
      port: mapped.port,
      type: 'prflx',
      relatedAddress: candidate.address,
      relatedPort: candidate.port,
      ...(candidate.tcpType === undefined ? undefined : { tcpType: candidate.tcpType }),
      socket: candidate.socket,
    },
    address: mapped,
    announced: undefined,
  }
}

/** RFC 8445 §7.2.5.1: the peer keeps its role, so ours changes, with a new tie-breaker, and the check is repeated. */
function switchRole(machine: Machine, check: Check): void {
  const { pair, generation } = check
  machine.stats.roleConflicts++
  if (pair.check === check) pair.check = undefined
  if (pair.nomination === check) pair.nomination = undefined
  if (check.role === machine.role) {
    machine.tieBreaker = machine.makeTieBreaker()
    machine.setRole(check.role === 'controlling' ? 'controlled' : 'controlling')
    machine.emit({ type: 'role', role: machine.role })
  }
  if (check.purpose === 'check') generation.checklist.trigger(pair)
  machine.wake()
}

/** RFC 8445 §7.2.5.2: an error, a wrong way back, or no answer at all. */
export function checkFailed(machine: Machine, check: Check, now: number): void {
  const { pair, generation } = check
  machine.wake()
  if (pair.check === check) {
    pair.check = undefined
    pair.state = 'failed'
    machine.stats.checksFailed++
    generation.checklist.touch()
  } else if (pair.nomination === check) {
    pair.nomination = undefined
    generation.nextNominationAt = now + machine.settings.checkTimeoutMs // a peer that refuses them all is asked slowly
    // It answered before and does not now: not the pair to settle on. Its consent ends by itself if it carries data.
    if (pair !== machine.path) pair.state = 'failed'
  } else if (check.purpose === 'standby' && ++pair.missed >= MAX_MISSED && pair.valid && pair !== machine.path) {
    pair.state = 'failed'
  }
}
