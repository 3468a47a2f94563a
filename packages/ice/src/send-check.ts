// Connectivity checks on their way out (RFC 8445 §7.2.4).
import type { Check, CheckPurpose } from './check.ts'
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import type { CandidatePair } from './pair.ts'
import { peerReflexivePriority } from './priority.ts'

export function startCheck(
  machine: Machine,
  generation: Generation,
  pair: CandidatePair,
  purpose: CheckPurpose,
  now: number,
): void {
  const remote = generation.remote!
  const nominates = purpose === 'nomination'
  const request = machine.writer.request({
    username: `${remote.usernameFragment}:${generation.local.usernameFragment}`,
    key: generation.remoteKey!,
    priority: peerReflexivePriority(pair.base.candidate.priority, pair.base.candidate.protocol),
    role: machine.role,
    tieBreaker: machine.tieBreaker,
    useCandidate: nominates,
    nomination: nominates && remote.renomination === true ? ++generation.nomination : undefined,
  })
  // RFC 8445 §14.3
  const timeout = Math.max(
    machine.settings.checkTimeoutMs,
    purpose === 'check' ? machine.checkInterval * generation.checklist.busy : 0,
  )
  const check = machine.checks.start(purpose, pair, generation, machine.role, request, now, timeout)
  if (purpose === 'check') {
    pair.check = check
    pair.state = 'in-progress'
    machine.stats.checksSent++
  } else if (nominates) {
    pair.nomination = check
    machine.stats.checksSent++
  } else if (purpose === 'standby') {
    machine.stats.standbyChecksSent++
  } else {
    pair.stats.consentRequestsSent++
    machine.stats.consentChecksSent++
  }
  pair.stats.requestsSent++
  // A datagram belongs to the socket that it was given to; what may have to be sent again stays here.
  const isOnce = purpose === 'consent' || purpose === 'standby'
  machine.send(pair.socket, pair.to, isOnce ? request : request.slice())
}

export function retransmit(machine: Machine, check: Check): void {
  machine.stats.checksRetransmitted++
  check.pair.stats.requestsSent++
  machine.send(check.pair.socket, check.pair.to, check.request.slice())
}
