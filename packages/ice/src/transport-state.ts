// RTCIceTransportState (W3C WebRTC §5.6.3) from the state of the machine.
import type { Machine } from './machine.ts'
import type { IceState } from './types.ts'

export function updateState(machine: Machine, now: number): void {
  const state = deriveState(machine, now)
  if (state === machine.state) return
  // Whoever waits for 'connected' must see it, however fast everything else went.
  if (state === 'completed' && machine.state !== 'connected') machine.emit({ type: 'state', state: 'connected' })
  machine.state = state
  machine.emit({ type: 'state', state })
}

function deriveState(machine: Machine, now: number): IceState {
  if (machine.state === 'closed') return 'closed'
  const { current, path, quiet } = machine
  if (path !== undefined && !quiet) return isComplete(machine) ? 'completed' : 'connected'
  // A restart forgets that connectivity was lost (W3C WebRTC §5.6.3).
  if (path !== undefined) return machine.forgetQuiet ? 'checking' : 'disconnected'
  if (machine.forgetQuiet && current.remote === undefined) return 'checking'
  if (hasFailed(machine, now)) return 'failed'
  if (machine.wasConnected) return 'disconnected'
  if (current.remote === undefined || current.remotes.length === 0) return machine.forgetQuiet ? 'checking' : 'new'
  return isExhausted(machine) ? 'disconnected' : 'checking'
}

/** Everything was gathered, told and checked, and a pair is nominated. */
function isComplete(machine: Machine): boolean {
  const { current, path } = machine
  // It stays so while the peer makes us check pairs of no further interest.
  if (machine.state === 'completed' && current.selected === path) return true
  return current.selected === path && current.localEnd && current.remoteEnd && unfinished(machine) === 0
}

/** A lite agent has checks of its own neither under way nor to come. */
function unfinished(machine: Machine): number {
  return machine.settings.lite ? 0 : machine.current.checklist.unfinished
}

/** All pairs have failed, but more candidates are expected. */
function isExhausted(machine: Machine): boolean {
  const { checklist, localEnd, remoteEnd } = machine.current
  return !(localEnd && remoteEnd) && checklist.pairs.length > 0 && !machine.settings.lite && unfinished(machine) === 0
}

/**
 * All pairs have failed or lost consent. One that never connected waits until its patience ends (RFC 8863 §4): the peer's
 * checks may still make the pair that works. The end of the remote candidates is not waited for beyond that, since many
 * applications never tell it.
 */
function hasFailed(machine: Machine, now: number): boolean {
  const { current } = machine
  if (current.remote === undefined || !current.localEnd || unfinished(machine) > 0) return false
  // Nothing will ever be checked, unless an interface comes up yet.
  if (current.locals.length === 0 && current.remoteEnd && !machine.settings.standby) return true
  const patience = machine.wasConnected ? machine.graceUntil : current.startedAt + machine.settings.patienceMs
  return now >= patience
}

/** When `hasFailed` may change by time alone. */
export function patienceEndsAt(machine: Machine, now: number): number {
  if (machine.path !== undefined || machine.current.remote === undefined) return Infinity
  const end = machine.wasConnected ? machine.graceUntil : machine.current.startedAt + machine.settings.patienceMs
  return end > now ? end : Infinity
}
