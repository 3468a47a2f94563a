import { minimumThreshold, segmentSize } from './congestion.ts'
import type { AckSample, CongestionController, CongestionControllerFactory } from './congestion.ts'
import { HyStart } from './hystart.ts'

// CUBIC (RFC 9438) with HyStart++ (RFC 9406), windows in bytes, times in ms.

/** Segments per s³ (§4.1.2, §5.1). */
const C = 0.4
const BETA = 0.7
/** Reno-friendly additive increase (§4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA)

export interface CubicOptions {
  /**
   * Share of packets that may be lost without the window shrinking, as long as the round trip shows no queue. Default 0.02, 0 turns it
   * off.
   *
   * A deliberate deviation from RFC 9260 §7.2.3. Loss on a wireless or long path mostly is not congestion, but taken for it 1 % of
   * loss at 100 ms holds any sender that halves or nearly halves to about 1 Mbit/s. Congestion fills queues before it drops, so a loss
   * without a queue is forgiven up to the rate that BBRv3 forgives; one with a queue, or above that rate, counts as ever.
   */
  readonly lossTolerance?: number
  /**
   * Packets to begin with. Default 10, as TCP (RFC 6928) and dcSCTP have it; RFC 9260 §7.2.1 allows 3 or 4. The sender paces them
   * as soon as it knows the round trip.
   */
  readonly initialPackets?: number
}

/** A factory for `congestionController`. */
export function cubic(options: CubicOptions = {}): CongestionControllerFactory {
  return (mtu) => new Cubic(mtu, options.lossTolerance ?? 0.02, options.initialPackets ?? 10)
}

/**
 * A queue shows when the round trip exceeds its minimum by an eighth, and by this many ms: on a short path by its own length and one
 * ms more, since there a buffer overflows long before it holds 10 ms.
 */
const QUEUE_MIN_DELAY = 10
const QUEUE_SHARE = 1 / 8
/** Packets beyond the tolerated share that are forgiven, so that few packets are not judged by one loss. */
const LOSS_ALLOWANCE = 2
/** Packets over which the rate of loss is taken. */
const LOSS_SAMPLE = 500
/** Round trips without queue and loss after which the window grows by a quarter per round trip; at most so many after failures. */
const PROBE_AFTER = 4
const MAX_PROBE_AFTER = 64

class Cubic implements CongestionController {
  readonly name = 'cubic'
  readonly pacingRate = 0
  congestionWindow: number
  slowStartThreshold = Infinity
  private readonly lossTolerance: number
  private readonly hyStart = new HyStart()
  private segment: number
  private recovering = false
  /** W_max and the Reno estimate, bytes; K, ms; the start of the epoch, ms, -1 before it. */
  private windowMax = 0
  private windowReno = 0
  private k = 0
  private epoch = -1
  private undo: readonly [number, number, number] = [0, 0, 0]
  /** Recent packets and losses, and the lowest round trip of this round and the one before. */
  private packets = 0
  private losses = 0
  private roundMin = Infinity
  private lastRoundMin = Infinity
  private minRoundTripTime = Infinity
  /** Rounds in a row whose round trip showed no queue, and how many it takes to probe. */
  private emptyRounds = 0
  private probeAfter: number = PROBE_AFTER
  private readonly initialPackets: number

  constructor(mtu: number, lossTolerance: number, initialPackets: number) {
    this.lossTolerance = lossTolerance
    this.initialPackets = initialPackets
    this.segment = segmentSize(mtu)
    this.congestionWindow = this.initialWindow
  }

  private get initialWindow(): number {
    return this.initialPackets * this.segment
  }

  onAck(sample: AckSample): void {
    this.observe(sample)
    if (this.recovering) return
    if (!sample.windowLimited) {
      // The clock stands while the user, not the window, limits (§5.8).
      if (this.epoch >= 0 && sample.inFlight * 2 < this.congestionWindow) this.epoch = -1
      return
    }
    if (this.congestionWindow < this.slowStartThreshold) {
      const growth = this.hyStart.onAck(sample.ackedBytes, sample.roundTripTime, sample.roundStart)
      if (growth < 0) this.slowStartThreshold = this.congestionWindow
      else this.congestionWindow += growth
      return
    }
    let growth = this.increase(sample)
    // The path is empty: CUBIC's own way back from one unlucky loss can take half a minute. Part of `lossTolerance`.
    if (this.emptyRounds >= this.probeAfter) growth = Math.max(growth, sample.ackedBytes / 4)
    this.congestionWindow += growth
  }

  onCongestion(event: { now: number; inFlight: number; lostBytes: number }): boolean {
    this.losses += event.lostBytes / this.segment
    this.packets += event.lostBytes / this.segment
    if (this.forgives()) return false
    this.emptyRounds = 0
    this.probeAfter = this.queueShows() ? PROBE_AFTER : Math.min(MAX_PROBE_AFTER, this.probeAfter * 2)
    this.undo = [this.congestionWindow, this.slowStartThreshold, this.windowMax]
    this.reduce()
    this.congestionWindow = this.slowStartThreshold
    this.recovering = true
    return true
  }

