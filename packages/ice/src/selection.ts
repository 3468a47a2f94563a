// Valid pairs, nomination, and the path that data takes (RFC 8445 §7.2.5.3, §7.3.1.5, §8.1, §12.1).
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import type { CandidatePair } from './pair.ts'
import { startCheck } from './send-check.ts'

/** How long a generation still listens after a restart: what the peer has sent over it is on its way, ms. */
const RETIREMENT = 10_000
/** ms of silence on a path over which data goes out, after which it is looked at if there is a pair in reserve. */
const VIGIL = 250
/** ms; what comes at least this often keeps a path beyond doubt. */
export const VIGIL_SILENCE = 200
/** How many times longer a relayed pair waits for a better one. */
const RELAY_DELAY = 4
/** By round trips, a nominated pair stays for so long at least, ms, and is compared by so many measurements. */
const SETTLE_TIME = 10_000
const MIN_ROUND_TRIPS = 3

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
    if (now - path.heardAt >= VIGIL_SILENCE) machine.doubtPath(now)
    return
  }
  // The controlling side has moved to another pair that it nominated too (libwebrtc does, without a restart): follow it.
  const isNominated = pair.nominatedByPeerAt > path.nominatedByPeerAt && hasConsent(machine, pair, now)
  if (isNominated && pair.valid && current.checklist.find(pair.socket, pair.to) === pair) {
    select(machine, current, pair, now)
  }
}

/** Looks after the path in a while; with nothing in reserve that could take over, nothing would follow from it. */
export function keepVigil(machine: Machine, path: CandidatePair, now: number): void {
  const { checklist } = machine.current
  machine.vigilAt = Infinity
  if (!checklist.pairs.some((pair) => pair !== path && pair.valid && isFresh(machine, pair, now))) return
  machine.vigilAt = now + VIGIL
  machine.vigilSent = path.stats.packetsSent
  machine.deadline = Math.min(machine.deadline, machine.vigilAt)
}

/** Answered recently enough to be sent data over (RFC 7675 §5.1). */
export function hasConsent(machine: Machine, pair: CandidatePair, now: number): boolean {
  return now - pair.answeredAt < machine.settings.consentTimeoutMs
}

/** What a pair has answered within this is believed, ms: one kept in reserve is asked every 5 s, any other may be long dead. */
const FRESH = 12_000
const FRESH_BY_CHANCE = 1000

export function isFresh(machine: Machine, pair: CandidatePair, now: number): boolean {
  return now - pair.answeredAt < (machine.settings.standby ? FRESH : FRESH_BY_CHANCE)
}

/** All pairs are checked again, but one that has answered of late stays valid meanwhile. */
export function recheckOthers(
  machine: Machine,
  generation: Generation,
  except: CandidatePair | undefined,
  now: number,
): void {
  const { checklist } = generation
  const reserve = checklist.pairs.filter((pair) => pair !== except && pair.valid && isFresh(machine, pair, now))
  checklist.recheck(except)
  for (const pair of reserve) pair.state = 'succeeded'
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
    machine.consent.hurry(now) // which also shows the peer the way
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

/**
 * Controlling side: nominates when it is time (RFC 8445 §8.1.1). A pair of two host candidates is as good as it gets and is
 * nominated at once; any other waits until nothing better is under way, `nominationDelayMs` at most. Data does not wait
 * for any of this: it takes the best valid pair. Returns when to look again.
 */
export function nominate(machine: Machine, now: number): number {
  const { current } = machine
  if (machine.role !== 'controlling') return Infinity
  const { selected } = current
  const pair = selected === undefined ? bestOf(machine, current) : findBetter(machine, current, selected, now)
  if (pair === undefined || current.checklist.pairs.some((one) => one.nomination !== undefined)) return Infinity
  if (now < current.nextNominationAt) return current.nextNominationAt
  if (selected === undefined) {
    // Only the second transmission of a check may find the hole that the peer's first one has made, 500 ms later: a server
    // in between is not settled on before.
    const delay = machine.settings.nominationDelayMs * (pair.rank === 0 ? RELAY_DELAY : 1)
    const latest = current.firstValidAt + delay
    if (now < latest && !isDirect(machine, pair) && isBetterPossible(machine, current, pair)) return latest
  }
  startCheck(machine, current, pair, 'nomination', now)
  return Infinity
}

function isDirect(machine: Machine, pair: CandidatePair): boolean {
  if (machine.settings.nominationPolicy === 'round-trip' || pair.rank < 2) return false
  return pair.local === pair.base && pair.remote.candidate.type === 'host'
}

/** Of the valid pairs the one to nominate. */
function bestOf(machine: Machine, generation: Generation): CandidatePair | undefined {
  const { path, quiet, settings } = machine
  let best: CandidatePair | undefined
  for (const pair of generation.checklist.pairs) {
    if (!pair.valid || (quiet && pair === path)) continue
    if (best === undefined) best = pair
    else if (settings.nominationPolicy === 'round-trip' && isFaster(pair, best)) best = pair
  }
  return best
}

/**
 * A pair to renominate: one that has turned up and needs no server, or no stream, where the nominated one does; by the policy of
 * round trips one that is clearly faster. A peer that does not know renomination (RFC 8445 has none) takes the highest priority of
 * those that were nominated, so that it can be offered nothing else.
 */
function findBetter(
  machine: Machine,
  generation: Generation,
  selected: CandidatePair,
  now: number,
): CandidatePair | undefined {
  if (machine.quiet) return undefined
  const byRoundTrip = machine.settings.nominationPolicy === 'round-trip' && now >= generation.selectedAt + SETTLE_TIME
  const free = generation.remote?.renomination === true
  for (const pair of generation.checklist.pairs) {
    if (pair === selected || !pair.valid || !hasConsent(machine, pair, now)) continue
    if (!free && pair.priority <= selected.priority) continue
    if (pair.rank > selected.rank) return pair
    const isKnown = pair.roundTrips >= MIN_ROUND_TRIPS && selected.roundTrips >= MIN_ROUND_TRIPS
    if (byRoundTrip && isKnown && pair.rank === selected.rank && isFaster(pair, selected)) return pair
  }
  return undefined
}

function isFaster(pair: CandidatePair, than: CandidatePair): boolean {
  if (pair.roundTrips === 0 || than.roundTrips === 0) return false
  return pair.roundTrip + 10 < than.roundTrip && pair.roundTrip < than.roundTrip * 0.8
}

function isBetterPossible(machine: Machine, generation: Generation, pair: CandidatePair): boolean {
  if (!generation.localEnd || !generation.remoteEnd) return true
  const byPriority = machine.settings.nominationPolicy === 'priority'
  for (const other of generation.checklist.pairs) {
    if (other === pair && byPriority) return false // the list is in order of priority
    if (other.rank < pair.rank) continue
    if (other.state !== 'failed' && other.state !== 'succeeded') return true
  }
  return false
}
