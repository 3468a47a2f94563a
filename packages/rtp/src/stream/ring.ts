/** A first-in first-out queue in a power-of-two array: `push` and `shift` take constant time at any length. */
export class Ring<T> {
  #items: (T | undefined)[] = []
  #mask = -1
  #head = 0
  #count = 0

  get length(): number {
    return this.#count
  }

  push(item: T): void {
    if (this.#count > this.#mask) this.#grow()
    this.#items[(this.#head + this.#count) & this.#mask] = item
    this.#count++
  }

  shift(): T | undefined {
    if (this.#count === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#count--
    // A queue that was long once gives its memory back when it is empty.
    if (this.#count === 0 && this.#mask > 255) this.clear()
    return item
  }

  clear(): void {
    this.#items = []
    this.#mask = -1
    this.#head = 0
    this.#count = 0
  }

  #grow(): void {
    const capacity = this.#mask < 0 ? 8 : (this.#mask + 1) * 2
    const items = new Array<T | undefined>(capacity).fill(undefined)
    for (let i = 0; i < this.#count; i++) items[i] = this.#items[(this.#head + i) & this.#mask]
    this.#items = items
    this.#head = 0
    this.#mask = capacity - 1
  }
}
