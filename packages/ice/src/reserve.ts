// Pairs in reserve, and when the one in use is doubted.
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import type { CandidatePair } from './pair.ts'
import { startCheck } from './send-check.ts'

/** ms of silence on a path over which data goes out, after which it is looked at if there is a pair in reserve. */
const VIGIL = 250
/** ms; what comes at least this often keeps a path beyond doubt. */
export const VIGIL_SILENCE = 200

/** What a pair has answered within this is believed, ms: one kept in reserve is asked every 5 s, any other may be long dead. */
const FRESH = 12_000
const FRESH_BY_CHANCE = 2000

export function isFresh(machine: Machine, pair: CandidatePair, now: number): boolean {
  return now - pair.answeredAt < (machine.settings.standby ? FRESH : FRESH_BY_CHANCE)
}

/** Something to go on with at once. */
export function hasReserve(machine: Machine, path: CandidatePair, now: number): boolean {
  return machine.current.checklist.pairs.some((pair) => pair !== path && pair.valid && isFresh(machine, pair, now))
}

/** ms; a path that has just been heard is beyond doubt: browsers check all their pairs now and then. */
const DOUBT_SILENCE = 60

/** The peer uses another pair than the one in use, which may be the only one that works: both are checked. */
export function doubtPath(machine: Machine, generation: Generation, pair: CandidatePair, now: number): void {
  const { path } = machine
  if (path === undefined || machine.consent.isDoubted || now - path.heardAt < DOUBT_SILENCE) return
  machine.consent.doubt(now)
  if (pair.valid && !isFresh(machine, pair, now) && !pair.revoked) generation.checklist.trigger(pair)
  machine.wake()
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

/** Looks after the path in a while; with nothing in reserve that could take over, nothing would follow from it. */
export function keepVigil(machine: Machine, path: CandidatePair, now: number): void {
  machine.vigilAt = Infinity
  if (!hasReserve(machine, path, now)) return
  machine.vigilAt = now + VIGIL
  machine.vigilSent = path.stats.packetsSent
  machine.deadline = Math.min(machine.deadline, machine.vigilAt)
}

/**
 * Pairs in reserve: the best one of each other socket, and the best to another host than the one in use, are checked now and then, so that
 * their ways stay open and are known. A relay's other end may be at the server that fails.
 */
export function sendStandby(machine: Machine, now: number): number {
  const { settings, path, current } = machine
  if (!settings.standby || settings.lite || path === undefined || current.selected === undefined) {
    machine.standbyAt = Infinity
    return Infinity
  }
  if (machine.standbyAt === Infinity) machine.standbyAt = now + settings.standbyIntervalMs
  if (now < machine.standbyAt) return machine.standbyAt
  machine.standbyAt = now + settings.standbyIntervalMs
  const taken = new Set<string>()
  for (const pair of current.checklist.pairs) {
    if (pair === path || !pair.valid || pair.revoked || pair.nomination !== undefined) continue
    // By priority, several pairs from one socket to one host share their fate; by round trip, they are different ways.
    const isElsewhere = pair.remote.address.address !== path.remote.address.address
    const way = `${pair.socket} ${isElsewhere}`
    if (settings.nominationPolicy === 'priority' && taken.has(way)) continue
    taken.add(way)
    startCheck(machine, current, pair, 'standby', now)
  }
  return machine.standbyAt
}
