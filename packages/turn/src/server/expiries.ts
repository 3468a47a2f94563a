/** What ends at a time of its own. */
export interface Expiring {
  /** When it is looked at next. Whoever changes it adds the item again; the earlier entry then counts for nothing. */
  checkAt: number
}

/** A binary heap by `checkAt`. */
export class Expiries<T extends Expiring> {
  readonly #heap: { readonly at: number; readonly item: T }[] = []

  get deadline(): number {
    return this.#heap[0]?.at ?? Infinity
  }

  get size(): number {
    return this.#heap.length
  }

  add(item: T): void {
    const heap = this.#heap
    const entry = { at: item.checkAt, item }
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.at <= entry.at) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  /** The first one that is due, if there is one. */
  take(now: number): T | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now) {
      const { at, item } = this.#heap[0]!
      this.#removeFirst()
      if (at === item.checkAt) return item
    }
    return undefined
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}
