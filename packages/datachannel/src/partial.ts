import { PPID } from './ppid.ts'

/**
 * Puts together messages that were cut at this level, with the PPIDs 52 and 54. RFC 8831 §6.6 deprecates that: nobody
 * sends it any more, but peers of the draft days (Firefox before 2018) did on ordered channels, where all parts but the
 * last carry the partial PPID. Kaon reads it and never writes it.
 */
export class PartialMessage {
  readonly #limit: number
  #parts: Uint8Array[] = []
  #size = 0
  #ppid = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  /**
   * Takes a partial message, or the last part. Undefined: more is to come. False: the parts do not belong together or
   * are too large; everything is forgotten.
   */
  add(ppid: number, data: Uint8Array): Uint8Array | undefined | false {
    const partial = ppid === PPID.BINARY_PARTIAL || ppid === PPID.STRING_PARTIAL
    const whole = ppid === PPID.BINARY_PARTIAL ? PPID.BINARY : ppid === PPID.STRING_PARTIAL ? PPID.STRING : ppid
    // Each part costs an object as well: 64 bytes are charged for it.
    const cost = data.length + 64
    if ((this.#parts.length > 0 && whole !== this.#ppid) || this.#size + cost > this.#limit) {
      this.#reset()
      return false
    }
    this.#ppid = whole
    this.#parts.push(data)
    this.#size += cost
    if (partial) return undefined
    const message = new Uint8Array(this.#size - 64 * this.#parts.length)
    let offset = 0
    for (const part of this.#parts) {
      message.set(part, offset)
      offset += part.length
    }
    this.#reset()
    return message
  }

  #reset(): void {
    this.#parts = []
    this.#size = 0
  }
}
