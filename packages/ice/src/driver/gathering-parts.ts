import type { GatheringErrors } from './gathering-errors.ts'
import type { GatheringRuns } from './gathering-runs.ts'
import type { LocalCandidates } from './local-candidates.ts'
import type { IceConnectionOptions } from './options.ts'
import type { Ports } from './ports.ts'

/** What the gatherers of one connection have in common. */
export interface GatheringParts {
  readonly options: IceConnectionOptions
  readonly random: (length: number) => Uint8Array
  readonly runs: GatheringRuns
  readonly ports: Ports
  readonly candidates: LocalCandidates
  readonly errors: GatheringErrors
  /** Something is due: flush and arm the timer. */
  wake(): void
}
