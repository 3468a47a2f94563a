import { SctpError } from '../errors.ts'
import { COMMON_HEADER_SIZE } from '../packet/common-header.ts'
import { parseData, parseIData } from '../packet/data.ts'
import type { DataChunk } from '../packet/data.ts'
import { parseForwardTsn, parseIForwardTsn } from '../packet/forward-tsn.ts'
import { encodeHeartbeatAck, parseHeartbeat } from '../packet/heartbeat.ts'
import { parseInit } from '../packet/init.ts'
import { parseSack } from '../packet/sack.ts'
import { parseShutdown } from '../packet/shutdown.ts'
import * as types from '../packet/types.ts'
import {
  describeCauses,
  firstCause,
  hasCause,
  invalidStreamIdentifier,
  noUserData,
  parseStaleness,
  STALE_COOKIE,
  unrecognizedChunkType,
} from '../parameter/cause.ts'
import type { Core } from './core.ts'
import type { Handshake } from './handshake.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Shutdown } from './shutdown.ts'
import type { StreamReset } from './stream-reset.ts'

/** Errors of one packet that are reported back: one bad packet makes one small answer. */
const MAX_ERRORS_PER_PACKET = 4

/** What each chunk does. Bytes that make no sense are counted and skipped; nothing here throws. */
export class ChunkHandlers {
  private readonly core: Core
  private readonly handshake: Handshake
  private readonly heartbeat: Heartbeat
  private readonly shutdowns: Shutdown
  private readonly resets: StreamReset
  private packet: Uint8Array = new Uint8Array(0)
  private tag = 0
  private hasData = false
  private hasForwardTsn = false
  private errors: Uint8Array[] = []

  constructor(core: Core, handshake: Handshake, heartbeat: Heartbeat, shutdowns: Shutdown, resets: StreamReset) {
    this.core = core
    this.handshake = handshake
    this.heartbeat = heartbeat
    this.shutdowns = shutdowns
    this.resets = resets
  }

  beginPacket(packet: Uint8Array, tag: number): void {
    this.packet = packet
    this.tag = tag
    this.hasData = false
    this.hasForwardTsn = false
  }

  /** After the last chunk: acknowledgements and errors are owed per packet. */
  endPacket(now: number): void {
    const { core } = this
    if (this.errors.length > 0) {
      if (core.state !== 'closed') core.sendError(this.errors)
      this.errors = []
    }
    this.packet = new Uint8Array(0)
    if (!this.hasData || core.receiver === undefined || core.ended) return
    const roundTripTime = core.rto.smoothed ?? 100
    core.receiver.window.onTime(now, roundTripTime)
    core.receiver.tracker.endPacket(now, sackDelay(roundTripTime, core.settings.sackDelay))
    this.resets.afterData()
    this.shutdowns.onData()
  }

  /** Takes the chunk of `length` bytes at `offset`. Returns false when the rest of the packet is not to be read. */
  onChunk(type: number, offset: number, length: number, now: number): boolean {
    const { core } = this
    switch (type) {
      case types.DATA:
      case types.I_DATA:
        return this.onData(type, offset, length, now)
      case types.SACK:
        return this.onSack(offset, length, now)
      default:
        if (offset === COMMON_HEADER_SIZE || !types.standsFirst(type))
          return this.onRareChunk(type, offset, length, now)
        core.stats.dropped.unexpectedChunk++
        return false
    }
  }

  private onRareChunk(type: number, offset: number, length: number, now: number): boolean {
    const { packet, core } = this
    switch (type) {
      case types.INIT: {
        const init = parseInit(packet, offset, length)
        if (init !== undefined) this.handshake.onInit(init, now)
        else core.stats.dropped.malformedChunk++
        return false
      }
      case types.INIT_ACK: {
        const init = parseInit(packet, offset, length)
        if (init !== undefined) this.handshake.onInitAck(init, now)
        else core.stats.dropped.malformedChunk++
        return false
      }
      case types.COOKIE_ECHO:
        return this.handshake.onCookieEcho(packet.subarray(offset + 4, offset + length), this.tag, now)
      case types.COOKIE_ACK:
        this.handshake.onCookieAck(now)
        return true
      case types.HEARTBEAT:
        // §8.3: answered as it came, in every state that has an association.
        core.sendControl(encodeHeartbeatAck(packet.subarray(offset + 4, offset + length)))
        return true
      case types.HEARTBEAT_ACK: {
        const info = parseHeartbeat(packet, offset, length)
        if (info !== undefined) this.heartbeat.onAck(info, now)
        else core.stats.dropped.malformedChunk++
        return true
      }
      case types.ABORT: {
        const causes = packet.subarray(offset + 4, offset + length)
        const words = describeCauses(causes) || 'no reason given'
        core.fail(new SctpError('ERR_SCTP_PEER_ABORT', `The peer aborted: ${words}`, firstCause(causes)))
        return false
      }
      case types.ERROR:
        return this.onError(offset, length, now)
      case types.SHUTDOWN:
        return this.onShutdown(offset, length, now)
      case types.SHUTDOWN_ACK:
        this.shutdowns.onShutdownAck()
        return true
      case types.SHUTDOWN_COMPLETE:
        // Its tag may be a reflected one, which is good for nothing else.
        this.shutdowns.onShutdownComplete()
        return false
      case types.FORWARD_TSN:
      case types.I_FORWARD_TSN:
        return this.onForwardTsn(type, offset, length)
      case types.RE_CONFIG:
        if (!this.connected) core.stats.dropped.unexpectedChunk++
        else this.resets.onReConfig(packet.subarray(offset + 4, offset + length), now)
        return true
      default:
        return this.onUnknown(type, offset, length)
    }
  }

