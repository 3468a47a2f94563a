import { NetError } from '../errors.ts'
import type { Endpoint, UdpSocket, UdpStats } from '../network.ts'
import type { Core } from './core.ts'
import type { VirtualHost } from './host.ts'
import type { Packet } from './packet.ts'

export class VirtualUdpSocket implements UdpSocket {
  readonly local: Endpoint
  readonly reuseAddress: boolean
  readonly stats: UdpStats = {
    datagramsSent: 0,
    bytesSent: 0,
    datagramsReceived: 0,
    bytesReceived: 0,
    sendErrors: 0,
  }
  onmessage: ((data: Uint8Array, from: Endpoint) => void) | undefined = undefined
  onerror: ((error: Error) => void) | undefined = undefined
  readonly #core: Core
  readonly #host: VirtualHost
  readonly #onClose: () => void
  #closed = false
  #lastFrom: Endpoint | undefined

  constructor(core: Core, host: VirtualHost, local: Endpoint, reuseAddress: boolean, onClose: () => void) {
    this.#core = core
    this.#host = host
    this.local = local
    this.reuseAddress = reuseAddress
    this.#onClose = onClose
  }

  send(data: Uint8Array, to: Endpoint): void {
    if (this.#closed) return
    const systemCode = data.length > 65_507 ? 'EMSGSIZE' : this.#host.sendPacket(this, data, to)
    if (systemCode === undefined) {
      this.stats.datagramsSent++
      this.stats.bytesSent += data.length
      return
    }
    this.stats.sendErrors++
    const { scheduler } = this.#core
    scheduler.schedule(scheduler.now, () => {
      if (this.#closed || this.onerror === undefined) return
      scheduler.touched = true
      const message = `send ${systemCode} ${to.address}:${to.port}`
      this.onerror(new NetError('ERR_NET_SEND', message, { systemCode, remote: to }))
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.onmessage = undefined
    this.onerror = undefined
    this.#onClose()
  }

  ref(): void {}

  unref(): void {}

  deliver(packet: Packet, address: string): void {
    this.stats.datagramsReceived++
    this.stats.bytesReceived += packet.data.length
    if (this.onmessage === undefined) return
    let from = this.#lastFrom
    if (from === undefined || from.port !== packet.sourcePort || from.address !== address) {
      from = { address, port: packet.sourcePort, family: packet.family }
      this.#lastFrom = from
    }
    this.#core.scheduler.touched = true
    this.onmessage(packet.data, from)
  }
}
