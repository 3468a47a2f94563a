import { readUint32 } from '../bytes.ts'
import type { SackView } from '../packet/sack.ts'
import type { AssociationStats } from '../stats.ts'
import { segmentSize } from './congestion.ts'
import type { CongestionController } from './congestion.ts'
import { LossDetection } from './loss-detection.ts'
import type { AckResult, OutstandingData } from './outstanding-data.ts'
import { ProportionalRateReduction } from './prr.ts'
import type { RetransmissionTimeout } from './rto.ts'
import type { TailLossProbe } from './tail-loss-probe.ts'

/** Duplicates of one SACK that are looked at. */
const MAX_DUPLICATES = 64

/**
 * From the first sign of loss until all of that flight is repaired (RFC 9260 §7.2.4): tells the congestion controller once, holds
 * sending to the reduced window, and takes the reduction back when it was for nothing.
 */
export class LossRecovery {
  mtu: number
  private readonly data: OutstandingData
  private readonly controller: CongestionController
  private readonly rto: RetransmissionTimeout
  private readonly probe: TailLossProbe
  private readonly stats: AssociationStats
  private readonly detection = new LossDetection()
  private readonly prr = new ProportionalRateReduction()
  /** Loss is being repaired up to this TSN, -1 when not; with a smaller window when `reduced`. */
  private point = -1
  private reduced = false
  /** Retransmissions of this recovery that were not reported as duplicates: all were, then nothing had been lost. */
  private undoBalance = 0

  constructor(
    data: OutstandingData,
    controller: CongestionController,
    rto: RetransmissionTimeout,
    probe: TailLossProbe,
    stats: AssociationStats,
    mtu: number,
  ) {
    this.data = data
    this.controller = controller
    this.rto = rto
    this.probe = probe
    this.stats = stats
    this.mtu = mtu
  }

  /** When the oldest suspect counts as lost, absolute ms. */
  get deadline(): number {
    return this.detection.deadline
  }

  /** Whether one more packet may be in flight. */
  get windowOpen(): boolean {
    if (this.reduced) return this.prr.maySend
    // RFC 9260 §6.1 B: less than cwnd in flight allows one more packet.
    return this.data.inFlight < this.controller.congestionWindow
  }

  /** Takes what a SACK acknowledged, before the controller hears of it. */
  onAck(result: AckResult, priorInFlight: number, now: number, smoothed: number, min: number): void {
    const { data, point } = this
    if (result.newestPacket >= 0) {
      const repaired = this.probe.onAck(result, now, min)
      if (repaired && point < 0) this.begin(now, priorInFlight, segmentSize(this.mtu))
      this.detection.onAck(result, data.highestAcked, now, min)
    }
    if (this.point >= 0 && data.cumulative >= this.point) this.end(now)
    this.detect(now, smoothed, min)
  }

  /** The same, after the controller has heard of it. */
  afterAck(ackedBytes: number): void {
    if (!this.reduced) return
    this.prr.onAck(ackedBytes, this.data.inFlight, this.controller.slowStartThreshold, segmentSize(this.mtu))
  }

  onSent(bytes: number): void {
    if (this.reduced) this.prr.onSent(bytes)
  }

  /** A lost chunk was sent again. */
  onRetransmitted(): void {
    this.undoBalance++
  }

  /** Duplicate TSN reports: the peer got something twice. */
  onDuplicates(sack: SackView): void {
    let ours = 0
    for (let i = 0; i < sack.duplicateCount && i < MAX_DUPLICATES; i++) {
      const seq = this.data.unwrap(readUint32(sack.packet, sack.duplicates + 4 * i))
      if (seq >= this.data.next) continue
      ours++
      if (this.probe.onDuplicate(seq)) {
        // Nothing was lost, though the probe's acknowledgement looked like it.
        this.undo()
        return
      }
    }
    if (ours === 0 || this.undoBalance <= 0) return
    this.stats.spuriousRetransmits += ours
    this.detection.onSpurious()
    this.undoBalance -= ours
    if (this.undoBalance <= 0) this.undo()
  }

  /** Looks for losses that show by time alone, when that is due. Returns whether it was. */
  onTime(now: number): boolean {
    if (now < this.detection.deadline) return false
    const smoothed = this.rto.smoothed ?? this.rto.value
    this.detect(now, smoothed, this.rto.min === Infinity ? smoothed : this.rto.min)
    return true
  }

  /** Everything in flight was given up for lost: nothing is left to detect or to reduce. */
  reset(): void {
    this.detection.reset()
    this.reduced = false
    this.point = this.data.next - 1
  }

  private detect(now: number, smoothed: number, min: number): void {
    const { data } = this
    const { inFlight } = data
    const lostBytes = this.detection.detect(data, now, smoothed, min)
    if (lostBytes === 0) return
    this.stats.fastRetransmits++
    this.begin(now, inFlight, lostBytes)
  }

  /** Loss was seen. The controller is asked until it reduces the window, then left alone until all of this flight is repaired. */
  private begin(now: number, inFlight: number, lostBytes: number): void {
    if (this.point < 0) {
      this.point = this.data.next - 1
      this.undoBalance = 0
    }
    if (!this.reduced && this.controller.onCongestion({ now, inFlight, lostBytes })) {
      this.reduced = true
      this.point = this.data.next - 1
      this.prr.begin(inFlight, segmentSize(this.mtu))
    }
  }

  private end(now: number): void {
    this.point = -1
    this.detection.onRecovered()
    if (this.reduced) {
      this.reduced = false
      this.controller.onRecovered(now)
    }
  }

  /** The reduction was for nothing. */
  private undo(): void {
    if (!this.reduced) return
    this.reduced = false
    this.controller.onSpurious()
  }
}
