// A socket, or what was at the other end of it, is gone: that is known at once, without waiting for checks to go unanswered.
import type { TransportAddress } from '@kaon/stun'
import type { Machine } from './machine.ts'
import { dropSocket } from './pairing.ts'
import { checkFailed } from './responses.ts'
import { isFresh, recheckOthers } from './reserve.ts'
import { choosePath, dropPrevious, setPath } from './selection.ts'

/** An interface, an allocation or a listener has gone. */
export function removeSocket(machine: Machine, socket: number, now: number): void {
  const { path, previous } = machine
  for (const generation of [machine.current, previous]) {
    if (generation !== undefined) dropSocket(machine, generation, socket)
  }
  if (path?.socket === socket) moveOn(machine, now)
  machine.wake()
}

/** The connection of a TCP pair could not be made, or has broken. */
export function pathFailed(machine: Machine, socket: number, remote: TransportAddress, now: number): void {
  for (const generation of [machine.current, machine.previous]) {
    const pair = generation?.checklist.find(socket, remote)
    if (generation === undefined || pair === undefined) continue
    const { check, nomination } = pair
    machine.checks.endWhere((one) => one.pair === pair)
    for (const one of [check, nomination]) if (one !== undefined) checkFailed(machine, one, now)
    pair.state = 'failed'
    pair.nominated = false
    if (generation.selected === pair) generation.selected = undefined
    generation.checklist.touch()
    if (pair === machine.path) moveOn(machine, now)
  }
  machine.version++
  machine.wake()
}

/** To a pair in reserve that has answered of late, or to the first that answers now: all others are checked. */
function moveOn(machine: Machine, now: number): void {
  const { current, previous } = machine
  machine.quiet = false
  if (current.selected !== undefined && !isFresh(machine, current.selected, now)) current.selected = undefined
  recheckOthers(machine, current, undefined, now)
  if (machine.settings.standby) machine.graceUntil = now + machine.settings.consentTimeoutMs
  setPath(machine, undefined, now)
  if (previous !== undefined) dropPrevious(machine)
  choosePath(machine, now)
  // Its answer is asked for at once; to the peer it says which way the data comes from now on.
  machine.consent.doubt(now)
}
