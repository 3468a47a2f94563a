import { Core, requireAddress } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import { VirtualHost } from './host.ts'
import type { HostOptions } from './host.ts'
import { VirtualNat } from './nat.ts'
import type { NatOptions } from './nat.ts'
import type { DropReason, PacketEvent } from './packet.ts'
import type { Random } from './random.ts'
import { VirtualRouter } from './router.ts'
import type { RouterOptions } from './router.ts'
import { writeIdentity } from './tcp/certificate.ts'
import type { VirtualCertificateOptions, VirtualIdentity } from './tcp/certificate.ts'
import { makeTopology } from './topology.ts'
import type { TopologyName, TopologyOptions } from './topology.ts'

export interface VirtualNetworkOptions {
  /** Same seed, same program: same run, packet for packet. Default 1. */
  seed?: number
  /** Where virtual time starts, in ms. Default 0. */
  start?: number
  /** What `wallClock()` says at virtual time 0, in ms since the Unix epoch. Default 2025-01-01T00:00:00Z. */
  epoch?: number
}

/**
 * A network in memory, on virtual time: hosts below routers and NATs below `internet`, joined by links with delay, loss
 * and so on. Nothing moves but inside `run`, `runUntil` and `runUntilIdle`.
 */
export class VirtualNetwork {
  /** The router above all: knows every public address. */
  readonly internet: VirtualRouter
  readonly #core: Core
  readonly #names: Set<string> = new Set(['internet'])
  #subnetCount = 0

