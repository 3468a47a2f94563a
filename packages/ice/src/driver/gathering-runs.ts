// One gathering after another, one per generation: which is the current one, what is under way for it, when it is complete.
import { Stops } from './stop.ts'

/** What one gathering is for. */
export interface GatheringPurpose {
  /** Of the generation. */
  readonly usernameFragment: string
  readonly relayOnly: boolean
  /** Allocations that there are can be relied upon, since the path works. Others may have been forgotten by their servers. */
  readonly isSound: boolean
}

export interface GatheringRunsHost {
  /** Beside the tasks: nothing else is waited for. */
  isDone(): boolean
  failed(error: unknown): void
  /** A task has ended: what it has begun may be due. */
  wake(): void
  /** After `complete`: there is more to come. */
  resume(): void
  complete(): void
}

export class GatheringRuns {
  /** Counts gatherings: what an older one still finds out is dropped. 0 before the first. */
  current = 0
  purpose: GatheringPurpose = { usernameFragment: '', relayOnly: false, isSound: true }
  /** Ends what waits for the network when the gathering ends. */
  readonly stops: Stops = new Stops()
  readonly #host: GatheringRunsHost
  /** Parts of the gathering under way. */
  #tasks = 0
  #isRunning = false
  #isClosed = false

  constructor(host: GatheringRunsHost) {
    this.#host = host
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  isCurrent(run: number): boolean {
    return run === this.current && !this.#isClosed
  }

  start(purpose: GatheringPurpose): void {
    this.purpose = purpose
    this.#isRunning = true
    this.#tasks = 0
    this.current++
  }

  /** There is more to come. */
  resume(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#host.resume()
  }

  /** Ends the one under way without a word. */
  cancel(): void {
    this.current++
    this.stops.abortAll()
    this.#isRunning = false
  }

  close(): void {
    this.#isClosed = true
    this.cancel()
  }

  /** The gathering is not complete before the task has ended. */
  begin(task: (run: number) => Promise<unknown>): void {
    const run = this.current
    this.#tasks++
    const work = async (): Promise<void> => {
      try {
        await task(run)
      } catch (error) {
        // A filter of the application's that throws, or a system that does not tell its interfaces.
        if (this.isCurrent(run)) this.#host.failed(error)
      }
      if (!this.isCurrent(run)) return
      this.#tasks--
      this.finishIfDone()
      this.#host.wake()
    }
    void work()
  }

  finishIfDone(): void {
    if (!this.#isRunning || this.#tasks > 0 || !this.#host.isDone()) return
    this.#isRunning = false
    this.#host.complete()
  }
}
