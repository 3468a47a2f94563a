import { Association, type AssociationOptions } from '@kaon/sctp'
import { DataChannelManager } from '../src/index.ts'
import type { Channel, ChannelEvent, ManagerOptions } from '../src/index.ts'
import { describeEvent } from './fake-association.ts'

/** What the wire does to packets. Times are ms, the rest are probabilities. */
export interface Link {
  readonly delay?: number
  readonly jitter?: number
  readonly loss?: number
  readonly duplicate?: number
}

/** A small seeded generator (mulberry32), so that every run is the same. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** One end: an association with its manager, and everything it told. */
export class End {
  readonly association: Association
  readonly manager: DataChannelManager
  readonly events: ChannelEvent[] = []
  /** Called with each event as it comes. */
  onevent: ((event: ChannelEvent) => void) | undefined

  constructor(association: AssociationOptions, manager: ManagerOptions) {
    this.association = new Association(association)
    this.manager = new DataChannelManager(this.association, { maxMessageSize: 262144, ...manager })
  }

  /** The events since the last call, in words. */
  words(): string[] {
    return this.events.splice(0).map(describeEvent)
  }

  /** What came in on a channel. */
  received(label: string): (string | Uint8Array)[] {
    return this.events.flatMap((e) => (e.type === 'message' && e.channel.label === label ? [e.data] : []))
  }

  channel(label: string): Channel | undefined {
    return this.manager.channels.find((c) => c.label === label)
  }
}

/** Two ends on virtual time. The client is the DTLS client, and both connect at once as WebRTC peers do. */
export class Pair {
  now = 0
  link: Link
  readonly client: End
  readonly server: End
  readonly #random: () => number
  #flying: { at: number; order: number; to: End; packet: Uint8Array }[] = []
  #order = 0

  constructor(options: {
    seed: number
    link?: Link
    client?: ManagerOptions
    server?: ManagerOptions
    sctp?: Partial<AssociationOptions>
  }) {
    this.link = options.link ?? {}
    this.#random = seeded(options.seed)
    const random = (length: number): Uint8Array => Uint8Array.from({ length }, () => this.#random() * 256)
    const sctp = { now: 0, random, zeroChecksum: true, ...options.sctp }
    this.client = new End(sctp, { role: 'client', ...options.client })
    this.server = new End(sctp, { role: 'server', ...options.server })
    this.client.association.connect(0)
    this.server.association.connect(0)
  }

  /** Runs until nothing is under way or the condition holds. True when it held. */
  run(until: () => boolean = () => false, maxMs = 60_000): boolean {
    const end = this.now + maxMs
    for (;;) {
      this.#drain(this.client, this.server)
      this.#drain(this.server, this.client)
      if (until()) return true
      const next = Math.min(
        this.#flying.reduce((at, f) => Math.min(at, f.at), Infinity),
        this.client.association.deadline,
        this.server.association.deadline,
      )
      if (next > end) {
        this.now = end
        return false
      }
      this.now = Math.max(this.now, next)
      const due = this.#flying.filter((f) => f.at <= this.now).sort((x, y) => x.at - y.at || x.order - y.order)
      if (due.length > 0) this.#flying = this.#flying.filter((f) => f.at > this.now)
      for (const { to, packet } of due) to.association.receive(packet, this.now)
      for (const end of [this.client, this.server]) {
        if (end.association.deadline <= this.now) end.association.tick(this.now)
      }
    }
  }

  #drain(from: End, to: End): void {
    for (let busy = true; busy;) {
      busy = false
      for (let event; (event = from.manager.pollEvent(this.now)) !== undefined; busy = true) {
        from.events.push(event)
        from.onevent?.(event)
      }
      for (let packet; (packet = from.association.pollTransmit(this.now)) !== undefined; busy = true) {
        this.#send(packet.slice(), to)
      }
    }
  }

  #send(packet: Uint8Array, to: End): void {
    const { delay = 10, jitter = 0, loss = 0, duplicate = 0 } = this.link
    const copies = this.#random() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (this.#random() < loss) continue
      this.#flying.push({
        at: this.now + delay + jitter * this.#random(),
        order: this.#order++,
        to,
        packet: packet.slice(),
      })
    }
  }
}