  onRecovered(): void {
    this.recovering = false
  }

  onTimeout(): void {
    this.emptyRounds = 0
    // RFC 5681 §3.1: the threshold is for the first timeout; nothing more is learned from those that follow without an answer.
    if (this.congestionWindow > this.segment) this.reduce()
    this.congestionWindow = this.segment
    this.recovering = false
    this.hyStart.reset()
  }

  onSpurious(): void {
    const [window, threshold, windowMax] = this.undo
    this.recovering = false
    if (window <= this.congestionWindow) return
    this.congestionWindow = window
    this.slowStartThreshold = threshold
    this.windowMax = windowMax
    this.epoch = -1
  }

  onIdle(idle: number, rto: number): void {
    // RFC 9260 §7.2.1: halved for every RTO of idleness. What was learned stays in the threshold.
    const floor = this.initialWindow
    if (idle < rto || this.congestionWindow <= floor) return
    this.slowStartThreshold = Math.max(this.slowStartThreshold, this.congestionWindow * 0.75)
    this.congestionWindow = Math.max(floor, this.congestionWindow / 2 ** Math.min(32, Math.floor(idle / rto)))
    this.epoch = -1
  }

  onPathChange(mtu: number): void {
    this.segment = segmentSize(mtu)
    this.congestionWindow = this.initialWindow
    this.slowStartThreshold = Infinity
    this.windowMax = 0
    this.epoch = -1
    this.recovering = false
    this.packets = 0
    this.losses = 0
    this.roundMin = Infinity
    this.lastRoundMin = Infinity
    this.hyStart.reset()
  }

  onMtuChange(mtu: number): void {
    this.segment = segmentSize(mtu)
    this.congestionWindow = Math.max(this.congestionWindow, this.segment)
    this.epoch = -1
  }

  /** §4.2 to §4.5: growth in bytes for one acknowledgement in congestion avoidance. */
  private increase(sample: AckSample): number {
    const { segment, congestionWindow } = this
    if (this.epoch < 0) {
      this.epoch = sample.now
      this.windowReno = congestionWindow
      if (this.windowMax < congestionWindow) this.windowMax = congestionWindow
      this.k = Math.cbrt((this.windowMax - congestionWindow) / segment / C) * 1000
    }
    const elapsed = sample.now - this.epoch
    // Reno grows by alpha segments a round trip; by one once it has passed where it was.
    const alpha = this.windowReno < this.windowMax ? ALPHA : 1
    this.windowReno += (alpha * segment * sample.ackedBytes) / congestionWindow
    const t = (elapsed + sample.smoothedRoundTripTime - this.k) / 1000
    let target = this.windowMax + C * t * t * t * segment
    target = Math.max(congestionWindow, Math.min(target, congestionWindow * 1.5))
    const growth = ((target - congestionWindow) * sample.ackedBytes) / congestionWindow
    return Math.max(growth, this.windowReno - congestionWindow, 0)
  }

  /** §4.6, §4.7: the new threshold and W_max. */
  private reduce(): void {
    const window = this.congestionWindow
    // Fast convergence: who was reduced below where he was makes room for others.
    this.windowMax = window < this.windowMax ? (window * (1 + BETA)) / 2 : window
    this.slowStartThreshold = Math.max(window * BETA, minimumThreshold(this.segment))
    this.epoch = -1
  }

  private observe(sample: AckSample): void {
    this.packets += sample.ackedBytes / this.segment
    this.minRoundTripTime = sample.minRoundTripTime
    if (sample.roundStart) {
      if (this.lossTolerance > 0) this.emptyRounds = this.queueShows() ? 0 : this.emptyRounds + 1
      this.lastRoundMin = this.roundMin
      this.roundMin = Infinity
      if (this.packets > Math.max(LOSS_SAMPLE, (2 * this.congestionWindow) / this.segment)) {
        this.packets /= 2
        this.losses /= 2
      }
    }
    if (sample.roundTripTime > 0 && sample.roundTripTime < this.roundMin) this.roundMin = sample.roundTripTime
  }

  private forgives(): boolean {
    if (this.lossTolerance === 0) return false
    // What a loss of just the tolerated rate exceeds but rarely: its mean and two standard deviations.
    const expected = this.lossTolerance * this.packets
    if (this.losses > expected + 2 * Math.sqrt(expected) + LOSS_ALLOWANCE) return false
    return !this.queueShows()
  }

  /** Whether the round trip exceeds its minimum by what counts as a queue. Unknown counts as yes. */
  private queueShows(): boolean {
    const current = this.roundMin === Infinity ? this.lastRoundMin : this.roundMin
    if (current === Infinity) return true
    const { minRoundTripTime } = this
    const threshold = Math.max(Math.min(QUEUE_MIN_DELAY, minRoundTripTime + 1), minRoundTripTime * QUEUE_SHARE)
    return current - minRoundTripTime >= threshold
  }
}
