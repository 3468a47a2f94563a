import type { TransportAddress } from '@kaon/stun'

/** A map by address and port. It remembers the last one found: traffic mostly comes in bursts of one sender, in one object. */
export class EndpointMap<T> {
  readonly #byAddress: Map<string, Map<number, T>> = new Map()
  #lastKey: TransportAddress | undefined
  #last: T | undefined

  get(key: TransportAddress): T | undefined {
    if (key === this.#lastKey) return this.#last
    const found = this.#byAddress.get(key.address)?.get(key.port)
    if (found !== undefined) {
      this.#lastKey = key
      this.#last = found
    }
    return found
  }

  /** Whether there is an entry with this address, whatever its port. */
  hasAddress(address: string): boolean {
    return this.#byAddress.has(address)
  }

  set({ address, port }: TransportAddress, value: T): void {
    let ports = this.#byAddress.get(address)
    if (ports === undefined) {
      ports = new Map()
      this.#byAddress.set(address, ports)
    }
    ports.set(port, value)
    this.#lastKey = undefined
    this.#last = undefined
  }

  delete({ address, port }: TransportAddress): void {
    const ports = this.#byAddress.get(address)
    ports?.delete(port)
    if (ports?.size === 0) this.#byAddress.delete(address)
    this.#lastKey = undefined
    this.#last = undefined
  }

  *values(): Iterable<T> {
    for (const ports of this.#byAddress.values()) yield* ports.values()
  }
}
