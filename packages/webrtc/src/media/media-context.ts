/** What the parts of one media transport share. */
import type { Trace } from '../transport/settings.ts'

export interface MediaContext {
  readonly random: () => number
  readonly trace: Trace | undefined
  /** The SSRC that our reports on what we receive come from. */
  readonly localSsrc: number
  /** As it was measured last, ms. */
  readonly roundTripTime: number | undefined
  /** There are keys: what is sent now leaves. */
  readonly isWritable: boolean
  /** Monotonic ms */
  now(): number
  /** ms since 1970 */
  wallClock(): number
}
