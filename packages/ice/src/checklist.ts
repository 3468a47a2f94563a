// The checklist of one data stream with one component (RFC 8445 §6.1.2), kept in order of priority.
import type { CandidatePair } from './pair.ts'
import { pathKey } from './pair.ts'
import type { TransportAddress } from '@kaon/stun'
import type { IceRole } from './types.ts'

export class Checklist {
  readonly pairs: CandidatePair[] = []
  readonly #byPath = new Map<string, CandidatePair>()
  readonly #triggered: CandidatePair[] = []
  readonly #maxPairs: number
  /** False while nothing is waiting or frozen, so that an idle agent need not look. */
  #pending = false
  /** Set once a pair is nominated: what is left is kept for worse times, but not checked (RFC 8445 §8.1.2). */
  concluded = false
  /** The `rank` of the nominated pair: what ranks higher is worth looking for even then. */
  floor = 0

  constructor(maxPairs: number) {
    this.#maxPairs = maxPairs
  }

  find(socket: number, remote: TransportAddress): CandidatePair | undefined {
    return this.#byPath.get(pathKey(socket, remote))
  }

  /**
   * Puts a new pair in its place. A full list drops its lowest pair that has not succeeded (RFC 8445 §6.1.2.5).
   * Returns false when the new pair itself is the lowest.
   */
  add(pair: CandidatePair): boolean {
    if (this.pairs.length >= this.#maxPairs && !this.#dropLowest(pair)) return false
    // RFC 8445 §6.1.2.6, RFC 8838 §12: waiting if nothing of its foundation is under way yet, or one has succeeded.
    pair.state = this.#mayStart(pair.foundation) ? 'waiting' : 'frozen'
    this.#insert(pair)
    this.#byPath.set(pathKey(pair.socket, pair.to), pair)
    this.touch()
    return true
  }

  remove(pair: CandidatePair): void {
    const index = this.pairs.indexOf(pair)
    if (index < 0) return
    this.pairs.splice(index, 1)
    this.#byPath.delete(pathKey(pair.socket, pair.to))
    this.#unqueue(pair)
  }

  /** After a change of role, or of the remote priority of some pairs. */
  sort(role: IceRole): void {
    for (const pair of this.pairs) pair.updatePriority(role)
    this.pairs.sort(byPriority)
  }

  /** RFC 8445 §7.3.1.4: to be checked before all others, in order of arrival. */
  trigger(pair: CandidatePair): void {
    pair.state = 'waiting'
    if (pair.triggered) return
    pair.triggered = true
    this.#triggered.push(pair)
  }

  get hasTriggered(): boolean {
    return this.#triggered.length > 0
  }

  /** Some ordinary check may be due. */
  get hasOrdinary(): boolean {
    return this.#pending
  }

  /** A pair is nominated: from now on only what ranks higher, or is wanted in reserve, has its turn. */
  conclude(rank: number): void {
    this.concluded = true
    this.floor = rank
    this.touch()
  }

  /** Whether its turn may come. */
  #isEligible(pair: CandidatePair): boolean {
    return !this.concluded || pair.wanted || pair.rank > this.floor
  }

  nextTriggered(): CandidatePair | undefined {
    const pair = this.#triggered.shift() // at most maxPairs long
    if (pair !== undefined) pair.triggered = false
    return pair
  }

  /** RFC 8445 §6.1.4.2: the highest waiting pair, or else the highest frozen one whose foundation is not under way. */
  nextOrdinary(): CandidatePair | undefined {
    if (!this.hasOrdinary) return undefined
    let frozen = false
    for (const pair of this.pairs) {
      if (!this.#isEligible(pair)) continue
      if (pair.state === 'waiting' && !pair.triggered) return pair
      frozen ||= pair.state === 'frozen'
    }
    if (!frozen) {
      this.#pending = false
      return undefined
    }
    // A check that went unanswered for a whole timeout holds back nobody any more: by the letter of the RFC its foundation
    // waits until it has failed, 20 s later, and there are servers that give all their addresses one foundation.
    const active = new Set<string>()
    for (const pair of this.pairs) {
      const isHopeful = pair.state === 'in-progress' && (pair.check === undefined || pair.check.sends === 1)
      if (isHopeful || pair.state === 'waiting') active.add(pair.foundation)
    }
    for (const pair of this.pairs) {
      if (pair.state === 'frozen' && !active.has(pair.foundation) && this.#isEligible(pair)) {
        pair.state = 'waiting'
        return pair
      }
    }
    return undefined // all frozen ones wait for a check of their foundation: its end wakes them
  }

  /** RFC 8445 §7.2.5.3.3: a success unfreezes everything of its foundation. */
  unfreeze(foundation: string): void {
    for (const pair of this.pairs) {
      if (pair.state === 'frozen' && pair.foundation === foundation) pair.state = 'waiting'
    }
    this.touch()
  }

  /** Everything but `except` is checked (again): the path in use has gone quiet. */
  recheck(except: CandidatePair | undefined): void {
    this.concluded = false
    for (const pair of this.pairs) {
      if (pair !== except && pair.state !== 'in-progress' && !pair.revoked) pair.state = 'waiting'
    }
    this.#pending = true
  }

  /** A check of some foundation has ended, so that a frozen pair of it may be due. */
  touch(): void {
    this.#pending =
      !this.concluded ||
      this.pairs.some((pair) => (pair.state === 'waiting' || pair.state === 'frozen') && this.#isEligible(pair))
  }

  /** Checks that are under way or to come. */
  get unfinished(): number {
    let count = 0
    for (const pair of this.pairs) {
      if (pair.state === 'in-progress' || pair.triggered) count++
      else if ((pair.state === 'waiting' || pair.state === 'frozen') && this.#isEligible(pair)) count++
    }
    return count
  }

  /** RFC 8445 §14.3: Num-Waiting + Num-In-Progress, which the first timeout of a check grows with. */
  get busy(): number {
    let count = 0
    for (const pair of this.pairs) {
      if (pair.state === 'in-progress' || pair.triggered || (pair.state === 'waiting' && this.#isEligible(pair)))
        count++
    }
    return count
  }

  /** The valid pair of the highest priority. */
  get bestValid(): CandidatePair | undefined {
    for (const pair of this.pairs) if (pair.valid) return pair
    return undefined
  }

  #mayStart(foundation: string): boolean {
    let active = false
    for (const pair of this.pairs) {
      if (pair.foundation !== foundation) continue
      if (pair.state === 'succeeded') return true
      active ||= pair.state === 'waiting' || pair.state === 'in-progress'
    }
    return !active
  }

  #insert(pair: CandidatePair): void {
    let low = 0
    let high = this.pairs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.pairs[middle]!.priority >= pair.priority) low = middle + 1
      else high = middle
    }
    this.pairs.splice(low, 0, pair)
  }

  #dropLowest(newcomer: CandidatePair): boolean {
    for (let i = this.pairs.length - 1; i >= 0; i--) {
      const pair = this.pairs[i]!
      if (pair.state === 'succeeded' || pair.state === 'in-progress' || pair.trusted) continue
      if (pair.state !== 'failed' && pair.priority >= newcomer.priority) return false
      this.remove(pair)
      return true
    }
    return false
  }

  #unqueue(pair: CandidatePair): void {
    if (!pair.triggered) return
    pair.triggered = false
    this.#triggered.splice(this.#triggered.indexOf(pair), 1)
  }
}

function byPriority(a: CandidatePair, b: CandidatePair): number {
  return a.priority > b.priority ? -1 : a.priority < b.priority ? 1 : a.id - b.id
}
