import { sequenceDistance, timestampDistance } from '../packet/sequence.ts'
import type { ReportBlock, SenderReport } from '../rtcp/types.ts'

/** A jump forward of more is a restart if the next packet confirms it (RFC 3550 A.1). */
const MAX_DROPOUT = 3000
/** The same backward. */
const MAX_MISORDER = 100
/** A transit time that changes by more (s) is a source that set its clock anew, no jitter. */
const MAX_TRANSIT_CHANGE = 10

/**
 * What became of a packet's sequence number: taken, too far from the others to be believed yet, or the second in a row from there, so
 * that the source must have begun anew.
 */
export type Reception = 'accepted' | 'suspect' | 'restarted'

/** Counts one source as RFC 3550 appendix A.1, A.3 and A.8 say, and makes report blocks of it. */
export class ReceptionStatistics {
  /** Packets that were taken, duplicates included. */
  received = 0
  restarts = 0
  readonly #ssrc: number
  readonly #maxMisorder: number
  #clockRate: number
  /** With cycles in the upper bits; undefined before the first packet. */
  #highest: number | undefined
  #base = 0
  #lostBefore = 0
  /** What a second packet in a row from elsewhere would have; −1 for none. */
  #confirmation = -1
  #receivedSinceStart = 0
  #expectedPrior = 0
  #receivedPrior = 0
  #jitter = 0
  #lastTimestamp = 0
  #lastArrival = 0
  #lastSenderReport = 0
  #lastSenderReportAt = 0

  /**
   * `clockRate` in Hz. `maxMisorder` is how far behind a packet may be before it is taken for a restart; more than the 100 of the RFC where lost packets are
   * sent again in the stream itself.
   */
  constructor(ssrc: number, clockRate: number, maxMisorder: number = MAX_MISORDER) {
    this.#ssrc = ssrc
    this.#clockRate = clockRate
    this.#maxMisorder = maxMisorder
  }

  receive(sequenceNumber: number, timestamp: number, now: number): Reception {
    let outcome: Reception = 'accepted'
    if (this.#highest === undefined) {
      this.#begin(sequenceNumber, timestamp, now)
    } else {
      const ahead = sequenceDistance(sequenceNumber, this.#highest)
      if (ahead > MAX_DROPOUT || ahead < -this.#maxMisorder) {
        if (sequenceNumber !== this.#confirmation) {
          this.#confirmation = (sequenceNumber + 1) & 0xffff
          return 'suspect'
        }
        this.#lostBefore = this.packetsLost
        this.restarts++
        this.#begin(sequenceNumber, timestamp, now)
        outcome = 'restarted'
      } else if (ahead > 0) {
        this.#highest += ahead
        this.#measureJitter(timestamp, now)
      }
      this.#confirmation = -1
    }
    this.received++
    this.#receivedSinceStart++
    return outcome
  }

  /** Of the same source: the time is given back in our reports. */
  onSenderReport(report: SenderReport, now: number): void {
    this.#lastSenderReport = Number((report.ntpTimestamp >> 16n) & 0xffff_ffffn)
    this.#lastSenderReportAt = now
  }

  /** Another payload type with another clock. */
  setClockRate(clockRate: number): void {
    if (clockRate === this.#clockRate) return
    this.#jitter = 0
    this.#clockRate = clockRate
  }

  /** Expected less received, since the beginning; negative when there were more duplicates than losses. */
  get packetsLost(): number {
    if (this.#highest === undefined) return 0
    return this.#lostBefore + this.#expected() - this.#receivedSinceStart
  }

  /** s */
  get jitter(): number {
    return this.#jitter / this.#clockRate
  }

  /** The sequence number of the newest packet with its cycles; undefined before the first. */
  get extendedHighestSequenceNumber(): number | undefined {
    return this.#highest
  }

  /** Undefined before the first packet. Begins the next interval of `fractionLost`. */
  report(now: number): ReportBlock | undefined {
    if (this.#highest === undefined) return undefined
    const expected = this.#expected()
    const expectedInterval = expected - this.#expectedPrior
    const lostInterval = expectedInterval - (this.#receivedSinceStart - this.#receivedPrior)
    this.#expectedPrior = expected
    this.#receivedPrior = this.#receivedSinceStart
    const fraction =
      expectedInterval === 0 || lostInterval <= 0 ? 0 : Math.floor((lostInterval * 256) / expectedInterval)
    const delay = this.#lastSenderReport === 0 ? 0 : Math.round(((now - this.#lastSenderReportAt) * 65536) / 1000)
    return {
      ssrc: this.#ssrc,
      fractionLost: Math.min(255, fraction),
      packetsLost: Math.max(-0x80_0000, Math.min(0x7f_ffff, this.packetsLost)),
      extendedHighestSequenceNumber: this.#highest >>> 0,
      jitter: Math.min(0xffff_ffff, Math.floor(this.#jitter)),
      lastSenderReport: this.#lastSenderReport,
      delaySinceLastSenderReport: Math.min(0xffff_ffff, delay),
    }
  }

  #expected(): number {
    return this.#highest! - this.#base + 1
  }

  #begin(sequenceNumber: number, timestamp: number, now: number): void {
    this.#lastTimestamp = timestamp
    this.#lastArrival = now
    this.#highest = sequenceNumber
    this.#base = sequenceNumber
    this.#receivedSinceStart = 0
    this.#expectedPrior = 0
    this.#receivedPrior = 0
  }

  /** A.8, for packets in order: one that was sent again or took a detour says nothing about the path. */
  #measureJitter(timestamp: number, now: number): void {
    const change =
      ((now - this.#lastArrival) * this.#clockRate) / 1000 - timestampDistance(timestamp, this.#lastTimestamp)
    this.#lastArrival = now
    this.#lastTimestamp = timestamp
    const distance = Math.abs(change)
    if (distance < MAX_TRANSIT_CHANGE * this.#clockRate) this.#jitter += (distance - this.#jitter) / 16
  }
}
