/** What the parts of one media transport share. */
import type { Trace } from '../transport/settings.ts'

/** Something that has packets or events to be taken at the next drain. */
export interface MediaContext {
  readonly random: () => number
  readonly trace: Trace | undefined
  /** The SSRC that our reports on what we receive come from. */
  readonly localSsrc: number
  /** There are keys: what is sent now leaves. */
  readonly isWritable: boolean
  /** Monotonic ms */
  now(): number
  /** ms since 1970 */
  wallClock(): number
}