  constructor(options: VirtualNetworkOptions = {}) {
    this.#core = new Core(options.seed ?? 1, options.start ?? 0, options.epoch ?? Date.UTC(2025, 0, 1))
    this.internet = new VirtualRouter(this.#core, {
      name: 'internet',
      // RFC 2544 (as RFC 6890 reserves it) and RFC 3849: addresses that are nobody's.
      subnets: ['198.18.0.0/15', '2001:db8::/64'],
    })
  }

  /** Virtual ms. */
  get now(): number {
    return this.#core.scheduler.now
  }

  /** Packets that did not arrive, by reason, in the whole network. */
  get dropped(): Readonly<Record<DropReason, number>> {
    return this.#core.dropped
  }

  /** How many events wait: packets on their way and timers that are not `unref`. */
  get pending(): number {
    return this.#core.scheduler.pending
  }

  addRouter(options: RouterOptions = {}): VirtualRouter {
    const index = ++this.#subnetCount
    return new VirtualRouter(this.#core, {
      ...options,
      name: this.#claimName(options.name, 'router'),
      via: options.via === undefined ? this.internet : options.via,
      subnets: options.subnets ?? [`10.${index & 0xff}.0.0/16`, `fd00:0:0:${index.toString(16)}::/64`],
    })
  }

  addNat(options: NatOptions = {}): VirtualNat {
    const index = ++this.#subnetCount
    return new VirtualNat(this.#core, {
      ...options,
      name: this.#claimName(options.name, 'nat'),
      via: options.via ?? this.internet,
      subnets: options.subnets ?? [`192.168.${index & 0xff}.0/24`],
    })
  }

  addHost(options: HostOptions = {}): VirtualHost {
    return new VirtualHost(this.#core, this.#claimName(options.name, 'host'), this.internet, options)
  }

  /** Makes `name` known to `lookup` of all hosts (a host: with the addresses it has now); `delay` is how long a look-up takes, in ms. */
  addName(name: string, target: string | readonly string[] | VirtualHost, options: { delay?: number } = {}): void {
    const list = target instanceof VirtualHost ? target.addresses : typeof target === 'string' ? [target] : target
    const addresses = list.map((address) => requireAddress(address).text)
    this.#core.names.set(name.toLowerCase(), { addresses, delay: options.delay ?? 0 })
  }

  removeName(name: string): void {
    this.#core.names.delete(name.toLowerCase())
  }

  /** The certificate that all hosts trust, to be given as one of `authorities`. */
  get authority(): string {
    return this.#core.authority.certificate
  }

  /**
   * A certificate for host names (also `*.example.org`) and IP addresses, and its key: what `listenTcp({ tls })` of a
   * virtual host serves with. Signed by `authority` unless `selfSigned`.
   */
  issueCertificate(names: string | readonly string[], options: VirtualCertificateOptions = {}): VirtualIdentity {
    const serial = this.#core.nextSerial++
    return writeIdentity({
      serial,
      issuer: options.selfSigned === true ? serial : 0,
      names: typeof names === 'string' ? [names] : names,
      notAfter: options.notAfter ?? null,
    })
  }

  /**
   * A way to the internet of a kind that is often met, to hang hosts below: `addHost({ via: net.addTopology('cgnat') })`.
   * The result is the router next to the hosts; its `parent` is what is between it and the internet, if anything.
   */
  addTopology(name: Exclude<TopologyName, 'open'>, options?: TopologyOptions): VirtualNat
  addTopology(name: TopologyName, options?: TopologyOptions): VirtualRouter
  addTopology(name: TopologyName, options: TopologyOptions = {}): VirtualRouter {
    return makeTopology(this, name, options)
  }

  /** Tells `listener` what happens to each packet, until the returned function is called. */
  tap(listener: (event: PacketEvent) => void): () => void {
    this.#core.taps.add(listener)
    return () => this.#core.taps.delete(listener)
  }

  /** A source of randomness of its own, derived from the seed: for the random options of what is tested. */
  createRandom(label: string): Random {
    return this.#core.random(`user ${label}`)
  }

  /** Lets `ms` of virtual time pass, event by event; promises settle between events. Rejects if a callback throws. */
  async run(ms: number): Promise<void> {
    requireDuration(ms)
    await this.#core.scheduler.run(this.now + ms, undefined, false)
  }

  /**
   * Runs until the condition holds or the promise is settled, and resolves to the promise's value.
   * @param maxMs virtual time. Default 30000.
   * @throws VirtualNetworkError `ERR_VIRTUAL_TIMEOUT` when that did not happen in time; whatever the promise rejects with
   */
  runUntil(condition: () => boolean, maxMs?: number): Promise<void>
  runUntil<T>(promise: PromiseLike<T>, maxMs?: number): Promise<T>
  async runUntil<T>(goal: (() => boolean) | PromiseLike<T>, maxMs = 30_000): Promise<T | void> {
    requireDuration(maxMs)
    let settled = false
    const settle = (): void => {
      settled = true
    }
    const isDone = typeof goal === 'function' ? goal : (): boolean => settled
    if (typeof goal !== 'function') goal.then(settle, settle)
    if (!(await this.#core.scheduler.run(this.now + maxMs, isDone, false))) {
      throw new VirtualNetworkError('ERR_VIRTUAL_TIMEOUT', `Still waiting after ${maxMs} ms, at ${this.now} ms`)
    }
    return typeof goal === 'function' ? undefined : goal
  }

  /**
   * Runs until no packet is on its way and no timer waits but those with `unref`.
   * @throws VirtualNetworkError `ERR_VIRTUAL_TIMEOUT` when there is still something to do after `maxMs` (default 600000)
   */
  async runUntilIdle(maxMs = 600_000): Promise<void> {
    requireDuration(maxMs)
    await this.#core.scheduler.run(this.now + maxMs, undefined, true)
    if (this.pending > 0) {
      throw new VirtualNetworkError('ERR_VIRTUAL_TIMEOUT', `${this.pending} events still wait, at ${this.now} ms`)
    }
  }

  #claimName(wanted: string | undefined, kind: string): string {
    let name = wanted
    for (let index = 1; name === undefined; index++) if (!this.#names.has(`${kind}${index}`)) name = `${kind}${index}`
    if (this.#names.has(name)) throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `There is a ${name} already`)
    this.#names.add(name)
    return name
  }
}

function requireDuration(ms: number): void {
  if (!(ms >= 0)) throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `Not a duration: ${ms}`)
}
