// One network interface of a virtual host: addresses at the lower end of a link.

import type { NetworkInterface } from '../network.ts'
import { isLinkLocal, requireAddress } from './core.ts'
import type { Core } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import type { VirtualHost } from './host.ts'
import type { Link, LinkOptions } from './link.ts'
import type { Packet } from './packet.ts'
import { MULTICAST_4, MULTICAST_6 } from './router.ts'
import type { VirtualRouter } from './router.ts'

export interface InterfaceOptions {
  /** The interface's name. Default `eth0`, … */
  interface?: string
  /** The router or NAT it hangs on; default `internet`. */
  via?: VirtualRouter
  link?: LinkOptions
  /** One or more IPv4 and IPv6 addresses, link-local ones without zone. Default: free ones of the router. */
  address?: string | readonly string[]
  /** Which families get an address by themselves when `address` is absent. Default IPv4 only. */
  families?: readonly (4 | 6)[]
}

export class VirtualInterface {
  readonly name: string
  readonly link: Link
  readonly router: VirtualRouter
  readonly #host: VirtualHost
  readonly #onRemove: () => void
  #addresses: string[] = []
  #removed = false
  #isDown = false

  /** @internal */
  constructor(
    _core: Core,
    host: VirtualHost,
    name: string,
    router: VirtualRouter,
    options: InterfaceOptions,
    onRemove: () => void,
  ) {
    this.name = name
    this.router = router
    this.#host = host
    this.#onRemove = onRemove
    const receiver = { name: host.name, receive: (packet: Packet): void => this.#receive(packet) }
    const linkName = name === 'eth0' ? host.name : `${host.name}.${name}`
    this.link = router.attach(receiver, linkName, options.link)
    try {
      for (const address of chooseAddresses(router, options)) this.addAddress(address)
    } catch (error) {
      router.detach(this.link)
      throw error
    }
  }

  /** Without zones. They stay while it is down. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  addAddress(address: string): void {
    const { text } = requireAddress(address)
    if (!this.#isDown) this.router.addRoute(text, this.link)
    this.#addresses.push(text)
    this.#host.interfacesChanged()
  }

  /** Sockets bound to it stay open, but reach nobody. */
  removeAddress(address: string): void {
    const { text } = requireAddress(address)
    const index = this.#addresses.indexOf(text)
    if (index < 0) return
    this.#addresses.splice(index, 1)
    if (!this.#isDown) this.router.removeRoute(text)
    this.#host.interfacesChanged()
  }

  /**
   * Switched off: `interfaces()` lists its addresses no more, what is on the link is lost, and sockets bound to the addresses
   * reach nobody until `up`. (`link.down()` is a cable that was pulled somewhere farther on: nobody notices.)
   */
  down(): void {
    if (this.#isDown || this.#removed) return
    for (const address of this.#addresses) this.router.removeRoute(address)
    this.#isDown = true
    this.link.down()
    this.#host.interfacesChanged()
  }

  /** With the addresses it had. */
  up(): void {
    if (!this.#isDown || this.#removed) return
    this.#isDown = false
    this.link.up()
    for (const address of this.#addresses) this.router.addRoute(address, this.link)
    this.#host.interfacesChanged()
  }

  /** False between `down` and `up`. */
  get isUp(): boolean {
    return !this.#isDown
  }

  /** The interface disappears with its addresses. Sockets bound to them stay open, but reach nobody. */
  remove(): void {
    if (this.#removed) return
    this.#removed = true
    while (this.#addresses.length > 0) this.removeAddress(this.#addresses[0]!)
    this.link.down()
    this.router.detach(this.link)
    this.#onRemove()
    this.#host.interfacesChanged()
  }

  /** @internal */
  describe(): NetworkInterface[] {
    if (this.#isDown) return []
    return this.#addresses.map((address) => ({
      name: this.name,
      address: this.zoned(address),
      family: address.includes(':') ? 6 : 4,
      internal: false,
      prefixLength: this.router.prefixLength(address),
    }))
  }

  /** @internal */
  has(address: string): boolean {
    if (this.#isDown) return false
    return this.#addresses.some((own) => own === address || this.zoned(own) === address)
  }

  /** @internal A link-local address as this host writes it. */
  zoned(address: string): string {
    return address.includes(':') && isLinkLocal(address) ? `${address}%${this.name}` : address
  }

  /** @internal Source address for a socket that is bound to the wildcard. */
  sourceFor(destination: string, family: 4 | 6): string | undefined {
    if (this.#isDown) return undefined
    const wantsLinkLocal = isLinkLocal(destination)
    const own = this.#addresses.filter((address) => address.includes(':') === (family === 6))
    return own.find((address) => isLinkLocal(address) === wantsLinkLocal) ?? (family === 4 ? own[0] : undefined)
  }

  /** @internal */
  isMulticast(destination: string): boolean {
    return destination === MULTICAST_4 || destination === MULTICAST_6
  }

  #receive(packet: Packet): void {
    if (!this.#removed) this.#host.receivePacket(packet, this)
  }
}

function chooseAddresses(router: VirtualRouter, options: InterfaceOptions): readonly string[] {
  if (options.address !== undefined) return typeof options.address === 'string' ? [options.address] : options.address
  return (options.families ?? [4]).map((family) => {
    const address = router.allocateAddress(family)
    if (address === undefined) {
      throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${router.name} has no IPv${family} subnet`)
    }
    return address
  })
}
