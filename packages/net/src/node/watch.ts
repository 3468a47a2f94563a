import { InterfaceWatchers } from '../interface-watchers.ts'
import type { InterfaceWatch, NetworkInterface } from '../network.ts'

/** Asks the system for its interfaces now and then, as long as somebody wants to know. One timer for all who watch. */
export class InterfacePoll {
  readonly #list: () => NetworkInterface[]
  readonly #interval: number
  readonly #watchers = new InterfaceWatchers()
  #timer: NodeJS.Timeout | undefined

  /** @param interval ms */
  constructor(list: () => NetworkInterface[], interval: number) {
    this.#list = list
    this.#interval = interval
  }

  add(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch {
    const remove = this.#watchers.add(callback, this.#list())
    this.#timer ??= setInterval(() => this.#watchers.tell(this.#list()), this.#interval).unref()
    return {
      close: (): void => {
        remove()
        if (this.#watchers.size > 0) return
        clearInterval(this.#timer)
        this.#timer = undefined
      },
    }
  }
}
