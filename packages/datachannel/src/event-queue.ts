import type { ChannelEvent } from './events.ts'

/** First in, first out, without moving the rest of a long queue at each step. */
export class EventQueue {
  readonly #events: (ChannelEvent | undefined)[] = []
  #head = 0

  push(event: ChannelEvent): void {
    this.#events.push(event)
  }

  shift(): ChannelEvent | undefined {
    if (this.#head === this.#events.length) return undefined
    const event = this.#events[this.#head]
    this.#events[this.#head++] = undefined
    if (this.#head === this.#events.length) {
      this.#events.length = 0
      this.#head = 0
    }
    return event
  }
}
