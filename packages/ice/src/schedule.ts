// What happens when: pacing, retransmission, consent, nomination (RFC 8445 §6.1.4, RFC 7675 §5.1).
import type { Machine } from './machine.ts'
import { nominate } from './nomination.ts'
import { hasReserve, keepVigil, recheckOthers, sendStandby, VIGIL_SILENCE } from './reserve.ts'
import { checkFailed } from './responses.ts'
import { retransmit, startCheck } from './send-check.ts'
import { choosePath, dropPrevious, losePath } from './selection.ts'
import { patienceEndsAt, updateState } from './transport-state.ts'

export function tick(machine: Machine, now: number): void {
  if (isOver(machine)) {
    machine.deadline = Infinity
    return
  }
  machine.checks.tick(
    now,
    (check) => retransmit(machine, check),
    (check) => checkFailed(machine, check, now),
  )
  watchPath(machine, now)
  choosePath(machine, now)
  // A lite agent only answers (RFC 8445 §2.5).
  const { lite } = machine.settings
  const nominationAt = lite ? Infinity : nominate(machine, now)
  const triggeredAt = lite ? Infinity : sendTriggered(machine, now)
  const ordinaryAt = lite ? Infinity : sendOrdinary(machine, now)
  const standbyAt = sendStandby(machine, now)
  const { previous } = machine
  if (previous !== undefined && now >= previous.retiredUntil) dropPrevious(machine)
  updateState(machine, now)
  machine.deadline = Math.min(
    machine.checks.deadline,
    machine.consent.nextAt,
    machine.consent.expiresAt,
    nominationAt,
    triggeredAt,
    ordinaryAt,
    standbyAt,
    machine.vigilAt,
    machine.previous?.retiredUntil ?? Infinity,
    patienceEndsAt(machine, now),
  )
  if (isOver(machine)) machine.deadline = Infinity
}

function isOver(machine: Machine): boolean {
  return machine.state === 'failed' || machine.state === 'closed'
}

/** Consent and liveness of the path (RFC 7675 §5.1). */
function watchPath(machine: Machine, now: number): void {
  const { consent, path } = machine
  if (path === undefined) return
  if (now >= consent.expiresAt) {
    losePath(machine, now)
    return
  }
  const generation = machine.generationOf(path)
  if (generation === undefined) return
  if (now >= machine.vigilAt) {
    const { heardAt, stats } = path
    const isSilent = heardAt + VIGIL_SILENCE <= now
    if (isSilent && stats.packetsSent > machine.vigilSent) consent.doubt(now)
    if (isSilent) machine.vigilAt = Infinity
    else keepVigil(machine, path, now)
  }
  if (now >= consent.nextAt && consent.isLite) {
    consent.looked(now)
  } else if (now >= consent.nextAt) {
    startCheck(machine, generation, path, 'consent', now)
    consent.sent(now)
  }
  const hasOther = consent.isDoubted && hasReserve(machine, path, now)
  const quiet = consent.isQuiet(now, hasOther)
  if (quiet === machine.quiet) return
  machine.quiet = quiet
  for (const one of [machine.current, machine.previous]) {
    if (one?.remote === undefined || one.retiredUntil !== Infinity) continue
    if (quiet) recheckOthers(machine, one, path, now)
    else if (one.selected === undefined) one.checklist.concluded = false
    else one.checklist.conclude(one.selected.rank)
  }
}

/**
 * Triggered checks have a pacing of their own: they follow a packet of the peer that has just come the same way, so that
 * they are no probing into the dark, and a check that is due in its own right does not delay them. At most one per Ta too.
 */
function sendTriggered(machine: Machine, now: number): number {
  for (;;) {
    const generation = machine.liveGenerations().find((one) => one.checklist.hasTriggered)
    if (generation === undefined) return Infinity
    if (now < machine.nextTriggeredAt) return machine.nextTriggeredAt
    const pair = generation.checklist.nextTriggered()
    if (pair === undefined || pair.state !== 'waiting') continue
    machine.nextTriggeredAt = now + machine.checkInterval
    startCheck(machine, generation, pair, 'check', now)
  }
}

/** Ordinary checks, one per Ta; the first one goes out at once (RFC 8445 §6.1.4.2). */
function sendOrdinary(machine: Machine, now: number): number {
  for (const generation of machine.liveGenerations()) {
    if (!generation.checklist.hasOrdinary) continue
    if (now < machine.nextOrdinaryAt) return machine.nextOrdinaryAt
    const pair = generation.checklist.nextOrdinary()
    if (pair === undefined) continue // frozen ones wait for an answer to wake them
    machine.nextOrdinaryAt = now + machine.checkInterval
    startCheck(machine, generation, pair, 'check', now)
    return machine.nextOrdinaryAt
  }
  return Infinity
}
