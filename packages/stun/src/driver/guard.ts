import type { Network, Timer } from '@kaon/net'
import { StunError } from '../error.ts'

/** The time limit and the abort signal of one request, over all its steps. */
export class Guard {
  readonly #signal: AbortSignal | undefined
  readonly #timer: Timer | undefined
  readonly #onAbort: () => void
  #reject: ((error: StunError) => void) | undefined
  #error: StunError | undefined

  constructor(network: Network, timeout: number | undefined, signal: AbortSignal | undefined) {
    if (timeout !== undefined && !(timeout > 0)) {
      throw new StunError('ERR_STUN_OPTION', `timeout must be above 0, not ${timeout}`)
    }
    const stop = (error: StunError): void => {
      this.#error ??= error
      this.#reject?.(this.#error)
    }
    this.#onAbort = () => stop(new StunError('ERR_STUN_ABORTED', 'aborted', { cause: signal?.reason }))
    this.#signal = signal
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (timeout !== undefined) {
      this.#timer = network.setTimer(network.now() + timeout, () =>
        stop(new StunError('ERR_STUN_TIMEOUT', `no response within ${timeout} ms`)),
      )
    }
  }

  /** Waits for `promise`, but no longer than allowed; `abandon` is called when it gives up. */
  race<T>(promise: Promise<T>, abandon?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const stop = (error: StunError): void => {
        abandon?.()
        reject(error)
      }
      this.#reject = stop
      promise.then(resolve, reject)
      if (this.#error !== undefined) stop(this.#error)
    })
  }

  release(): void {
    this.#reject = undefined
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
