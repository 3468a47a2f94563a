import type { InterfaceWatch, NetworkInterface } from '../network.ts'

interface Watcher {
  readonly run: (interfaces: NetworkInterface[]) => void
  /** The list that it knows, as text. */
  known: string
}

/** Asks the system for its interfaces now and then, as long as somebody wants to know. One timer for all who watch. */
export class InterfacePoll {
  readonly #list: () => NetworkInterface[]
  readonly #interval: number
  readonly #watchers: Set<Watcher> = new Set()
  #timer: NodeJS.Timeout | undefined

  /** @param interval ms */
  constructor(list: () => NetworkInterface[], interval: number) {
    this.#list = list
    this.#interval = interval
  }

  add(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch {
    const watcher = { run: callback, known: describe(this.#list()) }
    this.#watchers.add(watcher)
    this.#timer ??= setInterval(() => this.#poll(), this.#interval).unref()
    return {
      close: (): void => {
        this.#watchers.delete(watcher)
        if (this.#watchers.size > 0) return
        clearInterval(this.#timer)
        this.#timer = undefined
      },
    }
  }

  #poll(): void {
    const interfaces = this.#list()
    const text = describe(interfaces)
    for (const watcher of this.#watchers) {
      if (watcher.known === text) continue
      watcher.known = text
      watcher.run([...interfaces])
    }
  }
}

/** In an order of its own: the system's may change without meaning. */
function describe(interfaces: readonly NetworkInterface[]): string {
  const lines = interfaces.map(({ name, address, prefixLength }) => `${name} ${address}/${prefixLength}`)
  return lines.toSorted().join('\n')
}
