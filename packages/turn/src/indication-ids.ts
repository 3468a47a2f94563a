/** Transaction ids of indications, which need not be unguessable: one random start, then counted. */
export class IndicationIds {
  readonly #id: Uint8Array

  /** `start`: 12 random bytes, which change owner. */
  constructor(start: Uint8Array) {
    this.#id = start
  }

  /** To be copied before the next call. */
  next(): Uint8Array {
    const id = this.#id
    for (let index = 11; index >= 8; index--) {
      id[index] = id[index]! + 1
      if (id[index] !== 0) break
    }
    return id
  }
}
