import { SequenceUnwrapper } from '../packet/sequence.ts'

export interface NackGeneratorOptions {
  /** Most packets that are missed at a time. Default 1000. */
  readonly maxMissing?: number
  /** A packet is given up after this long, ms. Default 500. */
  readonly maxAge?: number
  /** And after being asked for this often. Default 10. */
  readonly maxRetries?: number
  /** Least time from a gap to the first request, ms: packets may just be out of order. Default 5; grows to what is observed. */
  readonly reorderTolerance?: number
}

/** The tolerance does not learn beyond this, ms. */
const MAX_TOLERANCE = 40
/** Before a round trip is known, ms. */
const DEFAULT_ROUND_TRIP = 100
/** Least time between two requests for one packet, ms. */
const MIN_RETRY_INTERVAL = 20
/** Sequence numbers in one NACK: at worst 4 bytes each, so that it fits a datagram beside a report. */
export const MAX_NACK_SIZE = 250

/** How a packet came: by itself (or sent again in the stream itself), by RTX, or out of forward error correction. */
export type Arrival = 'itself' | 'rtx' | 'fec'

const FIRST_CAPACITY = 64
/** Packets between the oldest missing one and the newest: older ones are given up. */
const MAX_SPAN = 8192

/** Finds what is missing in one sequence of packets and says when to ask for it (RFC 4585 §6.2.1). */
export class NackGenerator {
  /** When `poll` has something, absolute ms; Infinity while nothing is missing. */
  deadline: number = Infinity
  /** ms, as it is known from elsewhere. Without it, how long retransmissions take tells. */
  toldRoundTripTime: number | undefined
  /** Retransmissions come by RTX, so that what comes late without is surely out of order. Default false. */
  hasRtx = false
  /** Packets that are missed at present. */
  missing = 0
  /** Packets that were given up: asked for in vain, or too many. */
  abandoned = 0
  readonly #maxMissing: number
  readonly #maxAge: number
  readonly #maxRetries: number
  readonly #minTolerance: number
  #tolerance: number
  #measured: number | undefined
  #unwrapper = new SequenceUnwrapper()
  /** Nothing before it is missing. */
  #oldest = 0
  // A ring of slots by sequence number: walking through a whole gap costs less than a map does for a few packets.
  /** 0 when the packet is not missing, else 1 + how often it was asked for. */
  #state = new Uint8Array(FIRST_CAPACITY)
  #since = new Float64Array(FIRST_CAPACITY)
  /** When it is to be asked for. */
  #at = new Float64Array(FIRST_CAPACITY)
  #askedAt = new Float64Array(FIRST_CAPACITY)

  constructor(options: NackGeneratorOptions = {}) {
    this.#maxMissing = options.maxMissing ?? 1000
    this.#maxAge = options.maxAge ?? 500
    this.#maxRetries = Math.min(254, options.maxRetries ?? 10)
    this.#minTolerance = options.reorderTolerance ?? 5
    this.#tolerance = this.#minTolerance
  }

  /** ms; undefined while nothing is known of it. */
  get roundTripTime(): number | undefined {
    return this.toldRoundTripTime ?? this.#measured
  }

  /** A packet came. */
  receive(sequenceNumber: number, now: number, by: Arrival = 'itself'): void {
    const previous = this.#unwrapper.highest
    if (by !== 'itself') {
      // It says nothing about what else is on the way, and may be older than everything known.
      if (previous !== undefined) this.#found(this.#unwrapper.peek(sequenceNumber), now, by)
      return
    }
    const sequence = this.#unwrapper.unwrap(sequenceNumber)
    if (previous === undefined || sequence === previous + 1) return
    if (sequence <= previous) this.#found(sequence, now, by)
    else this.#gap(previous + 1, sequence, now)
  }

