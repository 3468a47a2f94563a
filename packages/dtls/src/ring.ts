/** A queue in a ring: constant time at both ends, however long it grows. */
export class Ring<T> {
  #items: (T | undefined)[] = Array.from({ length: 16 })
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  clear(): void {
    this.#items = Array.from({ length: 16 })
    this.#head = 0
    this.#length = 0
  }

  #grow(): void {
    const old = this.#items
    const mask = old.length - 1
    const items = Array.from<T | undefined>({ length: old.length * 2 })
    for (let i = 0; i < this.#length; i++) items[i] = old[(this.#head + i) & mask]
    this.#items = items
    this.#head = 0
  }
}
