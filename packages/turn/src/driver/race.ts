import type { Network } from '@kaon/net'
import { TurnError } from '../error.ts'

// Present on every platform with sockets, but not among what the portable projects declare.
declare const AbortController: new () => { readonly signal: AbortSignal; abort(reason?: unknown): void }

/**
 * Runs attempts one after the other, the next one as soon as the one before has failed or `stagger` ms have passed, until one succeeds; the
 * others are aborted, and what they still bring is given to `discard`. Rejects with the first error when all have failed.
 */
export function race<T>(
  network: Network,
  attempts: readonly ((signal: AbortSignal) => Promise<T>)[],
  options: { stagger: number; signal?: AbortSignal | undefined; discard: (result: T) => void },
): Promise<T> {
  const stop = new AbortController()
  const { signal, stagger } = options
  return new Promise((resolve, reject) => {
    let settled = false
    let next = 0
    let running = 0
    let firstError: unknown
    let timer = network.setTimer(Infinity, () => {})
    const finish = (settle: () => void): void => {
      settled = true
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      stop.abort()
      settle()
    }
    const onAbort = (): void =>
      finish(() => reject(new TurnError('ERR_TURN_ABORTED', 'aborted', { cause: signal?.reason })))
    const begin = (): void => {
      timer.cancel()
      const attempt = attempts[next++]
      if (attempt === undefined) return
      running++
      if (next < attempts.length) timer = network.setTimer(network.now() + stagger, begin)
      attempt(stop.signal).then(
        (result) => {
          if (settled) options.discard(result)
          else finish(() => resolve(result))
        },
        (error: unknown) => {
          running--
          if (settled) return
          firstError ??= error
          if (next < attempts.length) begin()
          else if (running === 0) finish(() => reject(firstError))
        },
      )
    }
    if (signal?.aborted) {
      onAbort()
      return
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (attempts.length === 0) finish(() => reject(new TurnError('ERR_TURN_OPTION', 'nobody to ask')))
    else begin()
  })
}
