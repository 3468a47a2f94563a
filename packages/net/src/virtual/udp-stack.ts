// UDP of one virtual host: which port is free, which datagram is whose.

import type { UdpBindOptions, UdpSocket } from '../network.ts'
import { endpoint } from './core.ts'
import type { Core } from './core.ts'
import type { VirtualHost } from './host.ts'
import type { Packet } from './packet.ts'
import { isWildcard, Ports } from './ports.ts'
import { VirtualUdpSocket } from './udp.ts'

export class UdpStack {
  readonly #core: Core
  readonly #host: VirtualHost
  readonly #ports: Ports = new Ports()
  /** By port. */
  readonly #sockets: Map<number, VirtualUdpSocket[]> = new Map()

  constructor(core: Core, host: VirtualHost) {
    this.#core = core
    this.#host = host
  }

  get openHandles(): number {
    let sockets = 0
    for (const list of this.#sockets.values()) sockets += list.length
    return sockets
  }

  async bind(options: UdpBindOptions): Promise<UdpSocket> {
    options.signal?.throwIfAborted()
    const address = this.#host.bindableAddress(options)
    const family = address.includes(':') ? 6 : 4
    const port = this.#ports.choose(options, address, (candidate, isChosen) =>
      this.#isFree(address, family, candidate, isChosen && options.reuseAddress === true),
    )
    const local = endpoint(address, port, family)
    const socket = new VirtualUdpSocket(this.#core, this.#host, local, options.reuseAddress ?? false, () => {
      const list = this.#sockets.get(port)!
      list.splice(list.indexOf(socket), 1)
      if (list.length === 0) this.#sockets.delete(port)
    })
    const list = this.#sockets.get(port)
    if (list === undefined) this.#sockets.set(port, [socket])
    else list.push(socket)
    return socket
  }

  /** From the wire, or from this host itself; `from` and `to` with zones. */
  receive(packet: Packet, from: string, to: string): void {
    const wildcard = packet.family === 4 ? '0.0.0.0' : '::'
    const list = this.#sockets.get(packet.destinationPort)
    const socket =
      list?.find((candidate) => candidate.local.address === to) ??
      list?.find((candidate) => candidate.local.address === wildcard)
    if (socket === undefined) {
      this.#core.drop(this.#host.name, 'port', packet)
      return
    }
    if (this.#core.taps.size > 0) this.#core.tell('delivered', this.#host.name, packet)
    socket.deliver(packet, from)
  }

  /** Power off: nobody is told. */
  crash(): void {
    for (const list of this.#sockets.values()) while (list.length > 0) list[0]!.close()
  }

  #isFree(address: string, family: 4 | 6, port: number, reuse: boolean): boolean {
    for (const { local, reuseAddress } of this.#sockets.get(port) ?? []) {
      if (local.family !== family || (reuse && reuseAddress)) continue
      if (local.address === address || isWildcard(address) || isWildcard(local.address)) return false
    }
    return true
  }
}
