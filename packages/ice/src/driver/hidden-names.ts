import type { MdnsRegistration, Network } from '@kaon/net'
import { makeMdnsName } from './names.ts'

/** The names that stand for the own addresses (draft-ietf-mmusic-mdns-ice-candidates §3.1), one per address. */
export class HiddenNames {
  readonly #network: Network
  readonly #random: (length: number) => Uint8Array
  readonly #names = new Map<string, { name: string; registration: MdnsRegistration }>()

  constructor(network: Network, random: (length: number) => Uint8Array) {
    this.#network = network
    this.#random = random
  }

  get(address: string): string {
    const known = this.#names.get(address)
    if (known !== undefined) return known.name
    const name = makeMdnsName(this.#random)
    this.#names.set(address, { name, registration: this.#network.mdns.publish(name, address) })
    return name
  }

  /** Takes back the names of all other addresses. */
  keep(addresses: ReadonlySet<string>): void {
    for (const [address, { registration }] of this.#names) {
      if (addresses.has(address)) continue
      registration.close()
      this.#names.delete(address)
    }
  }
}
