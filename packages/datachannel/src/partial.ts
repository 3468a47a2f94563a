import { PPID } from './ppid.ts'

/** What the array entry and the object of a part cost beside its bytes, roughly. */
const OVERHEAD = 64

/** Room for parts that wait for their last one, shared by all channels of a manager. */
export interface PartialBudget {
  /** Bytes. */
  left: number
}

/**
 * Puts together messages that were cut at this level, with the PPIDs 52 and 54. RFC 8831 §6.6 deprecates that: nobody
 * sends it any more, but peers of the draft days (Firefox before 2018) did on ordered channels, where all parts but the
 * last carry the partial PPID. Kaon reads it and never writes it.
 */
export class PartialMessage {
  readonly #budget: PartialBudget
  #parts: Uint8Array[] = []
  #size = 0
  #ppid = 0

  constructor(budget: PartialBudget) {
    this.#budget = budget
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  /**
   * Takes a partial message, or the last part. Undefined: more is to come. False: the parts do not belong together or
   * have no room; everything is forgotten.
   */
  add(ppid: number, data: Uint8Array): Uint8Array | undefined | false {
    const partial = isPartial(ppid)
    const whole = ppid === PPID.BINARY_PARTIAL ? PPID.BINARY : ppid === PPID.STRING_PARTIAL ? PPID.STRING : ppid
    const cost = data.length + OVERHEAD
    if ((this.#parts.length > 0 && whole !== this.#ppid) || cost > this.#budget.left) {
      this.clear()
      return false
    }
    this.#ppid = whole
    this.#parts.push(data)
    this.#size += data.length
    this.#budget.left -= cost
    if (partial) return undefined
    const message = new Uint8Array(this.#size)
    let offset = 0
    for (const part of this.#parts) {
      message.set(part, offset)
      offset += part.length
    }
    this.clear()
    return message
  }

  clear(): void {
    this.#budget.left += this.#size + this.#parts.length * OVERHEAD
    this.#parts = []
    this.#size = 0
  }
}

export function isPartial(ppid: number): boolean {
  return ppid === PPID.BINARY_PARTIAL || ppid === PPID.STRING_PARTIAL
}
