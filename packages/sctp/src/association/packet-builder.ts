import { COMMON_HEADER_SIZE } from '../packet/common-header.ts'
import type { Core } from './core.ts'
import type { Handshake } from './handshake.ts'
import type { Shutdown } from './shutdown.ts'
import type { StreamReset } from './stream-reset.ts'

/**
 * Makes the next packet of an association: COOKIE ECHO first, then control chunks, an acknowledgement, a FORWARD-TSN, and data for the
 * rest (RFC 9260 §6.10).
 */
export class PacketBuilder {
  private readonly core: Core
  private readonly handshake: Handshake
  private readonly shutdowns: Shutdown
  private readonly resets: StreamReset
  /** The window of the last SACK, to know when it has grown enough to say so. */
  private advertised = Infinity

  constructor(core: Core, handshake: Handshake, shutdowns: Shutdown, resets: StreamReset) {
    this.core = core
    this.handshake = handshake
    this.shutdowns = shutdowns
    this.resets = resets
  }

  build(now: number): Uint8Array | undefined {
    const { core, handshake } = this
    const echoing = core.state === 'cookie-echoed'
    if (core.state === 'closed' || core.state === 'cookie-wait' || (echoing && handshake.cookieEcho === undefined)) {
      core.queue.wait()
      return undefined
    }
    const sender = core.sender!
    if (!echoing) {
      if (this.shutdowns.pending) this.shutdowns.advance(now)
      if (!this.silent && this.resets.pending) this.resets.advance(now)
    }
    const mayData = !this.silent && sender.ready(now)
    const mustSack = !echoing && this.sackDue()
    const mustForward = !echoing && sender.forwardTsnPending
    if (!echoing && core.control.length === 0 && !mustSack && !mustForward && !mayData) return undefined

    const { writer } = core
    let size = core.mtu
    if (mayData) size = Math.max(size, sender.requiredSize)
    // A cookie is the peer's and cannot be cut.
    if (echoing) size = Math.max(size, COMMON_HEADER_SIZE + handshake.cookieEcho!.length)
    writer.begin(size, core.settings.localPort, core.settings.remotePort, core.peerTag)
    if (echoing) {
      writer.append(handshake.cookieEcho!)
      handshake.cookieEcho = undefined
    }
    for (let chunk = core.control.peek(); chunk !== undefined; chunk = core.control.peek()) {
      // A chunk above the MTU (a HEARTBEAT that long) is not sent at all.
      if (chunk.length > writer.room && !writer.empty) break
      core.control.shift()
      if (chunk.length <= writer.room) writer.append(chunk)
      else core.stats.dropped.limit++
    }
    if (mustSack || (!echoing && mayData && core.receiver!.tracker.sackPending)) this.writeSack()
    if (mustForward) {
      const chunk = sender.takeForwardTsn(writer.room, now)
      if (chunk !== undefined) writer.append(chunk)
    }
    if (mayData) sender.writeData(writer, now)
    if (writer.empty) {
      writer.cancel()
      return undefined
    }
    // RFC 9653 §5.2: a COOKIE ECHO carries a real checksum.
    return writer.finish(!echoing && core.negotiated!.zeroChecksumSent)
  }

  /** States in which no user data leaves. */
  private get silent(): boolean {
    const { state } = this.core
    return state === 'shutdown-sent' || state === 'shutdown-ack-sent'
  }

  /** A SACK is owed now: by the rules of acknowledgement, or because the window has opened again. */
  private sackDue(): boolean {
    const { core } = this
    const { tracker, window } = core.receiver!
    if (tracker.sackNow) return true
    // §6.2: a window that was nearly closed and has room for a few packets again.
    if (this.advertised >= 4 * core.mtu || this.advertised * 2 >= window.capacity) return false
    return window.available(core.mtu) >= Math.min(window.capacity / 2, this.advertised + 4 * core.mtu)
  }

  private writeSack(): void {
    const { core } = this
    const { tracker, window } = core.receiver!
    const available = window.available(core.mtu)
    if (!tracker.writeSack(core.writer, core.writer.room, available)) return
    this.advertised = available
    core.stats.sacksSent++
  }
}
