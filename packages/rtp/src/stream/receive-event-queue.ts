import type { ReceiveStreamEvent } from './events.ts'
import { Ring } from './ring.ts'
import type { InboundStats } from './stats.ts'

/** Events until they are taken. When nobody does, the oldest are lost, and the frame after a lost one says so. */
export class ReceiveEventQueue {
  readonly #limit: number
  readonly #stats: InboundStats
  readonly #events = new Ring<ReceiveStreamEvent>()
  #frameLost = false

  constructor(limit: number, stats: InboundStats) {
    this.#limit = limit
    this.#stats = stats
  }

  push(event: ReceiveStreamEvent): void {
    if (this.#events.length >= this.#limit) {
      if (this.#events.shift()?.type === 'frame') this.#frameLost = true
      this.#stats.dropped.events++
    }
    this.#events.push(event)
  }

  poll(): ReceiveStreamEvent | undefined {
    const event = this.#events.shift()
    if (event?.type !== 'frame' || !this.#frameLost) return event
    this.#frameLost = false
    return { type: 'frame', frame: { ...event.frame, discontinuity: true } }
  }

  clear(): void {
    this.#events.clear()
  }
}
