// One link: what joins a host, router or NAT to the router above it. Each direction has its own effects and counters.

import type { Core } from './core.ts'
import { VirtualNetworkError } from './errors.ts'
import { headerSize, packetSize } from './packet.ts'
import type { Packet } from './packet.ts'
import type { Random } from './random.ts'
import { SYN } from './tcp/segment.ts'

/** What one direction of a link does to packets. Everything may be changed while the network runs. */
export interface LinkEffects {
  /** One-way delay in ms. Default 1. */
  delay: number
  /** Each packet takes up to so many ms longer (uniform). Keeps the order. Default 0. */
  jitter: number
  /** Probability that a packet is lost, each by itself. Default 0. */
  loss: number
  /** Losses in bursts, on top of `loss`. Default none. */
  burstLoss: BurstLoss | undefined
  /** Probability that a packet is held back so that later ones overtake it. Default 0. */
  reorder: number
  /** How long it is held back, in ms. Default 10. */
  reorderDelay: number
  /** Probability that a packet arrives twice. Default 0. */
  duplicate: number
  /** bit/s, headers of IP and UDP or TCP included. Default Infinity. */
  rate: number
  /** How much may wait for a limited `rate`, in ms of its rate; what comes on top is dropped (tail drop). Default 200. */
  queue: number
  /** Bytes of the largest IP packet; larger ones are dropped, not fragmented. Default 1500. */
  mtu: number
  /** Drops each packet for which it returns false. Default none. */
  filter: ((packet: Readonly<Packet>) => boolean) | undefined
}

/** The Gilbert-Elliott model: a good and a bad state, each with its own loss; the state may change after each packet. */
export interface BurstLoss {
  /** Probability of going from good to bad. */
  readonly enter: number
  /** Probability of going from bad to good: a burst is 1 / leave packets long on average. */
  readonly leave: number
  /** Loss in the bad state. Default 1. */
  readonly lossInBurst?: number
  /** Loss in the good state. Default 0. */
  readonly lossOutside?: number
}

/** For both directions, with differences: `{ delay: 20, upstream: { rate: 1e6 } }`. */
export interface LinkOptions extends Partial<LinkEffects> {
  /** Away from the host, towards the internet. */
  upstream?: Partial<LinkEffects>
  /** Towards the host. */
  downstream?: Partial<LinkEffects>
}

export interface LinkStats {
  /** Packets that were put on this direction, and their bytes with IP and UDP or TCP headers. */
  sent: number
  bytes: number
  /** Packets that came out, duplicates included. */
  delivered: number
  lost: number
  queueDropped: number
  mtuDropped: number
  downDropped: number
  filtered: number
  duplicated: number
  reordered: number
}

/** Whoever stands at the end of a direction. */
export interface Receiver {
  receive(packet: Packet, link: Link): void
}

export class LinkDirection {
  readonly name: string
  readonly effects: LinkEffects = {
    delay: 1,
    jitter: 0,
    loss: 0,
    burstLoss: undefined,
    reorder: 0,
    reorderDelay: 10,
    duplicate: 0,
    rate: Infinity,
    queue: 200,
    mtu: 1500,
    filter: undefined,
  }
  readonly stats: LinkStats = {
    sent: 0,
    bytes: 0,
    delivered: 0,
    lost: 0,
    queueDropped: 0,
    mtuDropped: 0,
    downDropped: 0,
    filtered: 0,
    duplicated: 0,
    reordered: 0,
  }
  readonly #core: Core
  readonly #link: Link
  readonly #to: Receiver
  readonly #random: Random
  #inBurst = false
  #rateFreeAt = 0
  #lastArrival = 0

  constructor(core: Core, link: Link, name: string, to: Receiver) {
    this.#core = core
    this.#link = link
    this.name = name
    this.#to = to
    this.#random = core.random(name)
  }

