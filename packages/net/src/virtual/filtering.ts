// Which remote endpoints may send through a NAT mapping or a firewall (RFC 4787 §5).

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

/** A firewall without translation: what was sent out opens the way back in. */
export class StatefulFirewall {
  readonly #behavior: NatBehavior
  readonly #timeout: number
  readonly #flows: Map<string, { permissions: Permissions; lastUsed: number }> = new Map()

  constructor(behavior: NatBehavior, timeout: number) {
    this.#behavior = behavior
    this.#timeout = timeout
  }

  outbound(inside: string, insidePort: number, remote: string, remotePort: number, now: number): void {
    const key = `${inside}|${insidePort}`
    let flow = this.#flows.get(key)
    if (flow === undefined || now - flow.lastUsed > this.#timeout) {
      flow = { permissions: new Permissions(this.#behavior, this.#timeout), lastUsed: now }
      this.#flows.set(key, flow)
    }
    flow.lastUsed = now
    flow.permissions.allow(remote, remotePort, now)
  }

  permits(inside: string, insidePort: number, remote: string, remotePort: number, now: number): boolean {
    const flow = this.#flows.get(`${inside}|${insidePort}`)
    return (
      flow !== undefined && now - flow.lastUsed <= this.#timeout && flow.permissions.permits(remote, remotePort, now)
    )
  }

  reset(): void {
    this.#flows.clear()
  }
}