  /** An association whose data may flow. */
  private get connected(): boolean {
    const { state } = this.core
    return state !== 'closed' && state !== 'cookie-wait' && state !== 'cookie-echoed'
  }

  private onData(type: number, offset: number, length: number, now: number): boolean {
    const { core, packet } = this
    this.handshake.onImpliedCookieAck(now)
    const { receiver } = core
    // §9.2: once the peer has said that it has no more, it has no more.
    if (receiver === undefined || core.state === 'shutdown-received' || core.state === 'shutdown-ack-sent') {
      core.stats.dropped.unexpectedChunk++
      return true
    }
    const interleaved = type === types.I_DATA
    const chunk: DataChunk | undefined = interleaved
      ? parseIData(packet, offset, length)
      : parseData(packet, offset, length)
    if (chunk === undefined) {
      core.stats.dropped.malformedChunk++
      return true
    }
    if (interleaved !== core.negotiated!.interleaving) {
      // RFC 8260 §2.2.2, §2.2.3: one or the other, never both.
      core.protocolViolation(interleaved ? 'I-DATA was not negotiated' : 'DATA where I-DATA was negotiated')
      return false
    }
    if (chunk.payload.length === 0) {
      // §6.2 would have the association aborted. One chunk is not worth that: it is reported and never acknowledged.
      core.stats.dropped.emptyData++
      this.report(noUserData(chunk.tsn))
      return true
    }
    this.hasData = true
    const verdict = receiver.onData(chunk, packet.length)
    if (verdict === 'invalid-stream') this.report(invalidStreamIdentifier(chunk.streamId))
    else if (verdict === 'exhausted') core.outOfResource()
    return true
  }

  private onSack(offset: number, length: number, now: number): boolean {
    const { core } = this
    const sack = parseSack(this.packet, offset, length)
    if (sack === undefined) {
      core.stats.dropped.malformedChunk++
      return true
    }
    if (!this.connected) {
      core.stats.dropped.unexpectedChunk++
      return true
    }
    core.stats.sacksReceived++
    const { sender } = core
    const closed = sender!.windowClosed
    if (!sender!.onSack(sack, now)) {
      core.stats.dropped.unexpectedChunk++
      return true
    }
    // §8.1, and §6.1 A: a peer that keeps its window closed but answers is alive.
    if (sender!.progressed || closed) {
      core.errors = 0
      this.heartbeat.onActivity(now)
    }
    return true
  }

  private onForwardTsn(type: number, offset: number, length: number): boolean {
    const { core, packet } = this
    if (!this.connected || !core.negotiated!.partialReliability) {
      core.stats.dropped.unexpectedChunk++
      return true
    }
    const interleaved = type === types.I_FORWARD_TSN
    const chunk = interleaved ? parseIForwardTsn(packet, offset, length) : parseForwardTsn(packet, offset, length)
    if (chunk === undefined) {
      core.stats.dropped.malformedChunk++
      return true
    }
    if (interleaved !== core.negotiated!.interleaving) {
      core.protocolViolation('The FORWARD-TSN is not of the kind that was negotiated')
      return false
    }
    this.hasData = true
    if (this.hasForwardTsn) {
      // Each may have to look at all that is held, and nobody has a use for two.
      core.stats.dropped.limit++
      return true
    }
    this.hasForwardTsn = true
    core.receiver!.onForwardTsn(chunk)
    return true
  }

  private onError(offset: number, length: number, now: number): boolean {
    const { core } = this
    const causes = this.packet.subarray(offset + 4, offset + length)
    core.trace('peer-error', describeCauses(causes))
    if (hasCause(causes, STALE_COOKIE) && parseStaleness(causes) !== undefined) this.handshake.onStaleCookie(now)
    return true
  }

  private onShutdown(offset: number, length: number, now: number): boolean {
    const { core } = this
    const cumulative = parseShutdown(this.packet, offset, length)
    if (cumulative === undefined) {
      core.stats.dropped.malformedChunk++
    } else if (!this.connected) {
      core.stats.dropped.unexpectedChunk++
    } else {
      if (core.sender!.onShutdownAck(cumulative, now)) core.errors = 0
      this.shutdowns.onShutdown()
    }
    return true
  }

  /** §3.2: the two highest bits of the type say whether to report it and whether to read on. */
  private onUnknown(type: number, offset: number, length: number): boolean {
    this.core.stats.dropped.unknownChunk++
    if (types.reportUnknownChunk(type)) {
      this.report(unrecognizedChunkType(this.packet.subarray(offset, offset + length)))
    }
    return types.skipUnknownChunk(type)
  }

  private report(cause: Uint8Array): void {
    if (this.errors.length < MAX_ERRORS_PER_PACKET) this.errors.push(cause)
    else this.core.stats.dropped.limit++
  }
}

/**
 * How long to hold a SACK back for a second packet, ms: half a round trip, 5 at least, and `limit` (20) at most. RFC 9260 §6.2 would
 * allow 200; but a sender with one packet in flight learns its round trip and opens its window by this SACK.
 */
function sackDelay(roundTripTime: number, limit: number): number {
  return Math.min(limit, Math.max(5, roundTripTime / 2))
}
