// The ports of a connection. They outlive a gathering: a restart uses them again.
import type { LocalAddress } from './addresses.ts'
import { Port, type PortSocket } from './port.ts'
import type { Opened, Share } from './sockets.ts'

export class Ports {
  readonly byId: Map<number, Port> = new Map()
  readonly #added: (port: Port) => void
  readonly #lost: (port: Port) => void
  readonly #shares = new Map<Port, Share>()
  #ids = 0

  /** `added`: before anything can come in. `lost`: it is gone, and all that was based on it. */
  constructor(added: (port: Port) => void, lost: (port: Port) => void) {
    this.#added = added
    this.#lost = lost
  }

  find(key: string): Port | undefined {
    for (const port of this.byId.values()) if (port.key === key) return port
    return undefined
  }

  /** How many keys begin so. */
  count(prefix: string): number {
    let count = 0
    for (const { key } of this.byId.values()) if (key.startsWith(prefix)) count++
    return count
  }

  get addresses(): Set<string> {
    return new Set(Array.from(this.byId.values(), (port) => port.address.address))
  }

  add(key: string, socket: PortSocket, address: LocalAddress, gathering: number): Port {
    const port = new Port(++this.#ids, key, socket, address)
    port.gathering = gathering
    this.byId.set(port.id, port)
    this.#added(port)
    return port
  }

  /** With a username fragment for its share of something; undefined when another connection has that. */
  addOpened(key: string, opened: Opened, address: LocalAddress, gathering: number, fragment: string): Port | undefined {
    const port = this.add(key, opened.socket, address, gathering)
    if (opened.share === undefined) return port
    this.#shares.set(port, opened.share)
    if (opened.share.claimFragment(fragment)) return port
    this.close(port)
    return undefined
  }

  /** Takes a port that there is into the next gathering. */
  reuse(port: Port, address: LocalAddress, gathering: number, fragment: string): void {
    port.address = address
    port.gathering = gathering
    this.#shares.get(port)?.claimFragment(fragment)
  }

  /** Closes those that the gathering has not found any more, but not `used`. */
  closeUnused(gathering: number, used: number | undefined, fragment: string): void {
    for (const port of this.byId.values()) if (port.gathering !== gathering && port.id !== used) this.close(port)
    for (const share of this.#shares.values()) share.keepFragment(fragment)
  }

  /** Its address or its allocation is gone. */
  lose(port: Port): void {
    this.close(port)
    this.#lost(port)
  }

  close(port: Port): void {
    if (!this.byId.delete(port.id)) return
    this.#shares.delete(port)
    port.socket.onmessage = undefined
    port.socket.onerror = undefined
    port.socket.close()
  }

  closeAll(): void {
    for (const port of this.byId.values()) this.close(port)
  }
}
