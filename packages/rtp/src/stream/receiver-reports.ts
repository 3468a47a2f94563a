import { ntpToWallClock } from '../rtcp/ntp.ts'
import type { ReportBlock, RtcpPacket, SenderReport } from '../rtcp/types.ts'
import type { RtpReceiveStreamOptions } from './options.ts'
import { platformRandom } from './random.ts'
import { ReceptionStatistics } from './reception-statistics.ts'
import { ReportSchedule } from './report-schedule.ts'
import { RoundTripTime } from './round-trip-time.ts'
import type { InboundStats } from './stats.ts'
import { WallClock } from './wall-clock.ts'

const CNAME = 1
/** How far behind the newest a packet may be: sent again in the stream itself, or over a path that was left. */
const MAX_MISORDER = 1024

type DelayReport = Extract<RtcpPacket, { type: 'XR' }>['blocks'][number]

/** What one received stream and its retransmissions report, and what their sender reports about them. */
export class ReceiverReports {
  readonly media: ReceptionStatistics
  rtx: ReceptionStatistics | undefined
  readonly #options: RtpReceiveStreamOptions
  readonly #stats: InboundStats
  readonly #clock: WallClock
  readonly #schedule: ReportSchedule
  readonly #roundTrip = new RoundTripTime()
  #clockRate: number

  constructor(options: RtpReceiveStreamOptions, stats: InboundStats) {
    const video = options.kind === 'video'
    this.#options = options
    this.#stats = stats
    this.#clock = new WallClock(options.now, options.wallClock)
    this.#schedule = new ReportSchedule(
      options.reportInterval ?? (video ? 1000 : 5000),
      options.random ?? platformRandom,
    )
    this.#clockRate = options.codecs[0]?.clockRate ?? (video ? 90_000 : 48_000)
    this.media = new ReceptionStatistics(options.ssrc, this.#clockRate, MAX_MISORDER)
  }

  get deadline(): number {
    return this.#schedule.deadline
  }

  /** ms; undefined while the sender has answered no reference time. */
  get roundTripTime(): number | undefined {
    return this.#roundTrip.smoothed
  }

  setRtx(ssrc: number): void {
    this.rtx = new ReceptionStatistics(ssrc, this.#clockRate, MAX_MISORDER)
  }

  setClockRate(clockRate: number): void {
    if (clockRate === this.#clockRate) return
    this.#clockRate = clockRate
    this.media.setClockRate(clockRate)
  }

  /** Media came. */
  wake(now: number): void {
    this.#stats.packetsLost = this.media.packetsLost
    this.#stats.jitter = this.media.jitter
    this.#schedule.wake(now)
  }

  stop(): void {
    this.#schedule.stop()
  }

  onSenderReport(report: SenderReport, now: number): void {
    this.media.onSenderReport(report, now)
    const { remote } = this.#stats
    remote.packetsSent = report.packetCount
    remote.bytesSent = report.octetCount
    remote.remoteTimestamp = ntpToWallClock(report.ntpTimestamp)
    remote.reportsSent++
  }

  /** True when it has answered our reference time, so that the round trip is known anew. */
  onExtendedReport(block: DelayReport, now: number): boolean {
    if (block.type !== 'DLRR') return false
    const answer = block.reports.find(({ ssrc }) => ssrc === this.#options.localSsrc)
    if (answer === undefined) return false
    const { lastReceiverReport, delaySinceLastReceiverReport } = answer
    const ms = this.#roundTrip.measure(this.#clock.compact(now), lastReceiverReport, delaySinceLastReceiverReport)
    if (ms === undefined) return false
    const { remote } = this.#stats
    remote.roundTripTime = ms / 1000
    remote.totalRoundTripTime = this.#roundTrip.total / 1000
    remote.roundTripTimeMeasurements = this.#roundTrip.measurements
    return true
  }

  /** Whether a report is due now. */
  take(now: number): boolean {
    return this.#schedule.take(now)
  }

  /** A report that is due, or the empty one that a compound packet begins with (RFC 3550 §6.1, RFC 4585 §3.1). */
  compound(due: boolean, now: number): RtcpPacket[] {
    const { localSsrc, cname, receiverReferenceTime } = this.#options
    const reports: ReportBlock[] = []
    if (due) {
      const media = this.media.report(now)
      if (media !== undefined) reports.push(media)
      const rtx = this.rtx?.report(now)
      if (rtx !== undefined) reports.push(rtx)
      this.#stats.reportsSent++
    }
    const packets: RtcpPacket[] = [{ type: 'RR', ssrc: localSsrc, reports }]
    if (cname !== undefined) {
      packets.push({ type: 'SDES', chunks: [{ ssrc: localSsrc, items: [{ type: CNAME, text: cname }] }] })
    }
    if (due && receiverReferenceTime === true) {
      packets.push({ type: 'XR', ssrc: localSsrc, blocks: [{ type: 'RRTR', ntpTimestamp: this.#clock.ntp(now) }] })
    }
    return packets
  }
}
