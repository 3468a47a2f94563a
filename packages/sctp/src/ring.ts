/** A first-in first-out queue in a power-of-two array: `push` and `shift` take constant time at any length. */
export class Ring<T> {
  private items: (T | undefined)[] = []
  private mask = -1
  private head = 0
  private count = 0

  get length(): number {
    return this.count
  }

  push(item: T): void {
    if (this.count > this.mask) this.grow()
    this.items[(this.head + this.count) & this.mask] = item
    this.count++
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.count > this.mask) this.grow()
    this.head = (this.head - 1) & this.mask
    this.items[this.head] = item
    this.count++
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined
    const item = this.items[this.head]
    this.items[this.head] = undefined
    this.head = (this.head + 1) & this.mask
    this.count--
    // A queue that was long once gives its memory back when it is empty.
    if (this.count === 0 && this.mask > 1023) this.clear()
    return item
  }

  peek(): T | undefined {
    return this.count === 0 ? undefined : this.items[this.head]
  }

  at(index: number): T | undefined {
    return index < this.count ? this.items[(this.head + index) & this.mask] : undefined
  }

  clear(): void {
    this.items = []
    this.mask = -1
    this.head = 0
    this.count = 0
  }

  private grow(): void {
    const capacity = this.mask < 0 ? 8 : (this.mask + 1) * 2
    const items: (T | undefined)[] = []
    for (let i = 0; i < this.count; i++) items.push(this.items[(this.head + i) & this.mask])
    while (items.length < capacity) items.push(undefined)
    this.items = items
    this.head = 0
    this.mask = capacity - 1
  }
}
