/** First in, first out, for what is mostly emptied at once: then nothing is moved. */
export class Fifo<T> {
  #items: T[] = []
  #taken = 0

  get length(): number {
    return this.#items.length - this.#taken
  }

  push(item: T): void {
    this.#items.push(item)
  }

  take(): T | undefined {
    if (this.#taken === this.#items.length) return undefined
    const item = this.#items[this.#taken++]
    if (this.#taken === this.#items.length) this.clear()
    return item
  }

  clear(): void {
    this.#items = []
    this.#taken = 0
  }
}
