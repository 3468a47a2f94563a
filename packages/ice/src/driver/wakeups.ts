// When a connection runs its machines: once the events of this moment have all come in, and at their deadline.
import type { Network, Timer } from '@kaon/net'

export interface Wakeable {
  /** Ends with `arm()`. */
  run(): void
  /** Absolute ms; Infinity when nothing is due. */
  deadline(): number
}

export class Wakeups {
  readonly #network: Network
  readonly #target: Wakeable
  readonly #fire: () => void
  #isScheduled = false
  #isClosed = false
  #timer: Timer | undefined
  #timerAt = Infinity

  constructor(network: Network, target: Wakeable) {
    this.#network = network
    this.#target = target
    this.#fire = () => {
      this.#isScheduled = false
      if (!this.#isClosed) this.#target.run()
    }
  }

  /** Runs once the datagrams of this moment have all come in. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    this.#network.defer(this.#fire)
  }

  /** One timer for everything; one that is already set for an earlier moment stays and sets the next. */
  arm(): void {
    if (this.#isScheduled || this.#isClosed) return // the run that is due will arm it
    const at = this.#target.deadline()
    if (this.#timer !== undefined && this.#timerAt <= at) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = at
    if (at === Infinity) return
    this.#timer = this.#network.setTimer(at, () => {
      this.#timer = undefined
      this.#fire()
    })
  }

  /** Nothing runs any more. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