  /** @throws VirtualNetworkError `ERR_VIRTUAL_ARGUMENT` for a probability outside 0…1 or a negative time */
  set(effects: Partial<LinkEffects>): void {
    for (const key of ['loss', 'reorder', 'duplicate'] as const) checkProbability(key, effects[key])
    for (const key of ['enter', 'leave', 'lossInBurst', 'lossOutside'] as const) {
      checkProbability(`burstLoss.${key}`, effects.burstLoss?.[key])
    }
    for (const key of ['delay', 'jitter', 'reorderDelay', 'rate', 'queue', 'mtu'] as const) {
      const value = effects[key]
      if (value !== undefined && !(value >= 0)) {
        throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${key} must not be negative: ${value}`)
      }
    }
    for (const key of Object.keys(this.effects) as (keyof LinkEffects)[]) {
      if (key in effects && (effects[key] !== undefined || key === 'filter' || key === 'burstLoss')) {
        Object.assign(this.effects, { [key]: effects[key] })
      }
    }
  }

  /** Time until a packet put on now would start to be sent, in ms. */
  get queueDelay(): number {
    return Math.max(0, this.#rateFreeAt - this.#core.scheduler.now)
  }

  /** @internal False when the packet exceeds the MTU. */
  transmit(packet: Packet): boolean {
    const { effects, stats } = this
    const core = this.#core
    const { now } = core.scheduler
    const size = packetSize(packet)
    stats.sent++
    stats.bytes += size
    if (!this.#link.isUp) {
      stats.downDropped++
      core.drop(this.name, 'down', packet)
      return true
    }
    if (size > effects.mtu) {
      stats.mtuDropped++
      core.drop(this.name, 'mtu', packet)
      return false
    }
    if (effects.filter !== undefined && !effects.filter(packet)) {
      stats.filtered++
      core.drop(this.name, 'filter', packet)
      return true
    }
    if (packet.segment !== undefined && (packet.segment.flags & SYN) !== 0) {
      const fitting = this.#link.mtu - headerSize(packet)
      if (packet.segment.maxSegment > fitting) packet.segment.maxSegment = Math.max(1, fitting)
    }
    let departure = now
    if (effects.rate !== Infinity) {
      const start = Math.max(now, this.#rateFreeAt)
      if (start - now > effects.queue) {
        stats.queueDropped++
        core.drop(this.name, 'queue', packet)
        return true
      }
      departure = start + (size * 8000) / effects.rate
      this.#rateFreeAt = departure
    }
    // A lost packet has used its share of the rate: it was lost on the wire.
    if (this.#isLost()) {
      stats.lost++
      core.drop(this.name, 'loss', packet)
      return true
    }
    let arrival = departure + effects.delay
    if (effects.jitter > 0) arrival += this.#random() * effects.jitter
    if (arrival < this.#lastArrival) arrival = this.#lastArrival
    if (effects.reorder > 0 && this.#random() < effects.reorder) {
      stats.reordered++
      if (core.taps.size > 0) core.tell('reordered', this.name, packet)
      arrival += effects.reorderDelay // and does not hold up those that come after it
    } else {
      this.#lastArrival = arrival
    }
    this.#arriveAt(arrival, packet)
    if (effects.duplicate > 0 && this.#random() < effects.duplicate) {
      stats.duplicated++
      if (core.taps.size > 0) core.tell('duplicated', this.name, packet)
      // Its own bytes: a receiver owns what it gets and may decrypt in place.
      this.#arriveAt(arrival, { ...packet, data: packet.data.slice() })
    }
    return true
  }

  #isLost(): boolean {
    const { loss, burstLoss } = this.effects
    let lost = loss > 0 && this.#random() < loss
    if (burstLoss !== undefined) {
      const rate = this.#inBurst ? (burstLoss.lossInBurst ?? 1) : (burstLoss.lossOutside ?? 0)
      if (this.#random() < rate) lost = true
      if (this.#random() < (this.#inBurst ? burstLoss.leave : burstLoss.enter)) this.#inBurst = !this.#inBurst
    }
    return lost
  }

  #arriveAt(time: number, packet: Packet): void {
    const { cuts } = this.#link
    this.#core.scheduler.schedule(time, () => {
      if (cuts !== this.#link.cuts) {
        this.stats.downDropped++
        this.#core.drop(this.name, 'down', packet)
        return
      }
      this.stats.delivered++
      this.#to.receive(packet, this.#link)
    })
  }
}

function checkProbability(name: string, value: number | undefined): void {
  if (value !== undefined && !(value >= 0 && value <= 1)) {
    throw new VirtualNetworkError('ERR_VIRTUAL_ARGUMENT', `${name} must be between 0 and 1: ${value}`)
  }
}

export class Link {
  readonly name: string
  /** Away from the host, towards the internet. */
  readonly upstream: LinkDirection
  readonly downstream: LinkDirection
  /** @internal How often it went down: what was on the link then is lost. */
  cuts = 0
  #isUp = true

  /** @internal */
  constructor(core: Core, name: string, lower: Receiver & { name: string }, upper: Receiver & { name: string }) {
    this.name = name
    this.upstream = new LinkDirection(core, this, `${name}>${upper.name}`, upper)
    this.downstream = new LinkDirection(core, this, `${upper.name}>${name}`, lower)
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Bytes of the largest IP packet that passes both ways. */
  get mtu(): number {
    return Math.min(this.upstream.effects.mtu, this.downstream.effects.mtu)
  }

  /** Changes effects of both directions; those of `upstream` and `downstream` on top. */
  set(options: LinkOptions): void {
    this.upstream.set(options)
    this.downstream.set(options)
    if (options.upstream !== undefined) this.upstream.set(options.upstream)
    if (options.downstream !== undefined) this.downstream.set(options.downstream)
  }

  /** The cable is pulled: everything is lost without anybody being told, also what is on its way. */
  down(): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.cuts++
  }

  up(): void {
    this.#isUp = true
  }
}
