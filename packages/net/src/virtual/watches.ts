import type { InterfaceWatch, NetworkInterface } from '../network.ts'
import type { Scheduler } from './scheduler.ts'

interface Watcher {
  readonly run: (interfaces: NetworkInterface[]) => void
  /** The list that it knows, as text. */
  known: string
}

/** Tells who watches a host's interfaces of changes: once for all changes of an instant. */
export class InterfaceWatches {
  readonly #scheduler: Scheduler
  readonly #list: () => NetworkInterface[]
  readonly #watchers: Set<Watcher> = new Set()
  #isDue = false

  constructor(scheduler: Scheduler, list: () => NetworkInterface[]) {
    this.#scheduler = scheduler
    this.#list = list
  }

  get size(): number {
    return this.#watchers.size
  }

  add(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch {
    const watcher = { run: callback, known: describe(this.#list()) }
    this.#watchers.add(watcher)
    return { close: (): void => void this.#watchers.delete(watcher) }
  }

  changed(): void {
    if (this.#isDue || this.#watchers.size === 0) return
    this.#isDue = true
    this.#scheduler.schedule(this.#scheduler.now, () => this.#tell())
  }

  clear(): void {
    this.#watchers.clear()
  }

  #tell(): void {
    this.#isDue = false
    const interfaces = this.#list()
    const text = describe(interfaces)
    for (const watcher of this.#watchers) {
      if (watcher.known === text) continue
      watcher.known = text
      this.#scheduler.touched = true
      watcher.run([...interfaces])
    }
  }
}

function describe(interfaces: readonly NetworkInterface[]): string {
  return interfaces.map(({ name, address, prefixLength }) => `${name} ${address}/${prefixLength}`).join('\n')
}
