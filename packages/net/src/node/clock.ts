import { NetError } from '../errors.ts'
import type { Timer, TimerOptions } from '../network.ts'

const LONGEST_TIMEOUT = 0x7fff_ffff

export function now(): number {
  return performance.now()
}

/** Node's timers count whole ms from the start of the loop's turn and may fire early; this one does not. */
class NodeTimer implements Timer {
  readonly #at: number
  readonly #unref: boolean
  #callback: (() => void) | undefined
  #handle: NodeJS.Timeout | undefined

  constructor(at: number, callback: () => void, unref: boolean) {
    this.#at = at
    this.#unref = unref
    this.#callback = callback
    if (at !== Infinity) this.#arm(at - now())
  }

  cancel(): void {
    this.#callback = undefined
    if (this.#handle === undefined) return
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  #arm(delay: number): void {
    this.#handle = setTimeout(fire, Math.min(Math.max(Math.ceil(delay), 0), LONGEST_TIMEOUT), this)
    if (this.#unref) this.#handle.unref()
  }

  due(): void {
    const callback = this.#callback
    if (callback === undefined) return
    const rest = this.#at - now()
    if (rest > 0) {
      this.#arm(rest)
      return
    }
    this.#callback = undefined
    this.#handle = undefined
    callback()
  }
}

function fire(timer: NodeTimer): void {
  timer.due()
}

export function setTimer(at: number, callback: () => void, options?: TimerOptions): Timer {
  if (Number.isNaN(at)) throw new NetError('ERR_NET_ARGUMENT', 'The time of a timer is not a number')
  return new NodeTimer(at, callback, options?.unref === true)
}

/**
 * A turn of its own for each callback: promises settle in between, which one turn for all would not let them. Node runs
 * the whole list of a loop turn at once, so that it costs next to nothing.
 */
export function defer(callback: () => void): void {
  setImmediate(callback)
}
