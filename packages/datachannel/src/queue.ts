/** First in, first out, without moving the rest of a long queue at each step. */
export class Queue<T> {
  readonly #items: (T | undefined)[] = []
  #head = 0

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    return item
  }

  clear(): void {
    this.#items.length = 0
    this.#head = 0
  }
}
