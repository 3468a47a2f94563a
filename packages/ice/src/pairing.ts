// Candidates become pairs (RFC 8445 §6.1.2.2, RFC 8838 §11).
import type { TransportAddress } from '@kaon/stun'
import { canReach, isSameAddress, usableAddress, withoutZone, zoned } from './address.ts'
import type { Candidate } from './candidate.ts'
import type { Generation } from './generation.ts'
import type { Machine } from './machine.ts'
import { CandidatePair, isBase, type LocalEntry, type RemoteCandidate } from './pair.ts'
import type { LocalCandidate } from './types.ts'

/** Signalled candidates kept per generation: far more than any honest peer has. */
export const MAX_REMOTE_CANDIDATES = 128
/** Remote candidates that only checks have shown; an honest peer behind NATs has a few. */
export const MAX_PEER_REFLEXIVE = 20
/**
 * Peer-reflexive candidates in a row without a single valid pair. Two NATs that map by port and filter nobody show each
 * other a new port with every answer: that chase has no end but this one.
 */
const MAX_CHASE = 40
const MAX_LOCAL_CANDIDATES = 128

export function addLocal(machine: Machine, candidate: LocalCandidate): void {
  const generation = machine.current
  if (generation.locals.length >= MAX_LOCAL_CANDIDATES) {
    machine.stats.limited++
    return
  }
  const address = candidate.transportAddress ?? usableAddress(candidate.address, candidate.port)
  const told = candidate.transportAddress && usableAddress(candidate.address, candidate.port)
  const announced = told !== undefined && address !== undefined && !isSameAddress(told, address) ? told : undefined
  const entry: LocalEntry = { id: machine.makeId(), candidate, address, announced }
  generation.locals.push(entry)
  // RFC 8445 §6.1.2.4: reflexive candidates are replaced by their bases, which have their pairs already.
  if (!isBase(candidate)) return
  for (const remote of generation.remotes) pairUp(machine, generation, entry, remote)
}

/** A signalled candidate; `address` is what its name stands for when it is not an address itself. */
export function addRemote(machine: Machine, candidate: Candidate, resolved?: string): void {
  const generation = machine.current
  // A zone that the peer names is one of its own interfaces, not of ours (RFC 4007 §6).
  const address = usableAddress(resolved ?? withoutZone(candidate.address), candidate.port)
  const fragment = candidate.usernameFragment
  const isForeign =
    fragment !== undefined && generation.remote !== undefined && fragment !== generation.remote.usernameFragment
  // Only checks make peer-reflexive candidates; a second component is RTCP off the main path. An active TCP candidate has no
  // port that could be connected to: its connections come by themselves (RFC 6544 §6.2).
  const isForUs = candidate.component === 1 && candidate.type !== 'prflx' && candidate.tcpType !== 'active'
  if (!isForUs || address === undefined || isForeign || (candidate.protocol === 'tcp') !== hasTcpType(candidate)) {
    machine.stats.ignoredCandidates++
    return
  }
  const known = generation.remotes.find(
    (remote) => remote.candidate.protocol === candidate.protocol && isSameAddress(remote.address, address),
  )
  if (known !== undefined) {
    // RFC 8838 §11.4: a peer-reflexive candidate takes on what signalling says of it.
    if (known.candidate.type !== 'prflx') return
    known.candidate = candidate
    generation.peerReflexive--
    generation.checklist.sort(machine.role)
    for (const local of generation.locals) pairUp(machine, generation, local, known)
    return
  }
  if (generation.remotes.length >= MAX_REMOTE_CANDIDATES + MAX_PEER_REFLEXIVE) {
    machine.stats.limited++
    return
  }
  const remote: RemoteCandidate = { id: machine.makeId(), candidate, address }
  generation.remotes.push(remote)
  for (const local of generation.locals) pairUp(machine, generation, local, remote)
}

/**
 * A check has come from an address that no candidate names (RFC 8445 §7.3.1.3). Returns its new pair, or undefined when
 * there is no room or no base for it.
 */
