import type { CongestionControlFeedback } from '../rtcp/types.ts'
import { ArrivalWindow } from './arrival-window.ts'
import type { WallClock } from './wall-clock.ts'

export interface CcfbRecorderOptions {
  readonly localSsrc: number
  readonly clock: WallClock
  /** Time from a first arrival to the packet that reports it, ms. Default 50. */
  readonly interval?: number
  /** Arrivals that are reported without waiting. Default 100. */
  readonly maxArrivals?: number
  /** Sources that are reported on. Default 64; packets of others are not recorded. */
  readonly maxStreams?: number
}

type StreamReport = CongestionControlFeedback['streams'][number]
type PacketReport = StreamReport['reports'][number]

/** Packets of all streams that one feedback speaks of: two bytes each. */
const MAX_REPORTS = 480
const WINDOW = 4096
/** RFC 8888 §3.1: longer ago than can be said. */
const OVER_RANGE = 0x1ffe
/** The time is not known, or lies after the report. */
const UNAVAILABLE = 0x1fff
const NOT_RECEIVED: PacketReport = { received: false, ecn: 0, arrivalTimeOffset: 0 }

/** Records arrivals by SSRC and sequence number and reports them (RFC 8888). */
export class CcfbRecorder {
  /** When a report is due, absolute ms; Infinity when there is nothing to tell. */
  deadline: number = Infinity
  readonly #localSsrc: number
  readonly #clock: WallClock
  readonly #interval: number
  readonly #maxArrivals: number
  readonly #maxStreams: number
  /** Arrival in µs with ECN in the two lowest bits. */
  readonly #streams = new Map<number, ArrivalWindow>()
  #arrivals = 0

  constructor(options: CcfbRecorderOptions) {
    this.#localSsrc = options.localSsrc
    this.#clock = options.clock
    this.#interval = options.interval ?? 50
    this.#maxArrivals = options.maxArrivals ?? 100
    this.#maxStreams = options.maxStreams ?? 64
  }

  /** `ecn` is the field of the IP header, 0 when it is not known. */
  receive(ssrc: number, sequenceNumber: number, now: number, ecn: number = 0): void {
    let window = this.#streams.get(ssrc)
    if (window === undefined) {
      if (this.#streams.size >= this.#maxStreams) return
      window = new ArrivalWindow(WINDOW)
      this.#streams.set(ssrc, window)
    }
    if (!window.add(sequenceNumber, Math.round(now * 1000) * 4 + (ecn & 3))) return
    this.#arrivals++
    if (this.#arrivals >= this.#maxArrivals) this.deadline = now
    else if (this.deadline === Infinity) this.deadline = now + this.#interval
  }

  /** The source has ended. */
  remove(ssrc: number): void {
    this.#streams.delete(ssrc)
  }

  /** The next report that is due. Call until undefined. */
  poll(now: number): CongestionControlFeedback | undefined {
    if (now < this.deadline) return undefined
    const streams: StreamReport[] = []
    let room = MAX_REPORTS
    let more = false
    for (const [ssrc, window] of this.#streams) {
      if (window.empty) continue
      if (room === 0) {
        more = true
        break
      }
      const begin = window.begin
      const end = Math.min(window.end, begin + room)
      const reports: PacketReport[] = []
      for (let sequence = begin; sequence < end; sequence++) reports.push(packetReport(window.at(sequence), now))
      window.reported(end)
      room -= reports.length
      if (!window.empty) more = true
      streams.push({ ssrc, beginSequenceNumber: begin & 0xffff, reports })
    }
    if (!more) {
      this.#arrivals = 0
      this.deadline = Infinity
    }
    if (streams.length === 0) return undefined
    return { type: 'CCFB', senderSsrc: this.#localSsrc, streams, reportTimestamp: this.#clock.compact(now) }
  }
}

function packetReport(arrival: number | undefined, now: number): PacketReport {
  if (arrival === undefined) return NOT_RECEIVED
  const ago = now - Math.floor(arrival / 4) / 1000
  const ecn = arrival % 4
  if (ago < 0) return { received: true, ecn, arrivalTimeOffset: UNAVAILABLE }
  return { received: true, ecn, arrivalTimeOffset: Math.min(OVER_RANGE, Math.round((ago * 1024) / 1000)) }
}
