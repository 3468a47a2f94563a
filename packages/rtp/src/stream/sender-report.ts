import { timestampDistance } from '../packet/sequence.ts'
import type { ReportBlock, SenderReport } from '../rtcp/types.ts'
import type { WallClock } from './wall-clock.ts'

/** A timestamp further than this (s) from where the clock should be belongs to another axis. */
const MAX_DRIFT = 5

/** Counts what a source sends and makes sender reports of it (RFC 3550 §6.4.1). */
export class SenderReportGenerator {
  packetCount = 0
  octetCount = 0
  readonly #ssrc: number
  readonly #clock: WallClock
  #clockRate: number
  #timestamp = 0
  #at = -1

  /** `clockRate` in Hz. */
  constructor(ssrc: number, clockRate: number, clock: WallClock) {
    this.#ssrc = ssrc
    this.#clockRate = clockRate
    this.#clock = clock
  }

  /** A packet left. Its timestamp was the present one at `capturedAt` (ms). */
  onPacket(timestamp: number, payloadLength: number, capturedAt: number): void {
    this.packetCount++
    this.octetCount += payloadLength
    if (this.#at >= 0) {
      const expected = this.timestampAt(capturedAt)
      const drift = Math.abs(timestampDistance(timestamp, expected))
      // Frames sent out of their order (B-frames) carry older timestamps: the newest one is the present.
      if (drift < MAX_DRIFT * this.#clockRate && timestampDistance(timestamp, this.#timestamp) <= 0) return
    }
    this.#timestamp = timestamp
    this.#at = capturedAt
  }

  setClockRate(clockRate: number): void {
    this.#clockRate = clockRate
  }

  /** The RTP timestamp that belongs to this moment. */
  timestampAt(now: number): number {
    return (this.#timestamp + Math.round(((now - this.#at) * this.#clockRate) / 1000)) >>> 0
  }

  /** Undefined before the first packet: there is no RTP time yet. */
  report(now: number, reports: readonly ReportBlock[] = []): SenderReport | undefined {
    if (this.#at < 0) return undefined
    return {
      type: 'SR',
      ssrc: this.#ssrc,
      ntpTimestamp: this.#clock.ntp(now),
      rtpTimestamp: this.timestampAt(now),
      packetCount: this.packetCount >>> 0,
      octetCount: this.octetCount >>> 0,
      reports,
    }
  }
}
