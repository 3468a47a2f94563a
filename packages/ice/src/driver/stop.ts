/** Ends what a connection has under way when it closes. */
export interface Stop {
  readonly signal: AbortSignal
  abort(): void
}

declare const AbortController: new () => Stop

export function makeStop(): Stop {
  return new AbortController()
}
