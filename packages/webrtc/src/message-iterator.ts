import type { DataChannelCore } from './data-channel-core.ts'
import type { Message } from './streams.ts'

/** `for await (const message of channel)`: an async iterator over `message` events that ends with `close`. */
export class MessageIterator implements AsyncIterableIterator<Message> {
  readonly #core: DataChannelCore
  readonly #messages: Message[] = []
  readonly #waiting: ((result: IteratorResult<Message>) => void)[] = []
  #done: boolean

  constructor(core: DataChannelCore) {
    this.#core = core
    this.#done = core.readyState === 'closed'
    if (this.#done) return
    core.facade.addEventListener('message', this.#onMessage)
    core.facade.addEventListener('close', this.#onClose)
    core.abandoned.add(this.#onClose)
  }

  readonly #onMessage = (event: Event): void => {
    const { data } = event as MessageEvent<Message>
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#messages.push(data)
    else waiting({ done: false, value: data })
  }

  readonly #onClose = (): void => {
    this.#done = true
    this.#core.facade.removeEventListener('message', this.#onMessage)
    this.#core.facade.removeEventListener('close', this.#onClose)
    this.#core.abandoned.delete(this.#onClose)
    for (const resolve of this.#waiting.splice(0)) resolve({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<Message>> {
    if (this.#messages.length > 0) return Promise.resolve({ done: false, value: this.#messages.shift()! })
    if (this.#done) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<Message>> {
    this.#onClose()
    this.#messages.length = 0
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
