import type { Network } from '@kaon/net'

/**
 * The W3C text's "queue a task": tasks run in order, each with its own microtask checkpoint, never inside the call that
 * queued them. None runs once the connection is closed, which is the first step of nearly every task in the text.
 */
export class TaskQueue {
  readonly #network: Network
  #closed = false

  constructor(network: Network) {
    this.#network = network
  }

  get closed(): boolean {
    return this.#closed
  }

  queue(task: () => void): void {
    this.#network.defer(() => {
      if (!this.#closed) task()
    })
  }

  /** Settles in a task of its own; never, when the connection closes first. */
  next(): Promise<void> {
    return new Promise((resolve) => this.queue(resolve))
  }

  close(): void {
    this.#closed = true
  }
}
