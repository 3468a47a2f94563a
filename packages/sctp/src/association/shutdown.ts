import { SctpError } from '../errors.ts'
import { encodeAbort } from '../packet/abort.ts'
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete } from '../packet/shutdown.ts'
import type { Core } from './core.ts'

/** T5-shutdown-guard: the whole of a shutdown takes at most so many RTO.Max (RFC 9260 §9.2). */
const GUARD_FACTOR = 5

/** Ending gracefully (RFC 9260 §9.2): SHUTDOWN, SHUTDOWN ACK, SHUTDOWN COMPLETE, after all data of both sides was delivered. */
export class Shutdown {
  /** When T2-shutdown runs out. */
  deadline: number = Infinity
  private readonly core: Core
  private guard: number = Infinity
  private timeouts = 0
  private requested = false
  /** The peer's SHUTDOWN was not yet answered, or our own not yet sent. */
  private owed: 'nothing' | 'shutdown' | 'shutdown-ack' = 'nothing'

  constructor(core: Core) {
    this.core = core
  }

  /** The user asks. */
  request(): void {
    const { core } = this
    this.requested = true
    if (core.state === 'established') core.enter('shutdown-pending')
  }

  /** The association is established, for the first time or again: what was under way is void, what the user asked for is not. */
  onEstablished(): void {
    this.stop()
    if (this.requested) this.request()
  }

  /** Everything was acknowledged: goes a step further when one is due. Called before packets are made. */
  advance(now: number): void {
    const { core } = this
    if (core.state === 'shutdown-pending' && core.sender!.idle) {
      core.enter('shutdown-sent')
      this.owed = 'shutdown'
      this.timeouts = 0
      this.guard = now + GUARD_FACTOR * core.settings.rtoMax
    } else if (core.state === 'shutdown-received' && core.sender!.idle) {
      this.acknowledge()
    }
    if (this.owed === 'nothing') return
    if (this.owed === 'shutdown') core.sendControl(encodeShutdown(core.receiver!.tracker.cumulativeTsn))
    else core.sendControl(encodeShutdownAck())
    this.owed = 'nothing'
    this.arm(now)
  }

  /** T2 ran out. */
  onTime(now: number): void {
    if (now < this.deadline) return
    const { core } = this
    if (now >= this.guard) {
      const tag = core.peerTag
      core.fail(new SctpError('ERR_SCTP_TIMEOUT', 'The peer does not complete the shutdown'))
      core.sendPacket(tag, encodeAbort([], false))
      return
    }
    this.timeouts++
    if (!core.countError()) return
    this.owed = core.state === 'shutdown-ack-sent' ? 'shutdown-ack' : 'shutdown'
  }

  /** The path has come back: no need to wait. */
  hurry(now: number): void {
    if (this.deadline !== Infinity) this.deadline = now
  }

  /** The peer sent a SHUTDOWN; its cumulative ack was taken already. */
  onShutdown(): void {
    const { core } = this
    switch (core.state) {
      case 'established':
      case 'shutdown-pending':
        core.enter('shutdown-received')
        break
      case 'shutdown-sent':
        // Both at once.
        this.acknowledge()
        break
      case 'shutdown-ack-sent':
        this.owed = 'shutdown-ack'
        break
      default:
        break
    }
  }

  onShutdownAck(): void {
    const { core } = this
    if (core.state !== 'shutdown-sent' && core.state !== 'shutdown-ack-sent') {
      core.stats.dropped.unexpectedChunk++
      return
    }
    const tag = core.peerTag
    this.stop()
    core.finish()
    core.sendPacket(tag, encodeShutdownComplete(false))
  }

  onShutdownComplete(): void {
    const { core } = this
    if (core.state !== 'shutdown-ack-sent') {
      core.stats.dropped.unexpectedChunk++
      return
    }
    this.stop()
    core.finish()
  }

  /** Data came in while ours is done: the SHUTDOWN is what acknowledges it, at once (§9.2). */
  onData(): void {
    if (this.core.state === 'shutdown-sent') this.owed = 'shutdown'
  }

  /** Something is to be sent. */
  get pending(): boolean {
    if (this.owed !== 'nothing') return true
    const { state, sender } = this.core
    return (state === 'shutdown-pending' || state === 'shutdown-received') && sender!.idle
  }

  stop(): void {
    this.deadline = Infinity
    this.guard = Infinity
    this.owed = 'nothing'
  }

  private acknowledge(): void {
    this.core.enter('shutdown-ack-sent')
    this.owed = 'shutdown-ack'
    this.timeouts = 0
  }

  private arm(now: number): void {
    const { rto, settings } = this.core
    this.deadline = now + Math.min(settings.rtoMax, rto.value * 2 ** this.timeouts)
    // Whoever only answers is guarded by the count of errors alone.
  }
}
