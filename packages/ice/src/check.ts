// Connectivity checks under way: STUN transactions of an agent (RFC 8445 §7.2, RFC 8489 §6.2.1).
import { transactionKey } from '@kaon/stun'
import type { Generation } from './generation.ts'
import type { CandidatePair } from './pair.ts'
import type { IceRole } from './types.ts'

/**
 * 'check': ordinary or triggered. 'nomination': with USE-CANDIDATE, on a pair that has already answered. 'consent': keeps
 * the path alive; sent once, never retransmitted (RFC 7675 §5.1). 'standby': the same for a pair in reserve.
 */
export type CheckPurpose = 'check' | 'nomination' | 'consent' | 'standby'

export interface Check {
  readonly key: string
  readonly purpose: CheckPurpose
  readonly pair: CandidatePair
  readonly generation: Generation
  /** The role that the request claims. */
  readonly role: IceRole
  readonly request: Uint8Array
  readonly startedAt: number
  /** When to retransmit or, after the last time, to give up. */
  nextAt: number
  /** The interval that ends at `nextAt`, ms. */
  interval: number
  sends: number
  /** No longer retransmitted, but an answer still counts (RFC 8445 §7.3.1.4). */
  cancelled: boolean
}

/** RFC 8489 §6.2.1: a request is sent seven times at most. */
const MAX_SENDS = 7
/**
 * The doubling of the interval ends here, ms. RFC 8489's own schedule leaves a gap of 16 s towards its end, in which a NAT
 * closes the hole that the check has opened; with this bound a check gives up after 19.5 s instead of 39.5 s, and the
 * agent's patience (RFC 8863) still covers a peer that begins later.
 */
const MAX_INTERVAL = 4000
/** How long the answer to a check that is not retransmitted still counts, ms. */
const ANSWER_LIFETIME = 10_000
/** How long the answer over a stream is waited for, connecting included, ms: as long as one by datagrams. */
const RELIABLE_TIMEOUT = 19_500

/** The outstanding checks by transaction id. */
export class CheckTable {
  readonly #checks = new Map<string, Check>()

  start(
    purpose: CheckPurpose,
    pair: CandidatePair,
    generation: Generation,
    role: IceRole,
    request: Uint8Array,
    now: number,
    timeout: number,
  ): Check {
    // RFC 8489 §6.2.2: what a reliable transport carries is sent once.
    const isReliable = pair.base.candidate.protocol === 'tcp'
    const isOnce = purpose === 'consent' || purpose === 'standby'
    const interval = isOnce ? ANSWER_LIFETIME : isReliable ? RELIABLE_TIMEOUT : timeout
    const check: Check = {
      key: transactionKey(request, 8),
      purpose,
      pair,
      generation,
      role,
      request,
      startedAt: now,
      nextAt: now + interval,
      interval,
      sends: isOnce || isReliable ? MAX_SENDS : 1,
      cancelled: false,
    }
    this.#checks.set(check.key, check)
    return check
  }

  get(key: string): Check | undefined {
    return this.#checks.get(key)
  }

  end(check: Check): void {
    this.#checks.delete(check.key)
  }

  /** Forgets what a dropped generation or pair has under way. */
  endWhere(matches: (check: Check) => boolean): void {
    for (const check of this.#checks.values()) if (matches(check)) this.#checks.delete(check.key)
  }

  /** The earliest `nextAt`. */
  get deadline(): number {
    let earliest = Infinity
    for (const check of this.#checks.values()) if (check.nextAt < earliest) earliest = check.nextAt
    return earliest
  }

  /** Calls `resend` for what is to be retransmitted, and removes what has had its time and calls `expired` for it. */
  tick(now: number, resend: (check: Check) => void, expired: (check: Check) => void): void {
    for (const check of this.#checks.values()) {
      if (now < check.nextAt) continue
      const last = check.startedAt + ANSWER_LIFETIME
      if (check.cancelled && now < last) {
        check.nextAt = last
        continue
      }
      if (check.sends >= MAX_SENDS || check.cancelled) {
        this.#checks.delete(check.key)
        expired(check)
        continue
      }
      check.sends++
      check.interval = Math.min(check.interval * 2, MAX_INTERVAL)
      check.nextAt = now + check.interval
      resend(check)
    }
  }
}
