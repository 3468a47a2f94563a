import { readUint16 } from '../bytes.ts'
import { encodeAbort } from '../packet/abort.ts'
import { COMMON_HEADER_SIZE } from '../packet/common-header.ts'
import { encodeShutdownComplete, FLAG_TAG_REFLECTED } from '../packet/shutdown.ts'
import {
  ABORT,
  CHUNK_HEADER_SIZE,
  COOKIE_ACK,
  COOKIE_ECHO,
  ERROR,
  INIT,
  INIT_ACK,
  SHUTDOWN_ACK,
  SHUTDOWN_COMPLETE,
} from '../packet/types.ts'
import type { Core } from './core.ts'

/** Answers a packet for which there is no association (RFC 9260 §8.4). Returns false for one that may begin one. */
export function answerOutOfTheBlue(core: Core, packet: Uint8Array, tag: number): boolean {
  switch (packet[COMMON_HEADER_SIZE]) {
    case INIT:
    case COOKIE_ECHO:
      // An association that has ended stays so; whoever wants another one makes another one.
      if (!core.ended) return false
      break
    case SHUTDOWN_ACK:
      core.stats.dropped.outOfTheBlue++
      core.sendPacket(tag, encodeShutdownComplete(true))
      return true
    case ABORT:
    case SHUTDOWN_COMPLETE:
    case COOKIE_ACK:
    case INIT_ACK:
    case ERROR:
      break
    default:
      if (!contains(packet, ABORT)) core.sendPacket(tag, encodeAbort([], true))
      break
  }
  core.stats.dropped.outOfTheBlue++
  return true
}

/** The verification tag rules (RFC 9260 §8.5, §8.5.1). */
export function tagAccepted(core: Core, packet: Uint8Array, tag: number): boolean {
  const type = packet[COMMON_HEADER_SIZE]
  const flags = packet[COMMON_HEADER_SIZE + 1]!
  switch (type) {
    case INIT:
      // A: its tag is 0, and it is alone in its packet.
      return tag === 0 && COMMON_HEADER_SIZE + ((readUint16(packet, COMMON_HEADER_SIZE + 2) + 3) & ~3) >= packet.length
    case COOKIE_ECHO:
      // D: compared with the tag in the cookie.
      return true
    case ABORT:
    case SHUTDOWN_COMPLETE:
      // B, C
      return (flags & FLAG_TAG_REFLECTED) !== 0
        ? core.peerTag !== 0 && tag === core.peerTag
        : core.localTag !== 0 && tag === core.localTag
    case SHUTDOWN_ACK:
      // E: before the association is up it is someone else's.
      if (core.state === 'cookie-wait' || core.state === 'cookie-echoed') {
        core.sendPacket(tag, encodeShutdownComplete(true))
        return false
      }
      return tag === core.localTag
    default:
      return core.localTag !== 0 && tag === core.localTag
  }
}

function contains(packet: Uint8Array, type: number): boolean {
  let offset = COMMON_HEADER_SIZE
  while (offset + CHUNK_HEADER_SIZE <= packet.length) {
    if (packet[offset] === type) return true
    const length = readUint16(packet, offset + 2)
    if (length < CHUNK_HEADER_SIZE) return false
    offset += (length + 3) & ~3
  }
  return false
}
