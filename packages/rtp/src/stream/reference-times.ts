import { compactNtp } from '../rtcp/ntp.ts'
import type { ExtendedReportBlock } from '../rtcp/types.ts'

/** Receivers that are answered. */
const MAX_RECEIVERS = 32

type Answer = Extract<ExtendedReportBlock, { type: 'DLRR' }>['reports'][number]

/** Receivers' reference times and the answers to them, by which a receiver that sends no media learns the round trip (RFC 3611 §4.4, §4.5). */
export class ReferenceTimes {
  readonly #times = new Map<number, { readonly compact: number; readonly at: number }>()

  receive(ssrc: number, ntpTimestamp: bigint, now: number): void {
    if (this.#times.size >= MAX_RECEIVERS && !this.#times.has(ssrc)) return
    this.#times.set(ssrc, { compact: compactNtp(ntpTimestamp), at: now })
  }

  /** Answers to what came since the last call, undefined for none. */
  take(now: number): Answer[] | undefined {
    if (this.#times.size === 0) return undefined
    const answers: Answer[] = []
    for (const [ssrc, { compact, at }] of this.#times) {
      const delay = Math.min(0xffff_ffff, Math.round(((now - at) * 65536) / 1000))
      answers.push({ ssrc, lastReceiverReport: compact, delaySinceLastReceiverReport: delay })
    }
    this.#times.clear()
    return answers
  }
}
