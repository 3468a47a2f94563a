import type { NetworkInterface } from './network.ts'

interface Watcher {
  readonly run: (interfaces: NetworkInterface[]) => void
  /** The list that it knows, as text. */
  known: string
}

/** Who wants to know of the interfaces, and what of them each one knows already. */
export class InterfaceWatchers {
  readonly #watchers: Set<Watcher> = new Set()

  get size(): number {
    return this.#watchers.size
  }

  /** `interfaces`: what there is now, of which nobody is told. Returns what takes the watcher out again. */
  add(callback: (interfaces: NetworkInterface[]) => void, interfaces: readonly NetworkInterface[]): () => void {
    const watcher = { run: callback, known: describe(interfaces) }
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  clear(): void {
    this.#watchers.clear()
  }

  /** Tells those for whom this is new; `beforeEach` is called before each of them. */
  tell(interfaces: readonly NetworkInterface[], beforeEach?: () => void): void {
    const text = describe(interfaces)
    for (const watcher of this.#watchers) {
      if (watcher.known === text) continue
      watcher.known = text
      beforeEach?.()
      watcher.run([...interfaces])
    }
  }
}

/** In an order of its own: the system's may change without meaning. */
function describe(interfaces: readonly NetworkInterface[]): string {
  const lines = interfaces.map(({ name, address, prefixLength }) => `${name} ${address}/${prefixLength}`)
  return lines.toSorted().join('\n')
}