export function addPeerReflexive(
  machine: Machine,
  generation: Generation,
  socket: number,
  from: TransportAddress,
  priority: number,
  usernameFragment: string,
  now: number,
): CandidatePair | undefined {
  const base = generation.locals.find((local) => isBase(local.candidate) && local.candidate.socket === socket)
  if (base === undefined) return undefined
  const { protocol } = base.candidate
  let remote = generation.remotes.find(
    (entry) => entry.candidate.protocol === protocol && isSameAddress(entry.address, from),
  )
  if (remote === undefined) {
    if (generation.chase >= MAX_CHASE) return undefined
    if (generation.peerReflexive >= MAX_PEER_REFLEXIVE && !dropIdle(machine, generation, now)) return undefined
    const id = machine.makeId()
    const candidate: Candidate = {
      foundation: `prflx${id}`, // RFC 8445 §7.3.1.3: arbitrary, but different from all others
      component: 1,
      protocol,
      priority,
      address: from.address,
      port: from.port,
      type: 'prflx',
      ...(protocol === 'tcp' ? { tcpType: 'active' as const } : undefined), // RFC 6544 §7.3
      usernameFragment,
    }
    remote = { id, candidate, address: { address: from.address, port: from.port, family: from.family } }
    const pair = makePair(machine, generation, base, remote)
    if (pair === undefined) return undefined
    generation.remotes.push(remote)
    generation.peerReflexive++
    generation.chase++
    return pair
  }
  return makePair(machine, generation, base, remote)
}

/** The peer's credentials are known now: what claimed to come from other ones goes. */
export function dropForeign(machine: Machine, generation: Generation): void {
  const fragment = generation.remote!.usernameFragment
  for (const remote of generation.remotes.slice()) {
    const own = remote.candidate.usernameFragment
    if (own !== undefined && own !== fragment) dropRemote(machine, generation, remote)
  }
}

function hasTcpType(candidate: Candidate): boolean {
  return candidate.tcpType !== undefined
}

/** RFC 6544 §6.2: active to passive, and both simultaneously. What local passive candidates meet comes to them. */
function isCompatible(local: LocalCandidate, remote: Candidate): boolean {
  if (local.protocol !== remote.protocol) return false
  if (local.protocol === 'udp') return true
  return local.tcpType === 'active' ? remote.tcpType === 'passive' : local.tcpType === 'so' && remote.tcpType === 'so'
}

function pairUp(machine: Machine, generation: Generation, local: LocalEntry, remote: RemoteCandidate): void {
  if (!isBase(local.candidate) || !isCompatible(local.candidate, remote.candidate)) return
  if (local.address === undefined || !canReach(local.address, remote.address)) return
  if (generation.checklist.find(local.candidate.socket, zoned(remote.address, local.address)) !== undefined) return
  makePair(machine, generation, local, remote)
}

function makePair(
  machine: Machine,
  generation: Generation,
  local: LocalEntry,
  remote: RemoteCandidate,
): CandidatePair | undefined {
  const pair = new CandidatePair(machine.makeId(), local, remote)
  pair.updatePriority(machine.role)
  pair.wanted = machine.settings.standby && generation.checklist.concluded
  if (!generation.checklist.add(pair)) {
    machine.stats.limited++
    return undefined
  }
  machine.version++
  machine.wake()
  return pair
}

/**
 * Makes room among the peer-reflexive candidates: one goes whose checks have all failed, or that was left behind when the
 * peer moved on and has not been heard since.
 */
function dropIdle(machine: Machine, generation: Generation, now: number): boolean {
  const { pairs } = generation.checklist
  const isIdle = (pair: CandidatePair): boolean =>
    pair !== machine.path &&
    (pair.state === 'failed' || (pair.valid && now - pair.heardAt >= machine.settings.disconnectedTimeoutMs))
  const idle = generation.remotes.find(
    (remote) => remote.candidate.type === 'prflx' && pairs.every((pair) => pair.remote !== remote || isIdle(pair)),
  )
  if (idle === undefined) return false
  dropRemote(machine, generation, idle)
  return true
}

/** A socket is gone, or what was on it: its candidates and pairs go too. */
export function dropSocket(machine: Machine, generation: Generation, socket: number): void {
  for (let i = generation.locals.length - 1; i >= 0; i--) {
    if (generation.locals[i]!.candidate.socket === socket) generation.locals.splice(i, 1)
  }
  for (const pair of generation.checklist.pairs.slice()) if (pair.socket === socket) generation.drop(pair)
  machine.checks.endWhere((check) => check.generation === generation && check.pair.socket === socket)
  machine.version++
}

function dropRemote(machine: Machine, generation: Generation, remote: RemoteCandidate): void {
  generation.remotes.splice(generation.remotes.indexOf(remote), 1)
  if (remote.candidate.type === 'prflx') generation.peerReflexive--
  for (const pair of generation.checklist.pairs.slice()) {
    if (pair.remote !== remote) continue
    generation.drop(pair)
    machine.checks.endWhere((check) => check.pair === pair)
  }
  machine.version++
  machine.wake()
}
