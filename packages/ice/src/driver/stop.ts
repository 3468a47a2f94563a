/** Ends what a connection has under way when it closes. */
export interface Stop {
  readonly signal: AbortSignal
  abort(): void
}

declare const AbortController: new () => Stop

export function makeStop(): Stop {
  return new AbortController()
}

/**
 * One signal for each task, ended together. One for all would do, but what listens to it adds up, and Node warns of the eleventh
 * listener.
 */
export class Stops {
  readonly #open = new Set<Stop>()

  begin(): Stop {
    const stop = makeStop()
    this.#open.add(stop)
    return stop
  }

  end(stop: Stop): void {
    this.#open.delete(stop)
  }

  abortAll(): void {
    for (const stop of this.#open) stop.abort()
    this.#open.clear()
  }
}
