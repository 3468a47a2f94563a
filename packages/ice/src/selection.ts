// Valid pairs, nomination, and the path that data takes (RFC 8445 §7.2.5.3, §7.3.1.5, §8.1, §12.1).
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import type { CandidatePair } from './pair.ts'
import { doubtPath, keepVigil } from './reserve.ts'

/** How long a generation still listens after a restart: what the peer has sent over it is on its way, ms. */
const RETIREMENT = 10_000

/** RFC 8445 §7.2.5.3.2–4 */
export function pairSucceeded(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  if (pair.check !== undefined) {
    machine.checks.end(pair.check)
    pair.check = undefined
  }
  if (!pair.valid) {
    pair.state = 'succeeded'
    generation.chase = 0
    generation.firstValidAt = Math.min(generation.firstValidAt, now)
    generation.checklist.unfreeze(pair.foundation)
    machine.trace('pair-valid', { pair: pair.id })
  }
  if (machine.role === 'controlled' && pair.nominatedByPeerAt > 0) peerNominated(machine, generation, pair, now)
  choosePath(machine, now)
}

/** Controlling side: our check with USE-CANDIDATE was answered (RFC 8445 §8.1.1). */
export function nominationSucceeded(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  select(machine, generation, pair, now)
}

/**
 * Controlled side: the peer has nominated a valid pair. Of several, the highest NOMINATION counts, then the highest
 * priority: a peer with RFC 5245's aggressive nomination nominates every pair it checks. A lower one is only taken when
 * the selected one has gone quiet, or when the peer's data comes over it (`dataReceived`).
 */
export function peerNominated(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  const { selected } = generation
  if (selected === pair) return
  const replaces =
    selected === undefined ||
    pair.nominationValue > selected.nominationValue ||
    (pair.nominationValue === selected.nominationValue && pair.priority > selected.priority) ||
    (machine.quiet && selected === machine.path)
  if (replaces) select(machine, generation, pair, now)
}

/** Data has come in over a trusted pair. */
export function dataReceived(machine: Machine, pair: CandidatePair, now: number): void {
  pair.heardAt = now
  pair.stats.lastPacketReceivedAt = now
  const { path, current } = machine
  if (pair === path && machine.vigilAt === Infinity && machine.settings.standby) keepVigil(machine, pair, now)
  if (pair === path || path === undefined || current.selected !== path) return
  if (machine.role === 'controlling') {
    // Why does the peer not use the pair that it was told to?
    doubtPath(machine, current, pair, now)
    return
  }
  // The controlling side has moved to another pair that it nominated too (libwebrtc does, without a restart): follow it.
  const isNominated = pair.nominatedByPeerAt > path.nominatedByPeerAt && hasConsent(machine, pair, now)
  if (isNominated && pair.valid && current.checklist.find(pair.socket, pair.to) === pair) {
    select(machine, current, pair, now)
  }
}

/** Answered recently enough to be sent data over (RFC 7675 §5.1). */
export function hasConsent(machine: Machine, pair: CandidatePair, now: number): boolean {
  return now - pair.answeredAt < machine.settings.consentTimeoutMs
}

function select(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  if (generation.selected === pair) return
  if (generation.selected !== undefined) generation.selected.nominated = false
  generation.selected = pair
  pair.nominated = true
  generation.checklist.conclude(pair.rank)
  generation.selectedAt = now
  for (const other of generation.checklist.pairs) {
    // RFC 8445 §8.1.2: checks of other pairs are not retransmitted any more, though an answer still counts. Those of higher
    // ones go on: a peer with aggressive nomination may yet prefer them.
    if (other.check === undefined || other.priority > pair.priority) continue
    other.check.cancelled = true
    other.check = undefined
    other.state = 'frozen'
  }
  machine.trace('pair-nominated', { pair: pair.id })
  choosePath(machine, now)
  if (generation === machine.current) retirePrevious(machine, now)
  machine.wake()
}

/** RFC 8445 §12.1: the nominated pair, before there is one the best valid pair. */
export function choosePath(machine: Machine, now: number): void {
  const { current, previous, path } = machine
  if (machine.quiet && path !== undefined) {
    // All others are checked anew while the path is quiet, so a valid one among them works now.
    const other = current.checklist.pairs.find((pair) => pair.valid && pair !== path)
    if (other === undefined) return
    if (current.selected === path) {
      current.selected = undefined
      path.nominated = false
    }
    // Not valid any more until it answers again: of a higher priority, it would be the best valid pair at once.
    path.state = 'waiting'
    endNomination(machine, path)
    setPath(machine, other, now)
    machine.consent.doubt(now) // its checks also show the peer the way
    return
  }
  if (current.selected !== undefined) {
    setPath(machine, current.selected, now)
    return
  }
  // RFC 8445 §9: data stays on the old pair until the restart has selected a new one.
  const isOld = path !== undefined && previous?.checklist.find(path.socket, path.to) === path
  if (isOld && previous.retiredUntil === Infinity) return
  setPath(machine, current.checklist.bestValid, now)
}

/** Consent is gone: nothing more is sent over the path (RFC 7675 §5.1). */
export function losePath(machine: Machine, now: number): void {
  const { path, current, previous } = machine
  if (path === undefined) return
  machine.trace('consent-expired', { pair: path.id })
  path.state = 'failed'
  path.nominated = false
  path.revoked = true
  machine.checks.endWhere((check) => check.pair === path) // a late answer does not bring consent back
  path.check = undefined
  path.nomination = undefined
  if (!machine.quiet) current.checklist.recheck(path) // otherwise that has happened long ago
  current.checklist.concluded = false
  if (current.selected === path) current.selected = undefined
  else if (previous?.checklist.find(path.socket, path.to) === path) dropPrevious(machine)
  machine.quiet = false
  setPath(machine, undefined, now)
  choosePath(machine, now)
}

function endNomination(machine: Machine, pair: CandidatePair): void {
  if (pair.nomination === undefined) return
  machine.checks.end(pair.nomination)
  pair.nomination = undefined
}

export function setPath(machine: Machine, pair: CandidatePair | undefined, now: number): void {
  if (pair === machine.path) return
  machine.path = pair
  machine.quiet = false
  if (pair !== undefined) {
    machine.wasConnected = true
    machine.forgetQuiet = false
  }
  machine.consent.follow(pair, now)
  machine.vigilAt = Infinity
  machine.emit({ type: 'selected-pair' })
  machine.wake()
}

function retirePrevious(machine: Machine, now: number): void {
  const { previous } = machine
  if (previous === undefined || previous.retiredUntil !== Infinity) return
  previous.retiredUntil = now + RETIREMENT
  machine.checks.endWhere((check) => check.generation === previous)
}

export function dropPrevious(machine: Machine): void {
  const { previous } = machine
  if (previous === undefined) return
  machine.previous = undefined
  machine.checks.endWhere((check) => check.generation === previous)
  machine.version++
  machine.emit({ type: 'restarted' })
}
