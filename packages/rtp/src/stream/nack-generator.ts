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

interface Missing {
  readonly since: number
  /** When it is to be asked for. */
  at: number
  /** When it was asked for last. */
  askedAt: number
  retries: number
}

/** Finds what is missing in one sequence of packets and says when to ask for it (RFC 4585 §6.2.1). */
export class NackGenerator {
  /** When `poll` has something, absolute ms; Infinity while nothing is missing. */
  deadline: number = Infinity
  /** ms, as it is known from elsewhere. Without it, how long retransmissions take tells. */
  toldRoundTripTime: number | undefined
  /** Retransmissions come as `recovered`, so that what comes late without is surely out of order. Default false. */
  hasRtx = false
  /** Packets that were given up: asked for in vain, or too many. */
  abandoned = 0
  readonly #maxMissing: number
  readonly #maxAge: number
  readonly #maxRetries: number
  readonly #minTolerance: number
  #tolerance: number
  #measured: number | undefined
  #unwrapper = new SequenceUnwrapper()
  /** In ascending order, as gaps are found at the end only. */
  readonly #missing = new Map<number, Missing>()

  constructor(options: NackGeneratorOptions = {}) {
    this.#maxMissing = options.maxMissing ?? 1000
    this.#maxAge = options.maxAge ?? 500
    this.#maxRetries = options.maxRetries ?? 10
    this.#minTolerance = options.reorderTolerance ?? 5
    this.#tolerance = this.#minTolerance
  }

  /** ms; undefined while nothing is known of it. */
  get roundTripTime(): number | undefined {
    return this.toldRoundTripTime ?? this.#measured
  }

  /** Packets that are missed at present. */
  get missing(): number {
    return this.#missing.size
  }

  /** A packet came; `recovered` when by retransmission or repair. */
  receive(sequenceNumber: number, now: number, recovered: boolean = false): void {
    const previous = this.#unwrapper.highest
    if (recovered) {
      // It says nothing about what else is on the way, and may be older than everything known.
      if (previous === undefined) return
      const sequence = this.#unwrapper.peek(sequenceNumber)
      this.#measure(sequence, now)
      this.#found(sequence)
      return
    }
    const sequence = this.#unwrapper.unwrap(sequenceNumber)
    if (previous === undefined || sequence === previous + 1) return
    if (sequence <= previous) {
      const missing = this.#missing.get(sequence)
      if (missing !== undefined) {
        this.#learn(missing, now)
        this.#found(sequence)
      }
      return
    }
    const gap = sequence - previous - 1
    if (gap > this.#maxMissing) {
      this.abandoned += gap + this.#missing.size
      this.clear()
      return
    }
    const excess = this.#missing.size + gap - this.#maxMissing
    if (excess > 0) this.#dropOldest(excess)
    const at = now + this.#tolerance
    for (let i = previous + 1; i < sequence; i++) this.#missing.set(i, { since: now, at, askedAt: 0, retries: 0 })
    if (at < this.deadline) this.deadline = at
  }

  /** What was sent before this packet is not needed any more: a key frame begins with it. */
  forgetBefore(sequenceNumber: number): void {
    if (this.#missing.size === 0) return
    const limit = this.#unwrapper.peek(sequenceNumber)
    for (const sequence of this.#missing.keys()) {
      if (sequence >= limit) break
      this.#missing.delete(sequence)
    }
    if (this.#missing.size === 0) this.deadline = Infinity
  }

  /** Sequence numbers to ask for now, undefined for none. Call until undefined. */
  poll(now: number): number[] | undefined {
    if (now < this.deadline) return undefined
    const interval = Math.max(MIN_RETRY_INTERVAL, (this.roundTripTime ?? DEFAULT_ROUND_TRIP) + this.#tolerance)
    const due: number[] = []
    let deadline = Infinity
    for (const [sequence, missing] of this.#missing) {
      if (missing.at <= now) {
        if (missing.retries >= this.#maxRetries || now - missing.since >= this.#maxAge) {
          this.#missing.delete(sequence)
          this.abandoned++
          continue
        }
        if (due.length < MAX_NACK_SIZE) {
          missing.retries++
          missing.askedAt = now
          missing.at = now + interval
          due.push(sequence & 0xffff)
        }
      }
      if (missing.at < deadline) deadline = missing.at
    }
    this.deadline = deadline
    return due.length === 0 ? undefined : due
  }

  /** Nothing is missing. What comes next is compared with the highest number so far. */
  clear(): void {
    this.#missing.clear()
    this.deadline = Infinity
  }

  /** The source began anew: so does the sequence. */
  reset(): void {
    this.clear()
    this.#unwrapper = new SequenceUnwrapper()
  }

  #found(sequence: number): void {
    if (this.#missing.delete(sequence) && this.#missing.size === 0) this.deadline = Infinity
  }

  /** What was asked for once and came is a round trip; what was asked for more often could answer any of them. */
  #measure(sequence: number, now: number): void {
    const missing = this.#missing.get(sequence)
    if (missing?.retries !== 1) return
    const sample = now - missing.askedAt
    this.#measured = this.#measured === undefined ? sample : this.#measured + (sample - this.#measured) / 8
  }

  /** A packet that comes late by itself: others may take as long, so it is better not to ask so soon. */
  #learn(missing: Missing, now: number): void {
    // Asked for before, it may as well be the answer, unless it comes too soon for that.
    if (missing.retries > 0 && !this.hasRtx && now - missing.askedAt > (this.roundTripTime ?? 0) / 2) return
    const delay = Math.min(MAX_TOLERANCE, now - missing.since)
    // Up at once, down slowly.
    this.#tolerance =
      delay > this.#tolerance ? delay : Math.max(this.#minTolerance, this.#tolerance + (delay - this.#tolerance) / 32)
  }

  #dropOldest(count: number): void {
    let left = count
    for (const sequence of this.#missing.keys()) {
      if (left-- <= 0) break
      this.#missing.delete(sequence)
      this.abandoned++
    }
  }
}