  /** What was sent before this packet is not needed any more: it was given out, or given up. */
  forgetBefore(sequenceNumber: number): void {
    if (this.missing === 0) return
    const limit = this.#unwrapper.peek(sequenceNumber)
    const end = Math.min(limit, this.#unwrapper.highest!)
    for (; this.#oldest < end; this.#oldest++) this.#remove(this.#oldest)
  }

  /** Sequence numbers to ask for now, undefined for none. Call until undefined. */
  poll(now: number): number[] | undefined {
    if (now < this.deadline) return undefined
    const interval = Math.max(MIN_RETRY_INTERVAL, (this.roundTripTime ?? DEFAULT_ROUND_TRIP) + this.#tolerance)
    const due: number[] = []
    let deadline = Infinity
    const end = this.#unwrapper.highest!
    for (let sequence = this.#oldest; sequence < end && this.missing > 0; sequence++) {
      const slot = sequence & (this.#state.length - 1)
      if (this.#state[slot] === 0) {
        if (sequence === this.#oldest) this.#oldest++
        continue
      }
      if (this.#at[slot]! <= now) {
        if (this.#state[slot]! > this.#maxRetries || now - this.#since[slot]! >= this.#maxAge) {
          this.#remove(sequence)
          this.abandoned++
          continue
        }
        if (due.length < MAX_NACK_SIZE) {
          this.#state[slot]!++
          this.#askedAt[slot] = now
          this.#at[slot] = now + interval
          due.push(sequence & 0xffff)
        }
      }
      if (this.#at[slot]! < deadline) deadline = this.#at[slot]!
    }
    this.deadline = deadline
    return due.length === 0 ? undefined : due
  }

  /** Nothing is missing. What comes next is compared with the highest number so far. */
  clear(): void {
    this.#state.fill(0)
    this.missing = 0
    this.deadline = Infinity
  }

  /** The source began anew: so does the sequence. */
  reset(): void {
    this.clear()
    this.#unwrapper = new SequenceUnwrapper()
  }

  #gap(from: number, to: number, now: number): void {
    if (to - from > this.#maxMissing) {
      this.abandoned += to - from + this.missing
      this.clear()
      return
    }
    if (this.missing === 0) this.#oldest = from
    while (to - this.#oldest > this.#state.length && this.#state.length < MAX_SPAN) this.#grow()
    while (to - this.#oldest > this.#state.length || this.missing + to - from > this.#maxMissing) {
      if (this.#remove(this.#oldest++)) this.abandoned++
    }
    const at = now + this.#tolerance
    for (let sequence = from; sequence < to; sequence++) {
      const slot = sequence & (this.#state.length - 1)
      this.#state[slot] = 1
      this.#since[slot] = now
      this.#at[slot] = at
    }
    this.missing += to - from
    if (at < this.deadline) this.deadline = at
  }

  #found(sequence: number, now: number, by: Arrival): void {
    if (this.missing === 0 || sequence < this.#oldest || sequence >= this.#unwrapper.highest!) return
    const slot = sequence & (this.#state.length - 1)
    const state = this.#state[slot]!
    if (state === 0) return
    if (by === 'rtx') {
      // Asked for once, it is a round trip; asked for more often, it could answer any of them.
      if (state === 2) this.#measure(now - this.#askedAt[slot]!)
    } else if (
      by === 'itself' &&
      (state === 1 || this.hasRtx || now - this.#askedAt[slot]! <= (this.roundTripTime ?? 0) / 2)
    ) {
      // Asked for without RTX, it may as well be the answer, unless it comes too soon for that.
      this.#learn(now - this.#since[slot]!)
    }
    this.#remove(sequence)
  }

  #remove(sequence: number): boolean {
    const slot = sequence & (this.#state.length - 1)
    if (this.#state[slot] === 0) return false
    this.#state[slot] = 0
    if (--this.missing === 0) this.deadline = Infinity
    return true
  }

  #measure(sample: number): void {
    this.#measured = this.#measured === undefined ? sample : this.#measured + (sample - this.#measured) / 8
  }

  /** A packet came late by itself: others may take as long, so it is better not to ask so soon. Up at once, down slowly. */
  #learn(late: number): void {
    const delay = Math.min(MAX_TOLERANCE, late)
    const lower = Math.max(this.#minTolerance, this.#tolerance + (delay - this.#tolerance) / 32)
    this.#tolerance = delay > this.#tolerance ? delay : lower
  }

  #grow(): void {
    const { length } = this.#state
    const [state, since, at, askedAt] = [this.#state, this.#since, this.#at, this.#askedAt]
    const mask = length * 2 - 1
    this.#state = new Uint8Array(length * 2)
    this.#since = new Float64Array(length * 2)
    this.#at = new Float64Array(length * 2)
    this.#askedAt = new Float64Array(length * 2)
    for (let sequence = this.#oldest; sequence < this.#oldest + length; sequence++) {
      const slot = sequence & (length - 1)
      this.#state[sequence & mask] = state[slot]!
      this.#since[sequence & mask] = since[slot]!
      this.#at[sequence & mask] = at[slot]!
      this.#askedAt[sequence & mask] = askedAt[slot]!
    }
  }
}
