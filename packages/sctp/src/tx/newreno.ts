import { initialWindow, minimumThreshold, segmentSize } from './congestion.ts'
import type { AckSample, CongestionController } from './congestion.ts'

/** Congestion control to the letter of RFC 9260 §7.2, with L unlimited as the sender paces its bursts. */
export function newReno(mtu: number): CongestionController {
  return new NewReno(mtu)
}

class NewReno implements CongestionController {
  readonly name = 'newreno'
  readonly pacingRate = 0
  congestionWindow: number
  slowStartThreshold = Infinity
  private segment: number
  private partialBytesAcked = 0
  private recovering = false
  private undoWindow = 0
  private undoThreshold = 0

  constructor(mtu: number) {
    this.segment = segmentSize(mtu)
    this.congestionWindow = initialWindow(this.segment)
  }

  onAck(sample: AckSample): void {
    if (this.recovering || !sample.windowLimited) return
    if (this.congestionWindow <= this.slowStartThreshold) {
      // §7.2.1
      this.congestionWindow += sample.ackedBytes
      return
    }
    // §7.2.2
    this.partialBytesAcked += sample.ackedBytes
    if (this.partialBytesAcked >= this.congestionWindow) {
      this.partialBytesAcked -= this.congestionWindow
      this.congestionWindow += this.segment
    }
  }

  onCongestion(): boolean {
    this.undoWindow = this.congestionWindow
    this.undoThreshold = this.slowStartThreshold
    // §7.2.3
    this.slowStartThreshold = Math.max(this.congestionWindow / 2, minimumThreshold(this.segment))
    this.congestionWindow = this.slowStartThreshold
    this.partialBytesAcked = 0
    this.recovering = true
    return true
  }

  onRecovered(): void {
    this.recovering = false
  }

  onTimeout(_now: number, _inFlight: number): void {
    this.slowStartThreshold = Math.max(this.congestionWindow / 2, minimumThreshold(this.segment))
    this.congestionWindow = this.segment
    this.partialBytesAcked = 0
    this.recovering = false
  }

  onSpurious(): void {
    this.congestionWindow = Math.max(this.congestionWindow, this.undoWindow)
    this.slowStartThreshold = Math.max(this.slowStartThreshold, this.undoThreshold)
    this.recovering = false
  }

  onIdle(idle: number, rto: number): void {
    // §7.2.1: halved for every RTO of idleness.
    for (let passed = rto; passed <= idle && this.congestionWindow > initialWindow(this.segment); passed += rto) {
      this.congestionWindow = Math.max(this.congestionWindow / 2, initialWindow(this.segment))
    }
  }

  onPathChange(mtu: number): void {
    this.segment = segmentSize(mtu)
    this.congestionWindow = initialWindow(this.segment)
    this.slowStartThreshold = Infinity
    this.partialBytesAcked = 0
    this.recovering = false
  }

  onMtuChange(mtu: number): void {
    this.segment = segmentSize(mtu)
    this.congestionWindow = Math.max(this.congestionWindow, this.segment)
  }
}
