import type { FullIntraRequest, PictureLossIndication } from '../rtcp/types.ts'

export interface KeyFrameRequesterOptions {
  readonly ssrc: number
  readonly localSsrc: number
  /** What was negotiated (RFC 4585 §6.3.1, RFC 5104 §4.3.1). PLI is taken when both are. */
  readonly pli: boolean
  readonly fir: boolean
}

/** Least time between two requests, ms. */
const MIN_INTERVAL = 200
/** Between repetitions this doubles up to, ms. */
const MAX_INTERVAL = 3000
/** A source that does not answer that many requests is asked again only when somebody wants to, and at the lowest rate. */
const MAX_REPETITIONS = 10
/**
 * A source that sends nothing meanwhile is asked that often, should it be waiting for it, and then again when something comes: of a simulcast
 * layer that is off at present, each request may cost a key frame of all the others.
 */
const MAX_UNHEARD = 3
/** Before a round trip is known, ms. */
const DEFAULT_ROUND_TRIP = 100

/** Asks for a key frame until one comes, at a limited rate. */
export class KeyFrameRequester {
  /** When `poll` has a request, absolute ms; Infinity when none is wanted. */
  deadline: number = Infinity
  /** ms */
  roundTripTime: number | undefined
  pliCount = 0
  firCount = 0
  pli: boolean
  fir: boolean
  readonly #ssrc: number
  readonly #localSsrc: number
  #wanted = false
  #lastAt = -Infinity
  #repetitions = 0
  /** Requests since the source sent something. */
  #unheard = 0
  #firSequence = 0

  constructor(options: KeyFrameRequesterOptions) {
    this.#ssrc = options.ssrc
    this.#localSsrc = options.localSsrc
    this.pli = options.pli
    this.fir = options.fir
  }

  get wanted(): boolean {
    return this.#wanted
  }

  /** A key frame is wanted. Wanting it again changes nothing while one is. */
  request(now: number): void {
    if (this.deadline !== Infinity) return
    if (!this.#wanted) this.#repetitions = 0
    this.deadline = Math.max(now, this.#lastAt + (this.#wanted ? MAX_INTERVAL : MIN_INTERVAL))
    this.#wanted = true
  }

  /** The source sent something. */
  heard(now: number): void {
    const unheard = this.#unheard
    this.#unheard = 0
    if (unheard < MAX_UNHEARD || !this.#wanted || this.deadline !== Infinity) return
    // A layer that comes back begins with a key frame anyway.
    if (this.#repetitions < MAX_REPETITIONS) this.deadline = now + MIN_INTERVAL
  }

  /** One came. */
  onKeyFrame(): void {
    this.#wanted = false
    this.deadline = Infinity
  }

  poll(now: number): PictureLossIndication | FullIntraRequest | undefined {
    if (now < this.deadline) return undefined
    if (!this.pli && !this.fir) {
      this.onKeyFrame()
      return undefined
    }
    const repeated = this.#repetitions++
    const pause = Math.max(MIN_INTERVAL, (this.roundTripTime ?? DEFAULT_ROUND_TRIP) * 1.5) * 2 ** Math.min(repeated, 8)
    const goesOn = repeated + 1 < MAX_REPETITIONS && ++this.#unheard < MAX_UNHEARD
    this.deadline = goesOn ? now + Math.min(MAX_INTERVAL, pause) : Infinity
    this.#lastAt = now
    if (this.pli) {
      this.pliCount++
      return { type: 'PLI', senderSsrc: this.#localSsrc, mediaSsrc: this.#ssrc }
    }
    // RFC 5104 §4.3.1.1: a repetition keeps the number of the request that it repeats.
    if (repeated === 0) this.#firSequence = (this.#firSequence + 1) & 0xff
    this.firCount++
    return {
      type: 'FIR',
      senderSsrc: this.#localSsrc,
      entries: [{ ssrc: this.#ssrc, sequenceNumber: this.#firSequence }],
    }
  }
}
