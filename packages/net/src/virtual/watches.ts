import { InterfaceWatchers } from '../interface-watchers.ts'
import type { InterfaceWatch, NetworkInterface } from '../network.ts'
import type { Scheduler } from './scheduler.ts'

/** Tells who watches a host's interfaces of changes: once for all changes of an instant. */
export class InterfaceWatches {
  readonly #scheduler: Scheduler
  readonly #list: () => NetworkInterface[]
  readonly #watchers = new InterfaceWatchers()
  #isDue = false

  constructor(scheduler: Scheduler, list: () => NetworkInterface[]) {
    this.#scheduler = scheduler
    this.#list = list
  }

  get size(): number {
    return this.#watchers.size
  }

  add(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch {
    return { close: this.#watchers.add(callback, this.#list()) }
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
    this.#watchers.tell(this.#list(), () => {
      this.#scheduler.touched = true
    })
  }
}
