// Chunk types (RFC 9260 §3.2, RFC 3758, RFC 6525, RFC 8260).

export const DATA = 0
export const INIT = 1
export const INIT_ACK = 2
export const SACK = 3
export const HEARTBEAT = 4
export const HEARTBEAT_ACK = 5
export const ABORT = 6
export const SHUTDOWN = 7
export const SHUTDOWN_ACK = 8
export const ERROR = 9
export const COOKIE_ECHO = 10
export const COOKIE_ACK = 11
export const SHUTDOWN_COMPLETE = 14
export const I_DATA = 64
export const RE_CONFIG = 130
export const FORWARD_TSN = 192
export const I_FORWARD_TSN = 194

/** Chunks that stand alone in their packet, or first as COOKIE ECHO does (RFC 9260 §6.10, §5.1 C). */
export function standsFirst(type: number): boolean {
  return type === INIT || type === INIT_ACK || type === COOKIE_ECHO || type === SHUTDOWN_COMPLETE
}

/** Bytes of a chunk's header: type, flags, length. */
export const CHUNK_HEADER_SIZE = 4

/** What to do with a chunk that is not known: the two highest bits of its type (RFC 9260 §3.2). */
export function skipUnknownChunk(type: number): boolean {
  return (type & 0x80) !== 0
}

export function reportUnknownChunk(type: number): boolean {
  return (type & 0x40) !== 0
}
