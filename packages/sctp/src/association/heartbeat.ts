import { readUint32, writeUint32 } from '../bytes.ts'
import { encodeHeartbeat } from '../packet/heartbeat.ts'
import type { Core } from './core.ts'

/** Asks an idle peer whether it still lives (RFC 9260 §8.3). */
export class Heartbeat {
  /** When the next heartbeat, or the answer to the last one, is due. */
  deadline: number = Infinity
  private readonly core: Core
  private nonce = 0
  private sentAt = 0
  private waiting = false

  constructor(core: Core) {
    this.core = core
  }

  start(now: number): void {
    this.waiting = false
    const { heartbeatInterval } = this.core.settings
    if (heartbeatInterval === 0) {
      this.deadline = Infinity
      return
    }
    // The interval with ±50 % of the RTO, so that many associations do not beat as one.
    const jitter = this.core.rto.value * (this.core.random32() / 0x100000000 - 0.5)
    this.deadline = now + Math.max(1, heartbeatInterval + jitter)
  }

  stop(): void {
    this.deadline = Infinity
    this.waiting = false
  }

  /** The peer acknowledged data, which says as much. */
  onActivity(now: number): void {
    if (this.deadline !== Infinity && !this.waiting) this.deadline = now + this.core.settings.heartbeatInterval
  }

  onTime(now: number): void {
    if (now < this.deadline) return
    const { core } = this
    if (this.waiting) {
      core.rto.backOff()
      if (!core.countError()) return
    }
    this.waiting = true
    this.sentAt = now
    this.nonce = core.random32()
    const info = new Uint8Array(8)
    writeUint32(info, 0, this.nonce)
    core.sendControl(encodeHeartbeat(info))
    core.stats.heartbeatsSent++
    this.deadline = now + core.rto.value
  }

  /** A HEARTBEAT ACK; one that does not carry what was sent last is worth nothing (§8.3). */
  onAck(info: Uint8Array, now: number): void {
    const { core } = this
    if (!this.waiting || info.length !== 8 || readUint32(info, 0) !== this.nonce) {
      core.stats.dropped.unexpectedChunk++
      return
    }
    core.stats.heartbeatAcksReceived++
    core.errors = 0
    core.rto.measure(now - this.sentAt, now)
    this.start(now)
  }
}
