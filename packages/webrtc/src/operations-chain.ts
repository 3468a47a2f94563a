import { domError } from './rtc-error.ts'

/**
 * W3C WebRTC 1.0 §4.4.1.2: one asynchronous operation at a time. After `close` nothing settles and nothing runs.
 */
export class OperationsChain {
  readonly #operations: (() => void)[] = []
  readonly #onEmpty: () => void
  #closed = false

  /** `onEmpty` is called when the last operation has left the chain. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get length(): number {
    return this.#operations.length
  }

  chain<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(domError('InvalidStateError', 'The connection is closed'))
    const promise = new Promise<T>((resolve, reject) => {
      this.#operations.push(() => {
        run(operation).then(
          (value) => {
            if (!this.#closed) resolve(value)
          },
          (reason: unknown) => {
            if (!this.#closed) reject(reason)
          },
        )
      })
    })
    const settled = (): void => {
      if (this.#closed) return
      this.#operations.shift()
      const next = this.#operations[0]
      if (next !== undefined) next()
      else this.#onEmpty()
    }
    promise.then(settled, settled)
    if (this.#operations.length === 1) this.#operations[0]!()
    return promise
  }

  close(): void {
    this.#closed = true
    this.#operations.length = 0
  }
}

// An operation that throws before its first await has rejected all the same.
async function run<T>(operation: () => Promise<T>): Promise<T> {
  return operation()
}
