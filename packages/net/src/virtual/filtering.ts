// Which remote endpoints may send through a NAT mapping or a firewall (RFC 4787 §5).

import type { Packet } from './packet.ts'

/** The three behaviours of RFC 4787, for mapping (§4.1) and for filtering (§5). */
export type NatBehavior = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

const SWEEP_SIZE = 1024

/** Remote endpoints to which something was sent lately. */
export class Permissions {
  readonly #behavior: NatBehavior
  readonly #timeout: number
  readonly #lastSent: Map<string, number> = new Map()

  constructor(behavior: NatBehavior, timeout: number) {
    this.#behavior = behavior
    this.#timeout = timeout
  }

  allow(address: string, port: number, now: number): void {
    if (this.#behavior === 'endpoint-independent') return
    if (this.#lastSent.size >= SWEEP_SIZE) this.#sweep(now)
    this.#lastSent.set(this.#key(address, port), now)
  }

  permits(address: string, port: number, now: number): boolean {
    if (this.#behavior === 'endpoint-independent') return true
    const last = this.#lastSent.get(this.#key(address, port))
    return last !== undefined && now - last <= this.#timeout
  }

  #key(address: string, port: number): string {
    return this.#behavior === 'address-dependent' ? address : `${address}|${port}`
  }

  #sweep(now: number): void {
    for (const [key, last] of this.#lastSent) if (now - last > this.#timeout) this.#lastSent.delete(key)
  }
}

/** How long an idle TCP connection is remembered, in ms (RFC 5382 REQ-5: not less than 2 hours and 4 minutes). */
export const TCP_TIMEOUT: number = 124 * 60_000

/** A firewall without translation: what was sent out opens the way back in. */
export class StatefulFirewall {
  readonly #behavior: NatBehavior
  readonly #udpTimeout: number
  readonly #flows: Map<string, { permissions: Permissions; lastUsed: number }> = new Map()

  constructor(behavior: NatBehavior, udpTimeout: number) {
    this.#behavior = behavior
    this.#udpTimeout = udpTimeout
  }

  outbound({ protocol, source, sourcePort, destination, destinationPort }: Packet, now: number): void {
    const timeout = this.#timeout(protocol)
    const key = `${protocol}|${source}|${sourcePort}`
    let flow = this.#flows.get(key)
    if (flow === undefined || now - flow.lastUsed > timeout) {
      flow = { permissions: new Permissions(this.#behavior, timeout), lastUsed: now }
      this.#flows.set(key, flow)
    }
    flow.lastUsed = now
    flow.permissions.allow(destination, destinationPort, now)
  }

  /** Whether a packet from outside answers something. */
  permits({ protocol, source, sourcePort, destination, destinationPort }: Packet, now: number): boolean {
    const flow = this.#flows.get(`${protocol}|${destination}|${destinationPort}`)
    return (
      flow !== undefined &&
      now - flow.lastUsed <= this.#timeout(protocol) &&
      flow.permissions.permits(source, sourcePort, now)
    )
  }

  reset(): void {
    this.#flows.clear()
  }

  #timeout(protocol: 'udp' | 'tcp'): number {
    return protocol === 'udp' ? this.#udpTimeout : TCP_TIMEOUT
  }
}
