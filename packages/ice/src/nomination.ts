// Which pair the controlling side nominates, and when (RFC 8445 §8.1.1).
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import type { CandidatePair } from './pair.ts'
import { hasConsent } from './selection.ts'
import { startCheck } from './send-check.ts'

/** How many times longer a relayed pair waits for a better one. */
const RELAY_DELAY = 4
/** By round trips, a nominated pair stays for so long at least, ms, and is compared by so many measurements. */
const SETTLE_TIME = 10_000
const MIN_ROUND_TRIPS = 3

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
