import { Association } from '../src/index.ts'
import type { AssociationOptions, SctpEvent } from '../src/index.ts'

/** A small generator of reproducible randomness (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000
  }
}

export function seededBytes(seed: number): (length: number) => Uint8Array {
  const next = seeded(seed)
  return (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256))
}

export interface LinkOptions {
  /** One way, ms. */
  readonly delay?: number
  readonly jitter?: number
  /** Probabilities. */
  readonly loss?: number
  readonly duplicate?: number
  readonly reorder?: number
  /** Bytes per ms, and the longest queue in ms. */
  readonly rate?: number
  readonly queue?: number
  readonly seed?: number
}

interface Flying {
  at: number
  order: number
  to: number
  packet: Uint8Array
}

/** A binary heap by arrival time. */
class Heap {
  private readonly items: Flying[] = []

  get length(): number {
    return this.items.length
  }

  peek(): Flying | undefined {
    return this.items[0]
  }

  push(item: Flying): void {
    const { items } = this
    let i = items.length
    items.push(item)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(item, items[parent]!)) break
      items[i] = items[parent]!
      i = parent
    }
    items[i] = item
  }

  pop(): Flying | undefined {
    const { items } = this
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined || items.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++
      if (!before(items[child]!, last)) break
      items[i] = items[child]!
      i = child
    }
    items[i] = last
    return top
  }
}

function before(a: Flying, b: Flying): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Two associations, a link between them, and a clock that jumps from event to event. */
export class Pair {
  now = 0
  readonly ends: [Association, Association]
  readonly events: [SctpEvent[], SctpEvent[]] = [[], []]
  /** Decides the fate of each packet before the link does; false: lost. */
  filter: (packet: Uint8Array, from: number) => boolean = () => true
  link: LinkOptions
  /** Called with each event as it is polled; events are kept when it returns true. */
  onEvent: (event: SctpEvent, end: number) => boolean = () => true
  /** Called after each step, to keep senders busy. */
  onStep: () => void = () => {}
  /** Whether to poll the events of an end. */
  readonly polls: [boolean, boolean] = [true, true]
  packets = 0
  readonly drops = { queue: 0, loss: 0 }
  private readonly random: () => number
  private readonly flying = new Heap()
  private readonly busyUntil: [number, number] = [0, 0]
  private order = 0

  constructor(
    link: LinkOptions = {},
    options: Partial<AssociationOptions> = {},
    second: Partial<AssociationOptions> = options,
  ) {
    this.link = link
    this.random = seeded(link.seed ?? 1)
    this.ends = [
      new Association({ now: 0, random: seededBytes((link.seed ?? 1) + 1000), ...options }),
      new Association({ now: 0, random: seededBytes((link.seed ?? 1) + 2000), ...second }),
    ]
  }

  get a(): Association {
    return this.ends[0]
  }

  get b(): Association {
    return this.ends[1]
  }

  /** Puts a packet on the way to an end. */
  inject(packet: Uint8Array, to: number, delay: number = 0): void {
    this.flying.push({ at: this.now + delay, order: this.order++, to, packet })
  }

  /** Sets up with an INIT of the first end. */
  connect(): this {
    this.a.connect(this.now)
    this.runUntil(() => this.a.state === 'established' && this.b.state === 'established', 60_000)
    this.flush()
    return this
  }

  /** Hands out what both ends have to say, at the current instant. */
  flush(): void {
    for (let again = true; again;) {
      again = false
      for (let end = 0; end < 2; end++) {
        const association = this.ends[end]!
        if (this.polls[end]) {
          for (let event = association.pollEvent(); event !== undefined; event = association.pollEvent()) {
            if (this.onEvent(event, end)) this.events[end]!.push(event)
          }
        }
        for (let p = association.pollTransmit(this.now); p !== undefined; p = association.pollTransmit(this.now)) {
          again = true
          this.transmit(p, end)
        }
      }
    }
  }

  /** Goes on to the next instant at which something happens, not beyond `limit`. Returns false when nothing is left. */
  step(limit: number = Infinity): boolean {
    this.onStep()
    this.flush()
    const next = Math.min(this.flying.peek()?.at ?? Infinity, this.a.deadline, this.b.deadline)
    if (next > limit || next === Infinity) {
      if (limit !== Infinity) this.now = Math.max(this.now, limit)
      return false
    }
    this.now = Math.max(this.now, next)
    while (this.flying.length > 0 && this.flying.peek()!.at <= this.now) {
      const { to, packet } = this.flying.pop()!
      this.ends[to]!.receive(packet, this.now)
    }
    for (const association of this.ends) if (association.deadline <= this.now) association.tick(this.now)
    return true
  }

  run(duration: number): void {
    const end = this.now + duration
    while (this.step(end));
  }

  /** Returns whether it came to pass within `duration` ms. */
  runUntil(condition: () => boolean, duration: number): boolean {
    const end = this.now + duration
    while (!condition()) if (!this.step(end)) break
    this.flush()
    return condition()
  }

  messages(end: number): Uint8Array[] {
    return this.events[end]!.filter((event) => event.type === 'message').map((event) => event.data)
  }

  types(end: number): string[] {
    return this.events[end]!.map((event) => event.type)
  }

  private transmit(packet: Uint8Array, from: number): void {
    this.packets++
    const { delay = 0, jitter = 0, loss = 0, duplicate = 0, reorder = 0, rate = 0, queue = Infinity } = this.link
    if (!this.filter(packet, from)) return
    if (loss > 0 && this.random() < loss) {
      this.drops.loss++
      return
    }
    let departs = this.now
    if (rate > 0) {
      const start = Math.max(this.now, this.busyUntil[from]!)
      if (start - this.now > queue) {
        this.drops.queue++
        return
      }
      departs = start + packet.length / rate
      this.busyUntil[from] = departs
    }
    const copies = duplicate > 0 && this.random() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      let at = departs + delay + (jitter > 0 ? this.random() * jitter : 0)
      if (reorder > 0 && this.random() < reorder) at += delay + 5
      this.flying.push({ at, order: this.order++, to: 1 - from, packet })
    }
  }
}

/** Data that can be recognised: `length` bytes grown from `seed`. */
export function pattern(length: number, seed: number = 0): Uint8Array {
  const data = new Uint8Array(length)
  let x = (seed * 2654435761 + 12345) >>> 0
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    data[i] = x >>> 16
  }
  return data
}
