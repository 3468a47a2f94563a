// Virtual time: a heap of events ordered by time, phase and order of creation.

import { VirtualNetworkError } from './errors.ts'
import { settlePromises } from './settle.ts'

/** What waits for its time. `deferred` events of an instant come after all others of that instant. */
export class ScheduledEvent {
  readonly at: number
  readonly deferred: boolean
  readonly order: number
  /** An event that only user code waits for and that does not count as activity (a timer with `unref`). */
  readonly background: boolean
  /** Undefined once it ran or was cancelled. */
  action: (() => void) | undefined

  constructor(at: number, deferred: boolean, order: number, background: boolean, action: () => void) {
    this.at = at
    this.deferred = deferred
    this.order = order
    this.background = background
    this.action = action
  }
}

const EVENTS_PER_INSTANT = 1_000_000

export class Scheduler {
  now: number
  /** Set by whoever calls into user code; promises are given time to settle after such an event. */
  touched = false
  #heap: ScheduledEvent[] = []
  #cancelled = 0
  #background = 0
  #order = 0
  #running = false

  constructor(start: number) {
    this.now = start
  }

  /** Events that are waiting, without those marked as background. */
  get pending(): number {
    return this.#heap.length - this.#cancelled - this.#background
  }

  schedule(at: number, action: () => void, deferred = false, background = false): ScheduledEvent {
    const event = new ScheduledEvent(at > this.now ? at : this.now, deferred, this.#order++, background, action)
    if (background) this.#background++
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
    return event
  }

  cancel(event: ScheduledEvent): void {
    if (event.action === undefined) return
    event.action = undefined
    if (event.background) this.#background--
    // Cancelled events stay until their time comes; drivers re-arm far timers all the time, so clear the heap of them now and then.
    if (++this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#compact()
  }

  /** Runs until virtual time `end`, or until `isDone` after an event. True if `isDone` said so. */
  async run(end: number, isDone: (() => boolean) | undefined, untilIdle: boolean): Promise<boolean> {
    if (this.#running) throw new VirtualNetworkError('ERR_VIRTUAL_BUSY', 'The virtual network is running already')
    this.#running = true
    try {
      await settlePromises()
      if (isDone?.() === true) return true
      let eventsAtInstant = 0
      for (;;) {
        if (untilIdle && this.pending === 0) return false
        const event = this.#peek()
        if (event === undefined || event.at > end) break
        eventsAtInstant = event.at > this.now ? 0 : eventsAtInstant + 1
        if (eventsAtInstant > EVENTS_PER_INSTANT) {
          throw new VirtualNetworkError(
            'ERR_VIRTUAL_STALLED',
            `More than ${EVENTS_PER_INSTANT} events at ${this.now} ms`,
          )
        }
        this.#pop()
        this.now = event.at
        const action = event.action!
        event.action = undefined
        if (event.background) this.#background--
        action()
        if (this.touched) {
          this.touched = false
          await settlePromises()
        }
        if (isDone?.() === true) return true
      }
      if (end !== Infinity) this.now = end
      return false
    } finally {
      this.#running = false
    }
  }

  /** The next event that is not cancelled. */
  #peek(): ScheduledEvent | undefined {
    while (this.#heap.length > 0) {
      const event = this.#heap[0]!
      if (event.action !== undefined) return event
      this.#pop()
      this.#cancelled--
    }
    return undefined
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length > 0) this.#sink(last, 0)
  }

  #sink(event: ScheduledEvent, index: number): void {
    const heap = this.#heap
    const { length } = heap
    for (;;) {
      let child = index * 2 + 1
      if (child >= length) break
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, event)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = event
  }

  #compact(): void {
    this.#heap = this.#heap.filter((event) => event.action !== undefined)
    this.#cancelled = 0
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#sink(this.#heap[index]!, index)
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  if (a.at !== b.at) return a.at < b.at
  if (a.deferred !== b.deferred) return b.deferred
  return a.order < b.order
}
