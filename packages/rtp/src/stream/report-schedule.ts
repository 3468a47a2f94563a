/**
 * When a stream reports (RFC 3550 §6.2): at random between half and one and a half of the interval, so that many streams do not
 * fall into step, and only as long as there is something to report.
 */
export class ReportSchedule {
  /** Absolute ms; Infinity while nothing happens. */
  deadline: number = Infinity
  readonly #interval: number
  readonly #random: () => number
  #active = false

  /** `interval` in ms. */
  constructor(interval: number, random: () => number) {
    this.#interval = interval
    this.#random = random
  }

  /** There is something to report. */
  wake(now: number): void {
    this.#active = true
    // The first report waits half as long (RFC 3550 §6.2): streams find each other's clocks sooner.
    if (this.deadline === Infinity) this.deadline = now + this.#spread() / 2
  }

  /** Whether a report is due; the next one is then set, or none when nothing happened since the last. */
  take(now: number): boolean {
    if (now < this.deadline) return false
    this.deadline = this.#active ? now + this.#spread() : Infinity
    this.#active = false
    return true
  }

  stop(): void {
    this.deadline = Infinity
    this.#active = false
  }

  #spread(): number {
    return this.#interval * (0.5 + this.#random())
  }
}
